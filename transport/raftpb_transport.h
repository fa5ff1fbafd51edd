#ifndef HAWSER_TRANSPORT_RAFTPB_TRANSPORT_H_
#define HAWSER_TRANSPORT_RAFTPB_TRANSPORT_H_

// Overloads for hosts that speak hawser.raftpb: the only public header that needs protobuf.

#include <memory>

#include "raftpb/hawser_raftpb.pb.h"
#include "transport/transport.h"

namespace hawser {

// Sends a copy of `message`, field for field. Otherwise as Transport::Send.
SendResult Send(Transport* transport, NodeId node, GroupId group, const raftpb::Message& message);

// Sends `message` without copying its payload; it is destroyed when its bytes are no longer needed.
// When refused, `*message` is left as it was.
SendResult Send(Transport* transport, NodeId node, GroupId group,
                std::unique_ptr<raftpb::Message>* message);

// A RaftHandler that takes raftpb messages: implement OnRaftpb instead of OnMessage.
//
// The message is parsed into one that is reused; swap it out to keep it.
class RaftpbHandler : public RaftHandler {
 public:
  // `message` is valid during the call.
  virtual void OnRaftpb(NodeId from, GroupId group, raftpb::Message* message) = 0;

  // A message with parts that are no raftpb (the snapshot metadata of another Raft, for one): what
  // cannot be shown whole is not shown as raftpb. By default it is ignored.
  virtual void OnNotRaftpb(NodeId from, GroupId group, const MessageView& view) {}

  void OnMessage(NodeId from, GroupId group, const MessageView& view, Lease lease) final;

 private:
  raftpb::Message message_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RAFTPB_TRANSPORT_H_
