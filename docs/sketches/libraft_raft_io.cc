// A raft_io of libraft: its disk half stays raft_uv's, its network half is Hawser, polled from the
// libuv loop that libraft runs on.

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "docs/sketches/libraft_messages.h"
#include "docs/sketches/sketches.h"

namespace hawser::sketches {

using foreign::raft_io;
using foreign::raft_io_close_cb;
using foreign::raft_io_recv_cb;
using foreign::raft_io_send;
using foreign::raft_io_send_cb;
using foreign::raft_io_tick_cb;
using foreign::raft_message;

class RaftNetwork final : public RaftHandler {
 public:
  RaftNetwork(HawserRaftIo* io, foreign::uv_loop_t* loop, const Options& options)
      : io_(io), loop_(loop), options_(options) {
    options_.loop_mode = LoopMode::kPoll;
  }

  int Init(foreign::raft_id id, const char* address) {
    options_.node_id = id;
    options_.listen_address = address;
    auto transport = Transport::Create(options_, this);
    if (!transport.ok()) return Fail(transport.status());
    transport_ = *std::move(transport);
    uv_timer_init(loop_, &timer_);
    uv_poll_init(loop_, &wake_, transport_->WaitFd());
    uv_poll_start(&wake_, foreign::UV_READABLE, [](foreign::uv_poll_t*, int, int) {});
    uv_prepare_init(loop_, &prepare_);
    prepare_.data = this;
    uv_prepare_start(&prepare_, [](foreign::uv_prepare_t* handle) {
      static_cast<RaftNetwork*>(handle->data)->BeforeSleep();
    });
    return 0;
  }

  int Start(raft_io_recv_cb recv) {
    recv_ = recv;
    const absl::Status started = transport_->Start();
    return started.ok() ? 0 : Fail(started);
  }

  // libraft keeps entries and their memory until the callback, and must not be called back inside
  // send: the Hold is released in a later turn, and the callback runs in the one after.
  int Send(raft_io_send* request, const raft_message& message, raft_io_send_cb cb) {
    const MessageView view = ViewOfRaftMessage(options_.node_id, message, &entries_);
    auto sent =
        std::make_unique<Sent>(Sent{this, request, message.server_id, outages_[message.server_id]});
    const Hold hold{&Released, sent.get()};
    request->cb = cb;
    SendResult result = transport_->Send(message.server_id, /*group=*/0, view, hold);
    if (result == SendResult::kUnknownPeer && Learn(message.server_id, message.server_address)) {
      result = transport_->Send(message.server_id, /*group=*/0, view, hold);
    }
    if (result != SendResult::kAccepted) return foreign::RAFT_NOCONNECTION;
    sent.release();  // NOLINT(bugprone-unused-return-value): Released has it.
    return 0;
  }

  // May be called inside OnMessage: the end comes in the loop's next turn.
  void Close(raft_io_close_cb cb) { close_cb_ = cb; }

 private:
  struct Sent {
    RaftNetwork* network;
    raft_io_send* request;
    NodeId node;
    int outages;  // Of the node, when it was sent.
  };

  static void Released(void* argument) {
    auto* sent = static_cast<Sent*>(argument);
    sent->network->released_.emplace_back(sent);
  }

  // Each time before libuv sleeps. One Poll a turn: the disk's events get theirs in between.
  void BeforeSleep() {
    if (close_cb_ != nullptr) return End();
    if (recv_ == nullptr) return;  // Not started yet.
    FinishRequests();
    const bool busy = transport_->Poll(absl::InfinitePast()) > 0 || !released_.empty();
    const absl::Duration rest =
        busy ? absl::ZeroDuration() : transport_->PollDeadline() - absl::Now();
    const int64_t rest_ms = absl::ToInt64Milliseconds(absl::Ceil(rest, absl::Milliseconds(1)));
    uv_timer_start(
        &timer_, [](foreign::uv_timer_t*) {}, std::max<int64_t>(rest_ms, 0), 0);
  }

