#ifndef HAWSER_TRANSPORT_RAFT_HANDLER_H_
#define HAWSER_TRANSPORT_RAFT_HANDLER_H_

// What Raft gives to Hawser: the callbacks of one node.

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codec/message_view.h"
#include "transport/call.h"
#include "transport/close_reason.h"
#include "transport/ledger.h"
#include "transport/ownership.h"
#include "transport/types.h"

namespace hawser {

// What to do with a node that proved to be of this cluster but is not a peer yet.
enum class UnknownPeerVerdict : uint8_t {
  kRefuse,       // Close with unknown_peer; the other end is told.
  kProvisional,  // It may talk to us for provisional_peer_ms; AddPeer makes it stay.
};

// Raft's side of the transport: implemented once by the host program.
//
// All callbacks come on one thread (the transport's loop thread, or the one inside Poll), one at
// a time. They must not block: what Raft cannot do at once it queues on its own side. Every
// method of Transport may be called inside; Stop and RemovePeer take effect at the end of the turn.
// Must outlive the Transport's Stop.
class RaftHandler {
 public:
  virtual ~RaftHandler() = default;

  // A message from `from`. What `message` points at is valid while `lease` (or a Share of it) is
  // kept; the `message` struct itself and its arrays only during the call. Returning from here is
  // what acknowledges the message to its sender.
  virtual void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) = 0;

  // The way to `node` failed and came to an end; `report` says what was lost with it. Called once
  // an outage, before anything sent after it is delivered; what is lost while no link comes is told
  // when the next one does. Raft should go back to probing.
  virtual void OnUnreachable(NodeId node, const LossReport& report) = 0;

  // A MsgSnap of `group` reached the handler of `node` (etcd: ReportSnapshot, finished). One that
  // did not is in OnUnreachable's report.
  virtual void OnSnapshotAcknowledged(NodeId node, GroupId group) {}

  // A queue to `node` that refused a Send has drained to half.
  virtual void OnWritable(NodeId node) {}

  // `node` can be talked to (`up`), or no longer, and why; also told when what is sent moves to
  // another link, and when a drain is done (kDrained). For logs and for Rafts that track
  // connections; losses are told by OnUnreachable only.
  virtual void OnPeerChange(NodeId node, bool up, LinkKind link, CloseReason reason) {}

  // The other end refused us for good: `reason` is peer_removed, wrong_cluster, unknown_peer,
  // duplicate_node or the like, `text` its words. We go on trying, with backoff.
  virtual void OnRefused(NodeId node, CloseReason reason, absl::string_view text) {}

  // A node of this cluster that is no peer yet wants to talk; it can be reached at `addresses`.
  // Meanwhile it can be sent to as well; until AddPeer it is not dialled.
  virtual UnknownPeerVerdict OnUnknownPeer(NodeId node, absl::Span<const std::string> addresses) {
    return UnknownPeerVerdict::kProvisional;
  }

  // True for a member that was removed from the cluster: it is refused at the door.
  virtual bool IsRemoved(NodeId node) { return false; }

  // An append that `from` sent by CallAppend and waits to be answered. Rafts that only Send need
  // not implement it: the default answers request_error.
  virtual void OnCallAppend(NodeId from, GroupId group, const MessageView& message, Lease lease,
                            CallResponder responder);
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RAFT_HANDLER_H_
