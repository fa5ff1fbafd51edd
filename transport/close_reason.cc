#include "transport/close_reason.h"

namespace hawser {

bool IsRefusal(CloseReason reason) {
  switch (reason) {
    case CloseReason::kPeerRemoved:
    case CloseReason::kWrongCluster:
    case CloseReason::kWrongNode:
    case CloseReason::kUnknownPeer:
    case CloseReason::kOwnId:
    case CloseReason::kDuplicateNode:
    case CloseReason::kVersionMismatch:
    case CloseReason::kUnauthenticated:
    case CloseReason::kDrained:
      return true;
    default:
      return false;
  }
}

bool IsSlow(CloseReason reason) {
  return IsRefusal(reason) || reason == CloseReason::kBadHello ||
         reason == CloseReason::kNotBuilt || reason == CloseReason::kLeaseLimit ||
         reason == CloseReason::kSupersededIncarnation || reason == CloseReason::kCallLimit;
}
namespace {

constexpr const char* kNames[kCloseReasonCount] = {
    "none",
    "local_stop",
    "peer_stop",
    "peer_removed",
    "wrong_cluster",
    "wrong_node",
    "unknown_peer",
    "own_id",
    "duplicate_node",
    "version_mismatch",
    "bad_hello",
    "hello_timeout",
    "bad_frame",
    "bad_sequence",
    "bad_ack",
    "bad_epoch",
    "credit_overrun",
    "frame_too_large",
    "message_too_large",
    "bad_message",
    "local_only_type",
    "link_error",
    "peer_silent",
    "replaced",
    "tie_lost",
    "not_built",
    "resource_exhausted",
    "unauthenticated",
    "internal",
    "lease_limit",
    "superseded_incarnation",
    "drained",
    "call_limit",
};

}  // namespace

const char* CloseReasonName(CloseReason reason) {
  const int number = static_cast<int>(reason);
  return number < kCloseReasonCount ? kNames[number] : "unknown";
}

}  // namespace hawser
