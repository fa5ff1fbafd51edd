#include "transport/raftpb_transport.h"

#include <utility>

#include "codec/raftpb_convert.h"

namespace hawser {
namespace {

// A message that is on its way, with what its view points at beside it.
struct OwnedMessage {
  std::unique_ptr<raftpb::Message> message;
  ViewScratch scratch;
};

void DeleteOwned(void* argument) { delete static_cast<OwnedMessage*>(argument); }

}  // namespace

SendResult Send(Transport* transport, NodeId node, GroupId group, const raftpb::Message& message) {
  thread_local ViewScratch scratch;
  return transport->Send(node, group, ViewOf(message, &scratch));
}

SendResult Send(Transport* transport, NodeId node, GroupId group,
                std::unique_ptr<raftpb::Message>* message) {
  auto owned = std::make_unique<OwnedMessage>();
  owned->message = std::move(*message);
  const MessageView view = ViewOf(*owned->message, &owned->scratch);
  const SendResult result = transport->Send(node, group, view, Hold{DeleteOwned, owned.get()});
  if (result == SendResult::kAccepted) {
    // The loop thread may have deleted it already.
    owned.release();  // NOLINT(bugprone-unused-return-value)
  } else {
    *message = std::move(owned->message);
  }
  return result;
}

void RaftpbHandler::OnMessage(NodeId from, GroupId group, const MessageView& view, Lease lease) {
  if (ToProto(view, &message_)) {
    OnRaftpb(from, group, &message_);
  } else {
    OnNotRaftpb(from, group, view);
  }
}

}  // namespace hawser
