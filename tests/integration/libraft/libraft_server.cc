// A server of libraft over Hawser as a process of its own: it keeps all commands in order, on disk
// with libraft, and takes commands over a Unix socket, which no cut network touches.
//
// A client sends lines and gets an answer to each:
//     append WORD    ok WORD | refused WORD LEADER | failed WORD    (failed: perhaps done)
//     status         status ROLE TERM LEADER APPLIED SNAPSHOTS LINK...
//     history        history COUNT, then COUNT lines

#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "adapters/libraft/raft_io.h"
#include "transport/transport.h"

ABSL_FLAG(int, id, 0, "this server");
ABSL_FLAG(std::vector<std::string>, addresses, {}, "of servers 1, 2, ...");
ABSL_FLAG(std::string, directory, "", "for log and snapshots; exists");
ABSL_FLAG(std::string, socket, "", "path of the socket for clients");
ABSL_FLAG(bool, bootstrap, false, "begin with all servers as the configuration");
ABSL_FLAG(std::string, rdma_address, "", "host of the RDMA port; empty: gRPC only");
ABSL_FLAG(int, peer_silent_ms, 0, "Hawser's option of that name; 0: its default");
ABSL_FLAG(int, election_ms, 1000, "libraft's election timeout");

namespace hawser::libraft {
namespace {

constexpr unsigned kSnapshotThreshold = 64;
constexpr unsigned kSnapshotTrailing = 16;
constexpr int kBacklog = 16;

// A connection. Freed when it is closed and libraft has answered all that it asked.
struct Client {
  uv_pipe_t pipe;
  std::string in;
  int under_way = 0;
  bool closed = false;
};

struct Proposal {
  struct raft_apply request;
  Client* client;
  std::string word;
};

struct Writing {
  uv_write_t request;
  std::string text;
};

template <typename Handle>
uv_stream_t* Stream(Handle* handle) {
  return reinterpret_cast<uv_stream_t*>(handle);
}

raft_buffer BufferOf(const std::string& bytes) {
  raft_buffer buffer{raft_malloc(bytes.size() + 1), bytes.size()};
  std::memcpy(buffer.base, bytes.data(), bytes.size());
  return buffer;
}

void Release(Client* client) {
  if (client->closed && client->under_way == 0) delete client;
}

void Answer(Client* client, std::string text) {
  if (client->closed) return;
  auto* const writing = new Writing{{}, std::move(text)};
  writing->text += "\n";
  writing->request.data = writing;
  const uv_buf_t buffer =
      uv_buf_init(&writing->text[0], static_cast<unsigned>(writing->text.size()));
  uv_write(&writing->request, Stream(&client->pipe), &buffer, 1,
           [](uv_write_t* request, int) { delete static_cast<Writing*>(request->data); });
}

void Close(Client* client) {
  auto* const handle = reinterpret_cast<uv_handle_t*>(&client->pipe);
  if (uv_is_closing(handle) != 0) return;
  uv_close(handle, [](uv_handle_t* closed) {
    auto* const client = static_cast<Client*>(closed->data);
    client->closed = true;
    Release(client);
  });
}

// One per process; ends with it. Threads: the loop's.
class Server {
 public:
  bool Open();
  void Run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  int OpenRaft();
  bool Listen();
  void OnConnection();
  void OnLine(Client* client, absl::string_view line);
  void Append(Client* client, absl::string_view word);
  raft_id Leader();
  std::string Status();
  std::string History() const;

  static int Apply(raft_fsm* fsm, const raft_buffer* buffer, void** result);
  static int TakeSnapshot(raft_fsm* fsm, raft_buffer** buffers, unsigned* count);
  static int Restore(raft_fsm* fsm, raft_buffer* buffer);

