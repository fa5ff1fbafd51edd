#ifndef HAWSER_ADAPTERS_LIBRAFT_RAFT_NETWORK_H_
#define HAWSER_ADAPTERS_LIBRAFT_RAFT_NETWORK_H_

// The network half of a raft_io: libraft's messages over a Transport.

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "adapters/libraft/libraft.h"
#include "adapters/libraft/raft_io_options.h"
#include "adapters/libraft/raft_members.h"
#include "adapters/libraft/raft_messages.h"
#include "adapters/libraft/send_requests.h"
#include "transport/transport.h"

namespace hawser::libraft {

// Sends what libraft sends and hands it what comes.
//
// One per raft_io, made with it; owns the Transport, from Open to Close. It polls: Turn is called
// on the loop's thread whenever there may be work, and everything happens in there or in Send.
//
// Send never fails at once: libraft 0.15 frees the entries of an append twice when the answer to it
// cannot be sent. What Hawser refuses gets its callback in the next turn.
// Threads: the loop's.
class RaftNetwork final : public RaftHandler {
 public:
  // `io` is the raft_io that libraft sees, `loop` what gives libraft the time.
  RaftNetwork(raft_io* io, uv_loop_t* loop, const RaftIoOptions& options);
  ~RaftNetwork() override;
  RaftNetwork(const RaftNetwork&) = delete;
  RaftNetwork& operator=(const RaftNetwork&) = delete;

  // Binds the listener. `address` is libraft's name for this server.
  absl::Status Open(raft_id id, const char* address);
  // Begins to dial and to accept; messages go to `receive`.
  absl::Status Start(raft_io_recv_cb receive);

  void Send(raft_io_send* request, const raft_message& message, raft_io_send_cb callback);

  // Takes over what changed in libraft's configuration.
  void UpdateMembers();

  // Does what there is to do; true when there may be more. Whenever there is nothing, it waits for
  // the other servers until the time that `until` gives.
  bool Turn(absl::FunctionRef<absl::Time()> until);

  // Ends the transport; all callbacks that are due come here, with RAFT_CANCELED. Not inside
  // libraft or a callback of Hawser's.
  void Close();

  bool started() const { return receive_ != nullptr; }
  // Null before Open and after Close.
  Transport* transport() { return transport_.get(); }

 private:
  // RaftHandler:
  void OnMessage(NodeId from, GroupId group, const MessageView& view, Lease lease) override;
  void OnUnreachable(NodeId node, const LossReport& report) override;
  void OnSnapshotAcknowledged(NodeId node, GroupId group) override;
  bool IsRemoved(NodeId node) override;
  UnknownPeerVerdict OnUnknownPeer(NodeId node, absl::Span<const std::string> addresses) override;

  raft* server() const { return static_cast<raft*>(io_->data); }
  void SendAppend(SendRequest* request, const raft_message& message);
  void SendSnapshot(SendRequest* request, const raft_message& message);
  void SendSmall(SendRequest* request, const raft_message& message);
  // Gives `view` to the transport; makes an unknown server a peer first.
  SendResult Pass(const raft_message& message, const MessageView& view, Hold hold);
  void AddPeer(NodeId node, const char* address);
  // libraft leads, and sends to `node` ahead of its answers.
  bool Pipelines(NodeId node) const;
  // The request's callback gets RAFT_NOCONNECTION; `why` is logged now and then.
  void Refuse(SendRequest* request, const raft_message& message, absl::string_view why);
  // A snapshot on its way cannot have been rejected yet: see the .cc file.
  void AmendRejection(raft_message* message) const;

  raft_io* const io_;
  uv_loop_t* const loop_;
  RaftIoOptions options_;
  raft_io_recv_cb receive_ = nullptr;
  SendRequests requests_;
  RaftMembers members_;
  ViewParts parts_;  // Of all but snapshots.
  uint64_t refused_ = 0;
  uint64_t malformed_ = 0;
  std::unique_ptr<Transport> transport_;
};

}  // namespace hawser::libraft

#endif  // HAWSER_ADAPTERS_LIBRAFT_RAFT_NETWORK_H_
