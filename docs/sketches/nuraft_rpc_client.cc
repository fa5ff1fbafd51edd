// NuRaft on Hawser: appends by CallAppend, so that they go through the append codec; votes and all
// else by Call, as bytes. One object is both the factory of clients and the listener.

#include <atomic>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "docs/sketches/sketches.h"

namespace hawser::sketches {
namespace {

using foreign::ptr;
using foreign::req_msg;
using foreign::resp_msg;

constexpr char kEndpoint[] = "nuraft";

// NuRaft's ids are 32-bit and may be negative where no server is meant.
NodeId NodeOf(int32_t id) { return static_cast<uint32_t>(id); }
int32_t IdOf(uint64_t node) { return static_cast<int32_t>(static_cast<uint32_t>(node)); }

// A call's bytes, until Hawser no longer needs them.
struct Sent {
  ptr<req_msg> request;
  std::vector<std::string> marked;  // Entries that are no application log, behind their kind.
};

// raftpb knows three kinds of entry, NuRaft more: those but the application's carry theirs in
// their first byte.
MessageView ViewOf(Sent* sent, std::vector<EntryView>* entries) {
  const req_msg& in = *sent->request;
  MessageView out;
  out.type = MessageType::kApp;
  out.from = NodeOf(in.src);
  out.to = NodeOf(in.dst);
  out.term = in.term;
  out.log_term = in.last_log_term;
  out.index = in.last_log_idx;
  out.commit = in.commit_idx;
  sent->marked.reserve(in.log_entries.size());
  for (const ptr<foreign::log_entry>& entry : in.log_entries) {
    EntryView& view = entries->emplace_back();
    view.term = entry->term;
    view.index = in.last_log_idx + entries->size();
    view.data = *entry->buf;
    if (entry->val_type == foreign::app_log) continue;
    sent->marked.push_back(absl::StrCat(std::string(1, entry->val_type), *entry->buf));
    view.type = EntryType::kConfChange;
    view.data = sent->marked.back();
  }
  out.entries = *entries;
  return out;
}

ptr<req_msg> RequestOf(const MessageView& in) {
  auto out = std::make_shared<req_msg>();
  out->src = IdOf(in.from);
  out->dst = IdOf(in.to);
  out->term = in.term;
  out->last_log_term = in.log_term;
  out->last_log_idx = in.index;
  out->commit_idx = in.commit;
  for (const EntryView& view : in.entries) {
    absl::string_view data = view.data;
    foreign::log_val_type type = foreign::app_log;
    if (view.type != EntryType::kNormal && !data.empty()) {
      type = static_cast<foreign::log_val_type>(data.front());
      data.remove_prefix(1);
    }
    auto buf = std::make_shared<foreign::buffer>(data);
    out->log_entries.push_back(
        std::make_shared<foreign::log_entry>(foreign::log_entry{view.term, type, std::move(buf)}));
  }
  return out;
}

MessageView ViewOf(const resp_msg& in) {
  MessageView out;
  out.type = MessageType::kAppResp;
  out.from = NodeOf(in.src);
  out.to = NodeOf(in.dst);
  out.term = in.term;
  out.index = in.next_idx;
  out.reject = !in.accepted;
  out.reject_hint = static_cast<uint64_t>(in.next_batch_size_hint_in_bytes);
  return out;
}

ptr<resp_msg> ResponseOf(const MessageView& in) {
  return std::make_shared<resp_msg>(resp_msg{in.term, IdOf(in.from), IdOf(in.to), in.index,
                                             !in.reject, static_cast<int64_t>(in.reject_hint)});
}

class Client final : public foreign::rpc_client {
 public:
  Client(std::shared_ptr<Transport> transport, std::string endpoint, PostToWorker post)
      : transport_(std::move(transport)), endpoint_(std::move(endpoint)), post_(std::move(post)) {}

