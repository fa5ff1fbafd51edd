#include "transport/send_result.h"

namespace hawser {

const char* SendResultName(SendResult result) {
  switch (result) {
    case SendResult::kAccepted:
      return "accepted";
    case SendResult::kUnknownPeer:
      return "unknown_peer";
    case SendResult::kNotConnected:
      return "not_connected";
    case SendResult::kQueueMessages:
      return "queue_messages";
    case SendResult::kQueueBytes:
      return "queue_bytes";
    case SendResult::kDraining:
      return "draining";
    case SendResult::kStopped:
      return "stopped";
    case SendResult::kLocalOnlyType:
      return "local_only_type";
    case SendResult::kTooLarge:
      return "too_large";
    case SendResult::kMalformed:
      return "malformed";
  }
  return "unknown";
}

}  // namespace hawser