  // "Written", or an error that makes libraft probe again: the Holds of lost messages are released
  // right before OnUnreachable tells of them.
  void FinishRequests() {
    for (const std::unique_ptr<Sent>& sent : std::exchange(released_, {})) {
      int status = sent->outages == outages_[sent->node] ? 0 : foreign::RAFT_NOCONNECTION;
      if (close_cb_ != nullptr) status = foreign::RAFT_CANCELED;
      sent->request->cb(sent->request, status);
    }
  }

  void End() {
    transport_->Stop(absl::ZeroDuration());
    FinishRequests();
    uv_close(&timer_, nullptr);
    uv_close(&wake_, nullptr);
    uv_close(&prepare_, [](foreign::uv_handle_t* handle) {
      std::unique_ptr<RaftNetwork> self(static_cast<RaftNetwork*>(handle->data));
      self->transport_.reset();
      self->io_->disk.close(&self->io_->io, self->close_cb_);
    });
  }

  // libraft has no "add peer": members are known from what is sent and received.
  bool Learn(NodeId node, const std::string& address) {
    addresses_[node] = address;
    return transport_->AddPeer(node, {address}).ok();
  }

  int Fail(const absl::Status& status) {
    const size_t length = std::min(status.message().size(), sizeof io_->io.errmsg - 1);
    status.message().copy(io_->io.errmsg, length);
    io_->io.errmsg[length] = '\0';
    return foreign::RAFT_IOERR;
  }

  void OnMessage(NodeId from, GroupId group, const MessageView& view, Lease lease) override {
    raft_message message;
    if (RaftMessageOfView(view, addresses_[from].c_str(), &message)) recv_(&io_->io, &message);
  }

  // What was already written is not reported: libraft's next append finds the gap.
  void OnUnreachable(NodeId node, const LossReport& report) override { ++outages_[node]; }

  UnknownPeerVerdict OnUnknownPeer(NodeId node, absl::Span<const std::string> addresses) override {
    if (!addresses.empty()) addresses_[node] = addresses[0];
    return UnknownPeerVerdict::kProvisional;
  }

  HawserRaftIo* const io_;
  foreign::uv_loop_t* const loop_;
  Options options_;
  std::unique_ptr<Transport> transport_;
  raft_io_recv_cb recv_ = nullptr;
  raft_io_close_cb close_cb_ = nullptr;
  foreign::uv_prepare_t prepare_{};
  foreign::uv_timer_t timer_{};
  foreign::uv_poll_t wake_{};
  std::vector<EntryView> entries_;
  std::vector<std::unique_ptr<Sent>> released_;
  std::map<NodeId, std::string> addresses_;
  std::map<NodeId, int> outages_;
};

namespace {

HawserRaftIo* Of(raft_io* io) { return reinterpret_cast<HawserRaftIo*>(io); }

}  // namespace

void PlugIntoRaftIo(HawserRaftIo* out, foreign::uv_loop_t* loop, const Options& options) {
  out->disk = out->io;
  out->network = new RaftNetwork(out, loop, options);
  out->io.init = [](raft_io* io, foreign::raft_id id, const char* address) {
    const int rv = Of(io)->network->Init(id, address);
    return rv != 0 ? rv : Of(io)->disk.init(io, id, address);
  };
  out->io.start = [](raft_io* io, unsigned msecs, raft_io_tick_cb tick, raft_io_recv_cb recv) {
    const int rv = Of(io)->network->Start(recv);
    return rv != 0 ? rv : Of(io)->disk.start(io, msecs, tick, recv);
  };
  out->io.send = [](raft_io* io, raft_io_send* req, const raft_message* message,
                    raft_io_send_cb cb) { return Of(io)->network->Send(req, *message, cb); };
  out->io.close = [](raft_io* io, raft_io_close_cb cb) { Of(io)->network->Close(cb); };
}

}  // namespace hawser::sketches
