#include "transport/raft_handler.h"

#include <utility>

namespace hawser {

void RaftHandler::OnCallAppend(NodeId from, GroupId group, const MessageView& message, Lease lease,
                               CallResponder responder) {
  std::move(responder).Fail(CallStatus::kRequestError, "this node takes appends by Send only");
}

}  // namespace hawser