  void send(ptr<req_msg>& request, foreign::rpc_handler& when_done, uint64_t timeout_ms) override {
    const NodeId node = NodeOf(request->dst);
    // NuRaft makes clients from endpoints; the id comes with the first request.
    if (!known_.exchange(true)) transport_->AddPeer(node, {endpoint_}).IgnoreError();
    const absl::Time deadline =
        timeout_ms == 0 ? absl::InfiniteFuture() : absl::Now() + absl::Milliseconds(timeout_ms);
    CallDone done = [request, when_done, post = post_](CallResult result) {
      ptr<resp_msg> response;
      ptr<foreign::rpc_exception> error;
      if (result.status != CallStatus::kOk) {
        error = std::make_shared<foreign::rpc_exception>(
            absl::StrCat(CallStatusName(result.status), ": ", result.text), request);
      } else if (result.message != nullptr) {
        response = ResponseOf(*result.message);
      } else {
        response = foreign::parse_response(result.response.data(), result.response.size());
      }
      // NuRaft takes its locks and may write in there: not on the transport's thread.
      post([when_done, response, error]() mutable { when_done(response, error); });
    };
    if (request->type != foreign::append_entries_request) {
      transport_->Call(node, kEndpoint, foreign::serialize(*request), deadline, std::move(done));
      return;
    }
    auto* sent = new Sent{request, {}};
    const Hold hold{[](void* argument) { delete static_cast<Sent*>(argument); }, sent};
    std::vector<EntryView> entries;
    const MessageView view = ViewOf(sent, &entries);
    transport_->CallAppend(node, /*group=*/0, view, hold, deadline, std::move(done));
  }

  uint64_t get_id() const override { return reinterpret_cast<uintptr_t>(this); }
  bool is_abandoned() const override { return false; }  // Hawser dials again by itself.

 private:
  const std::shared_ptr<Transport> transport_;
  const std::string endpoint_;
  const PostToWorker post_;
  std::atomic<bool> known_{false};
};

class Rpc final : public NuRaftRpc, public RaftHandler {
 public:
  explicit Rpc(PostToWorker post) : post_(std::move(post)) {}

  absl::Status Init(const Options& options) {
    auto transport = Transport::Create(options, this);
    if (!transport.ok()) return transport.status();
    transport_ = *std::move(transport);
    return absl::OkStatus();
  }

  ptr<foreign::rpc_client> create_client(const std::string& endpoint) override {
    return std::make_shared<Client>(transport_, endpoint, post_);
  }

  void listen(ptr<foreign::msg_handler>& handler) override {
    handler_ = handler;
    const auto answer = [handler = handler_](const Caller&, absl::string_view request, Lease lease,
                                             CallResponder responder) {
      const ptr<req_msg> parsed = foreign::parse_request(request.data(), request.size());
      if (parsed == nullptr) {
        return std::move(responder).Fail(CallStatus::kRequestError, "it does not parse");
      }
      const ptr<resp_msg> response = handler->process_req(*parsed);
      // None: the responder answers server_error.
      if (response != nullptr) std::move(responder).Reply(foreign::serialize(*response));
    };
    EndpointOptions options;
    options.executor = [post = post_](absl::AnyInvocable<void() &&> work) {
      post([work = std::move(work)]() mutable { std::move(work)(); });
    };
    transport_->RegisterEndpoint(kEndpoint, answer, options).IgnoreError();
    transport_->Start().IgnoreError();
  }

  const std::string& listen_address() const override { return transport_->listen_address(); }
  void stop() override { transport_->Stop(absl::ZeroDuration()); }
  void shutdown() override { handler_.reset(); }

 private:
  // A handler of NuRaft's writes its log before it answers; until then the message waits in
  // buffers of NuRaft's, so the lease ends here.
  void OnCallAppend(NodeId from, GroupId group, const MessageView& message, Lease lease,
                    CallResponder responder) override {
    post_([handler = handler_, request = RequestOf(message),
           responder = std::move(responder)]() mutable {
      const ptr<resp_msg> response = handler->process_req(*request);
      if (response != nullptr) std::move(responder).Reply(ViewOf(*response));
    });
  }

  // Nothing is sent one way here, and each call hears of its own end.
  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) override {}
  void OnUnreachable(NodeId node, const LossReport& report) override {}

  const PostToWorker post_;
  std::shared_ptr<Transport> transport_;
  ptr<foreign::msg_handler> handler_;
};

}  // namespace

absl::StatusOr<foreign::ptr<NuRaftRpc>> MakeNuRaftRpc(const Options& options, PostToWorker post) {
  auto rpc = std::make_shared<Rpc>(std::move(post));
  if (absl::Status status = rpc->Init(options); !status.ok()) return status;
  return rpc;
}

}  // namespace hawser::sketches
