#ifndef HAWSER_TRANSPORT_PLANTED_BUG_H_
#define HAWSER_TRANSPORT_PLANTED_BUG_H_

// Bugs that the simulation's tests plant, to show that it would find them.

#include <cstdint>

namespace hawser {

// Which promise is broken on purpose. Only tests set it; a Transport never has one.
enum class PlantedBug : uint8_t {
  kNone,
  kNoEpochFence,        // After a failure, what came in the fenced epochs is still delivered.
  kPredictorNotReset,   // The decoders' state outlives its epoch.
  kAckBeforeHandler,    // A frame counts as consumed before the handler returned for it.
  kCreditLeaked,        // The units of some frames are never granted again.
  kSwitchIgnored,       // Frames of the next epoch do not wait for the end of the old one.
  kHeartbeatUncounted,  // A heartbeat that a newer one replaced is in no account.
  kLostWakeup,          // A push between the loop's last look and its sleep wakes nobody.
  kTieWrong,            // Of two links that come up at once, each end keeps its own.
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_PLANTED_BUG_H_
