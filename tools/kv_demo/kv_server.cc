#include "tools/kv_demo/kv_server.h"

#include <csignal>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tools/kv_demo/kv.pb.h"
#include "transport/typed_call.h"

namespace hawser::kv {
namespace {

constexpr size_t kLineBytesMax = 64 * 1024;
constexpr int kBacklog = 128;

// Where the leader takes puts of other servers, and how long they wait.
constexpr char kPutEndpoint[] = "put";
constexpr absl::Duration kForwardPatience = absl::Seconds(5);

constexpr const char* kRoles[] = {"unavailable", "follower", "candidate", "leader"};

bool SocketAddress(const std::string& address, sockaddr_in* out) {
  const std::vector<std::string> parts = absl::StrSplit(address, ':');
  int port = 0;
  return parts.size() == 2 && absl::SimpleAtoi(parts[1], &port) &&
         uv_ip4_addr(parts[0].c_str(), port, out) == 0;
}

template <typename Handle>
uv_handle_t* Base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

template <typename Handle>
uv_stream_t* Stream(Handle* handle) {
  return reinterpret_cast<uv_stream_t*>(handle);
}

raft_buffer BufferOf(absl::string_view bytes) {
  raft_buffer buffer{raft_malloc(bytes.size() + 1), bytes.size()};
  std::memcpy(buffer.base, bytes.data(), bytes.size());
  return buffer;
}

}  // namespace

// A connection. Frees itself when it is closed and nothing of libraft's has it any more.
struct KvServer::Client {
  KvServer* server;
  uv_tcp_t socket;
  uv_write_t write;
  std::string in;
  std::string out;
  bool asked = false;
  bool closed = false;