  uv_loop_t loop_{};
  uv_pipe_t listener_{};
  raft raft_{};
  raft_io io_{};
  raft_fsm fsm_{};
  std::vector<std::string> history_;
  int snapshots_ = 0;  // Restored.
};

bool Server::Open() {
  signal(SIGPIPE, SIG_IGN);
  uv_loop_init(&loop_);
  const int status = OpenRaft();
  if (status != 0) std::fprintf(stderr, "libraft: %s; %s\n", raft_errmsg(&raft_), io_.errmsg);
  return status == 0 && Listen();
}

int Server::OpenRaft() {
  fsm_.version = 1;
  fsm_.data = this;
  fsm_.apply = &Server::Apply;
  fsm_.snapshot = &Server::TakeSnapshot;
  fsm_.restore = &Server::Restore;
  RaftIoOptions options;
  options.transport.cluster_id = "cluster-test";
  options.transport.allow_insecure_network = true;
  options.transport.redial_delay_ms_max = 200;
  const std::string rdma = absl::GetFlag(FLAGS_rdma_address);
  if (rdma.empty()) options.transport.link_policy = LinkPolicy::kGrpc;
  if (!rdma.empty()) options.transport.rdma_listen_address = rdma + ":0";
  const int silent_ms = absl::GetFlag(FLAGS_peer_silent_ms);
  if (silent_ms > 0) options.transport.peer_silent_ms = static_cast<uint32_t>(silent_ms);
  // On a mended wire it goes back soon, and is not told to leave it alone.
  options.transport.rdma_retry_ms_max = 1000;
  options.transport.rdma_flap_window_ms = 100;
  const std::vector<std::string> addresses = absl::GetFlag(FLAGS_addresses);
  const auto id = static_cast<raft_id>(absl::GetFlag(FLAGS_id));
  int status = InitRaftIo(&io_, &loop_, absl::GetFlag(FLAGS_directory).c_str(), options);
  if (status == 0) status = raft_init(&raft_, &io_, &fsm_, id, addresses[id - 1].c_str());
  if (status != 0) return status;
  raft_set_pre_vote(&raft_, true);
  raft_set_election_timeout(&raft_, static_cast<unsigned>(absl::GetFlag(FLAGS_election_ms)));
  raft_set_snapshot_threshold(&raft_, kSnapshotThreshold);
  raft_set_snapshot_trailing(&raft_, kSnapshotTrailing);
  if (absl::GetFlag(FLAGS_bootstrap)) {
    raft_configuration configuration;
    raft_configuration_init(&configuration);
    for (size_t i = 0; i < addresses.size() && status == 0; ++i) {
      status = raft_configuration_add(&configuration, i + 1, addresses[i].c_str(), RAFT_VOTER);
    }
    if (status == 0) status = raft_bootstrap(&raft_, &configuration);
    raft_configuration_close(&configuration);
  }
  return status == 0 ? raft_start(&raft_) : status;
}

bool Server::Listen() {
  const std::string path = absl::GetFlag(FLAGS_socket);
  std::remove(path.c_str());  // Of a process that was killed.
  uv_pipe_init(&loop_, &listener_, 0);
  listener_.data = this;
  const auto on_connection = [](uv_stream_t* listener, int status) {
    if (status == 0) static_cast<Server*>(listener->data)->OnConnection();
  };
  return uv_pipe_bind(&listener_, path.c_str()) == 0 &&
         uv_listen(Stream(&listener_), kBacklog, on_connection) == 0;
}

void Server::OnConnection() {
  auto* const client = new Client{};
  uv_pipe_init(&loop_, &client->pipe, 0);
  client->pipe.data = client;
  if (uv_accept(Stream(&listener_), Stream(&client->pipe)) != 0) return Close(client);
  const auto room = [](uv_handle_t*, size_t, uv_buf_t* buffer) {
    static char bytes[4096];  // Copied in the same turn.
    *buffer = uv_buf_init(bytes, sizeof bytes);
  };
  static Server* const self = this;
  uv_read_start(Stream(&client->pipe), room,
                [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
                  auto* const reader = static_cast<Client*>(stream->data);
                  if (count < 0) return Close(reader);
                  reader->in.append(buffer->base, static_cast<size_t>(count));
                  size_t end = 0;
                  while ((end = reader->in.find('\n')) != std::string::npos) {
                    const std::string line = reader->in.substr(0, end);
                    reader->in.erase(0, end + 1);
                    self->OnLine(reader, line);
                  }
                });
}

void Server::OnLine(Client* client, absl::string_view line) {
  if (absl::ConsumePrefix(&line, "append ")) return Append(client, line);
  if (line == "status") return Answer(client, Status());
  if (line == "history") return Answer(client, History());
  Close(client);
}

void Server::Append(Client* client, absl::string_view word) {
  auto proposal = std::make_unique<Proposal>();
  proposal->client = client;
  proposal->word = std::string(word);
  proposal->request.data = proposal.get();
  // raft_uv cannot read back what has another length than a multiple of 8.
  std::string command(word);
  command.resize((word.size() + 7) / 8 * 8, ' ');
  const raft_buffer buffer = BufferOf(command);
  const auto done = [](struct raft_apply* request, int status, void*) {
    const std::unique_ptr<Proposal> ended(static_cast<Proposal*>(request->data));
    --ended->client->under_way;
    Answer(ended->client, absl::StrCat(status == 0 ? "ok " : "failed ", ended->word));
    Release(ended->client);
  };
  ++client->under_way;
  if (raft_apply(&raft_, &proposal->request, &buffer, 1, done) == 0) {
    proposal.release();  // NOLINT(bugprone-unused-return-value): `done` has it.
    return;
  }
  --client->under_way;
  raft_free(buffer.base);
  Answer(client, absl::StrCat("refused ", word, " ", Leader()));
}

raft_id Server::Leader() {
  raft_id leader = 0;
  const char* address = nullptr;
  raft_leader(&raft_, &leader, &address);
  return leader;
}

std::string Server::Status() {
  constexpr const char* kRoles[] = {"unavailable", "follower", "candidate", "leader"};
  std::string text = absl::StrCat("status ", kRoles[raft_state(&raft_)], " ", raft_.current_term,
                                  " ", Leader(), " ", history_.size(), " ", snapshots_);
  for (const PeerStatus& peer : TransportOf(&io_)->Describe().peers) {
    absl::StrAppend(&text, " ", peer.node, "=", LinkKindName(peer.link));
  }
  return text;
}

std::string Server::History() const {
  std::string text = absl::StrCat("history ", history_.size());
  for (const std::string& command : history_) absl::StrAppend(&text, "\n", command);
  return text;
}

int Server::Apply(raft_fsm* fsm, const raft_buffer* buffer, void** result) {
  *result = nullptr;
  const absl::string_view command(static_cast<const char*>(buffer->base), buffer->len);
  static_cast<Server*>(fsm->data)->history_.emplace_back(
      command.substr(0, command.find_last_not_of(' ') + 1));
  return 0;
}

int Server::TakeSnapshot(raft_fsm* fsm, raft_buffer** buffers, unsigned* count) {
  *count = 1;
  *buffers = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
  **buffers = BufferOf(absl::StrJoin(static_cast<Server*>(fsm->data)->history_, "\n"));
  return 0;
}

int Server::Restore(raft_fsm* fsm, raft_buffer* buffer) {
  auto* const self = static_cast<Server*>(fsm->data);
  const absl::string_view text(static_cast<const char*>(buffer->base), buffer->len);
  self->history_ = absl::StrSplit(text, '\n', absl::SkipEmpty());
  ++self->snapshots_;
  raft_free(buffer->base);
  return 0;
}

}  // namespace
}  // namespace hawser::libraft

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  // Never destroyed: its process is killed.
  auto* const server = new hawser::libraft::Server;
  if (!server->Open()) return 1;
  server->Run();
  return 0;
}
