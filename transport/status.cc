#include "transport/status.h"

namespace hawser {

const char* PeerStateName(PeerState state) {
  switch (state) {
    case PeerState::kIdle:
      return "idle";
    case PeerState::kConnecting:
      return "connecting";
    case PeerState::kSettling:
      return "settling";
    case PeerState::kUp:
      return "up";
  }
  return "unknown";
}

const char* DrainStateName(DrainState state) {
  switch (state) {
    case DrainState::kNone:
      return "";
    case DrainState::kDraining:
      return "draining";
    case DrainState::kDrained:
      return "drained";
  }
  return "unknown";
}

}  // namespace hawser