  void Close() {
    if (uv_is_closing(Base(&socket)) != 0) return;
    uv_close(Base(&socket), [](uv_handle_t* handle) {
      auto* const client = static_cast<Client*>(handle->data);
      client->closed = true;
      if (!client->asked) delete client;
    });
  }
};

struct KvServer::Proposal {
  struct raft_apply request;
  PutEnd end;
};

struct KvServer::Read {
  struct raft_barrier request;
  Client* client;
  std::string key;
};

KvServer::KvServer(const KvServerOptions& options) : options_(options) {}

KvServer::~KvServer() = default;

absl::Status KvServer::Run() {
  signal(SIGPIPE, SIG_IGN);
  uv_loop_init(&loop_);
  if (absl::Status status = OpenRaft(); !status.ok()) return status;
  if (absl::Status status = Listen(); !status.ok()) return status;
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
  return absl::OkStatus();
}

absl::Status KvServer::OpenRaft() {
  fsm_.version = 1;
  fsm_.data = this;
  fsm_.apply = &KvServer::Apply;
  fsm_.snapshot = &KvServer::TakeSnapshot;
  fsm_.restore = &KvServer::Restore;
  if (libraft::InitRaftIo(&io_, &loop_, options_.directory.c_str(), options_.io) != 0) {
    return absl::InternalError(io_.errmsg);
  }
  const std::string& address = options_.members.at(options_.id).raft_address;
  if (raft_init(&raft_, &io_, &fsm_, options_.id, address.c_str()) != 0) {
    return absl::InternalError(raft_errmsg(&raft_));
  }
  raft_.data = this;
  if (absl::Status status = ServePuts(); !status.ok()) return status;
  raft_set_pre_vote(&raft_, true);
  raft_configuration configuration;
  raft_configuration_init(&configuration);
  for (const auto& [id, member] : options_.members) {
    if (raft_configuration_add(&configuration, id, member.raft_address.c_str(), RAFT_VOTER) != 0) {
      return absl::InvalidArgumentError(absl::StrCat("server ", id, " is there twice"));
    }
  }
  const int status = raft_bootstrap(&raft_, &configuration);
  raft_configuration_close(&configuration);
  // What is on disk already has its configuration.
  if (status != 0 && status != RAFT_CANTBOOTSTRAP) return absl::InternalError(io_.errmsg);
  if (raft_start(&raft_) != 0) return absl::InternalError(raft_errmsg(&raft_));
  return absl::OkStatus();
}

absl::Status KvServer::Listen() {
  sockaddr_in address;
  const std::string& text = options_.members.at(options_.id).client_address;
  if (!SocketAddress(text, &address)) {
    return absl::InvalidArgumentError(absl::StrCat(text, " is no IP:port"));
  }
  uv_tcp_init(&loop_, &listener_);
  listener_.data = this;
  int status = uv_tcp_bind(&listener_, reinterpret_cast<sockaddr*>(&address), 0);
  if (status == 0) {
    status = uv_listen(Stream(&listener_), kBacklog, [](uv_stream_t* listener, int failed) {
      if (failed == 0) static_cast<KvServer*>(listener->data)->OnConnection();
    });
  }
  if (status != 0) return absl::UnavailableError(absl::StrCat(text, ": ", uv_strerror(status)));
  const std::pair<uv_signal_t*, int> signals[] = {{&interrupt_, SIGINT}, {&terminate_, SIGTERM}};
  for (const auto& [handle, number] : signals) {
    uv_signal_init(&loop_, handle);
    handle->data = this;
    uv_signal_start(
        handle, [](uv_signal_t* h, int) { static_cast<KvServer*>(h->data)->Close(); }, number);
  }
  return absl::OkStatus();
}

void KvServer::Close() {
  if (std::exchange(closing_, true)) return;
  for (uv_handle_t* handle : {Base(&listener_), Base(&interrupt_), Base(&terminate_)}) {
    uv_close(handle, nullptr);
  }
  raft_close(&raft_, [](raft* closed) {
    auto* const self = static_cast<KvServer*>(closed->data);
    libraft::CloseRaftIo(&self->io_);
    // Clients that have not asked anything, and those that are slow to read.
    const auto hang_up = [](uv_handle_t* handle, void* listener) {
      if (handle->type == UV_TCP && handle != listener) static_cast<Client*>(handle->data)->Close();
    };
    uv_walk(&self->loop_, hang_up, &self->listener_);
  });
}

void KvServer::OnConnection() {
  auto* const client = new Client{};
  client->server = this;
  uv_tcp_init(&loop_, &client->socket);
  client->socket.data = client;
  if (uv_accept(Stream(&listener_), Stream(&client->socket)) != 0) return client->Close();
  const auto room = [](uv_handle_t*, size_t, uv_buf_t* buffer) {
    static char bytes[4096];  // Copied in the same turn.
    *buffer = uv_buf_init(bytes, sizeof bytes);
  };
  uv_read_start(Stream(&client->socket), room,
                [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
                  auto* const reader = static_cast<Client*>(stream->data);
                  if (count < 0) return reader->Close();
                  reader->in.append(buffer->base, static_cast<size_t>(count));
                  const size_t end = reader->in.find('\n');
                  if (end == std::string::npos) {
                    if (reader->in.size() > kLineBytesMax) reader->Close();
                    return;
                  }
                  uv_read_stop(stream);
                  reader->asked = true;
                  reader->server->Answer(reader, absl::string_view(reader->in).substr(0, end));
                });
}

void KvServer::Reply(Client* client, const std::string& text) {
  client->asked = false;
  if (client->closed) {
    delete client;
    return;
  }
  client->out = text + "\n";
  client->write.data = client;
  const uv_buf_t buffer = uv_buf_init(&client->out[0], static_cast<unsigned>(client->out.size()));
  uv_write(&client->write, Stream(&client->socket), &buffer, 1,
           [](uv_write_t* write, int) { static_cast<Client*>(write->data)->Close(); });
}

void KvServer::Answer(Client* client, absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, absl::MaxSplits(' ', 2));
  if (words[0] == "status") return Reply(client, Status());
  if (closing_) return Reply(client, "unavailable");
  if (words[0] == "put" && words.size() == 3) return StartPut(client, words[1], words[2]);
  if (words[0] == "get" && words.size() == 2) return StartGet(client, words[1]);
  Reply(client, "failed: put KEY VALUE, get KEY, or status");
}

void KvServer::Propose(const std::string& command, PutEnd end) {
  auto proposal = std::make_unique<Proposal>();
  proposal->end = std::move(end);
  proposal->request.data = proposal.get();
  const raft_buffer buffer = BufferOf(command);
  const auto done = [](struct raft_apply* request, int status, void*) {
    const std::unique_ptr<Proposal> ended(static_cast<Proposal*>(request->data));
    std::move(ended->end)(status, request->index);
  };
  const int status =
      closing_ ? int{RAFT_SHUTDOWN} : raft_apply(&raft_, &proposal->request, &buffer, 1, done);
  if (status == 0) {
    proposal.release();  // NOLINT(bugprone-unused-return-value): `done` has it.
    return;
  }
  raft_free(buffer.base);
  std::move(proposal->end)(status, 0);
}

void KvServer::StartPut(Client* client, absl::string_view key, absl::string_view value) {
  const std::string command = KvStore::PutCommand(key, value);
  Propose(command, [this, client, command](int status, raft_index index) {
    if (status == RAFT_NOTLEADER) return Forward(client, command);
    Reply(client, status == 0 ? absl::StrCat("ok ", index)
                              : absl::StrCat("failed ", raft_strerror(status)));
  });
}

// The client's turn may be the last thing that this server does: what is not answered by then ends
// with the transport.
void KvServer::Forward(Client* client, const std::string& command) {
  const raft_id leader = Leader();
  if (leader == 0 || closing_) return Reply(client, "unavailable");
  Put put;
  put.ParseFromString(command);
  CallTyped<PutDone>(
      libraft::TransportOf(&io_), leader, kPutEndpoint, put, absl::Now() + kForwardPatience,
      [client](CallStatus status, absl::string_view text, const PutDone& done) {
        if (status == CallStatus::kNotSent) return Reply(client, "unavailable");
        Reply(client, status == CallStatus::kOk
                          ? absl::StrCat("ok ", done.index())
                          : absl::StrCat("failed ", CallStatusName(status), ": ", text));
      });
}

absl::Status KvServer::ServePuts() {
  return RegisterTyped<Put, PutDone>(
      libraft::TransportOf(&io_), kPutEndpoint,
      [this](const Caller&, const Put& put, TypedResponder<PutDone> responder) {
        Propose(KvStore::PutCommand(put.key(), put.value()),
                [responder = std::move(responder)](int status, raft_index index) mutable {
                  if (status != 0) {
                    return std::move(responder).Fail(CallStatus::kServerError,
                                                     raft_strerror(status));
                  }
                  PutDone done;
                  done.set_index(index);
                  std::move(responder).Reply(done);
                });
      });
}

void KvServer::StartGet(Client* client, absl::string_view key) {
  auto read = std::make_unique<Read>();
  read->client = client;
  read->key = std::string(key);
  read->request.data = read.get();
  const auto done = [](struct raft_barrier* request, int status) {
    const std::unique_ptr<Read> ended(static_cast<Read*>(request->data));
    const std::string* const value = ended->client->server->store_.Get(ended->key);
    Reply(ended->client, status != 0        ? absl::StrCat("failed ", raft_strerror(status))
                         : value == nullptr ? "none"
                                            : absl::StrCat("value ", *value));
  };
  if (raft_barrier(&raft_, &read->request, done) == 0) {
    read.release();  // NOLINT(bugprone-unused-return-value): `done` has it.
    return;
  }
  Reply(client, Redirect());
}

raft_id KvServer::Leader() const {
  raft_id leader = 0;
  const char* address = nullptr;
  raft_leader(const_cast<raft*>(&raft_), &leader, &address);
  return leader == options_.id ? 0 : leader;
}

std::string KvServer::Redirect() const {
  const auto member = options_.members.find(Leader());
  if (member == options_.members.end()) return "unavailable";
  return "redirect " + member->second.client_address;
}

std::string KvServer::Status() {
  raft_id leader = 0;
  const char* address = nullptr;
  raft_leader(&raft_, &leader, &address);
  std::string text = absl::StrFormat(
      "server %d: %s, term %d, leader %d, applied up to %d, %d keys, fingerprint %08x", options_.id,
      kRoles[raft_state(&raft_)], raft_.current_term, leader, raft_last_applied(&raft_),
      store_.size(), store_.Fingerprint());
  Transport* const transport = libraft::TransportOf(&io_);
  if (transport == nullptr) return text;
  const TransportStatus status = transport->Describe();
  for (const EndpointStatus& endpoint : status.endpoints) {
    absl::StrAppendFormat(&text, "\n  endpoint %s: %d calls", endpoint.name, endpoint.calls);
  }
  for (const PeerStatus& peer : status.peers) {
    absl::StrAppendFormat(&text, "\n  to %d: %s, %s (%s), rtt %d us, sent %d, received %d, lost %d",
                          peer.node, PeerStateName(peer.state), LinkKindName(peer.link),
                          LinkReasonText(peer.link_reason), peer.rtt_us,
                          peer.ledger.acknowledged.messages, peer.received.messages,
                          peer.ledger.lost_total().messages);
  }
  return text;
}

int KvServer::Apply(raft_fsm* fsm, const raft_buffer* buffer, void** result) {
  *result = nullptr;
  const absl::string_view command(static_cast<const char*>(buffer->base), buffer->len);
  return static_cast<KvServer*>(fsm->data)->store_.Apply(command) ? 0 : RAFT_MALFORMED;
}

int KvServer::TakeSnapshot(raft_fsm* fsm, raft_buffer** buffers, unsigned* count) {
  *count = 1;
  *buffers = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
  **buffers = BufferOf(static_cast<KvServer*>(fsm->data)->store_.Snapshot());
  return 0;
}

int KvServer::Restore(raft_fsm* fsm, raft_buffer* buffer) {
  const absl::string_view snapshot(static_cast<const char*>(buffer->base), buffer->len);
  if (!static_cast<KvServer*>(fsm->data)->store_.Restore(snapshot)) return RAFT_MALFORMED;
  raft_free(buffer->base);
  return 0;
}

}  // namespace hawser::kv
