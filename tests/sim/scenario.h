#ifndef HAWSER_TESTS_SIM_SCENARIO_H_
#define HAWSER_TESTS_SIM_SCENARIO_H_

// What one seed means: the cluster, what it says, and what goes wrong how often.

#include <array>
#include <cstdint>
#include <string>

#include "tests/sim/sim_message.h"
#include "transport/options.h"
#include "transport/planted_bug.h"

namespace hawser {

// What may happen between two messages; a scenario says how often.
enum class SimAction : uint8_t {
  kSend,             // A burst to one peer.
  kSendFromOutside,  // The same from another thread, at a moment of its own.
  kCut,              // A connection fails; the ends notice at different times.
  kCutFrames,        // It fails after some more frames.
  kStall,            // One direction stands still for a while.
  kPartition,        // One direction stands still, and nothing can be dialled.
  kDelay,            // Frames travel longer.
  kRefuseDials,      // Nobody gets through to a node.
  kPause,            // A process takes no turns for a while.
  kSlowHandler,      // Messages take a process some time.
  kHoldLeases,       // It keeps what it received.
  kKill,             // The process dies and comes back later.
  kStop,             // It stops and comes back later.
  kTwin,             // A second process starts with the same id.
  kRemovePeer,       // One end forgets the other, and learns of it again.
  kRedial,           // Both ends are told to dial anew.
  kPinLink,          // One direction is moved to the other link.
  kJoin,             // A node that only one other knows.
  kDrainPeer,        // One end drains the other, and takes it back later.
};
inline constexpr int kSimActionCount = 19;

const char* SimActionName(SimAction action);

struct Scenario {
  uint64_t seed = 0;
  int nodes = 3;
  int groups = 1;
  bool rdma = false;
  // Only links fail, and a loss is settled only by what the peer says it consumed.
  bool processes_stay = false;
  // Things go wrong for so long, then everything heals.
  int64_t trouble_ms = 1000;
  // Between two actions, on average.
  int64_t action_gap_us = 2000;
  std::array<uint32_t, kSimActionCount> actions{};
  std::array<uint32_t, kSimKindCount> kinds{};
  int burst_max = 10;
  // Of 100: frames that are late, or with which the connection fails.
  uint32_t late_frames_percent = 0;
  uint32_t cut_frames_per_10000 = 0;
  uint32_t lost_dials_percent = 0;
  // Of 100: messages whose lease is kept; that are sent with a Hold; that are answered inside the
  // callback.
  uint32_t leases_percent = 0;
  uint32_t holds_percent = 0;
  uint32_t answers_percent = 0;
  int64_t lease_ms_min = 0;
  int64_t lease_ms_max = 200;
  int64_t pause_ms_min = 1;
  int64_t pause_ms_max = 800;
  int64_t delay_us = 50;
  int64_t bytes_per_second = 0;
  // Of all nodes; ids and addresses are filled in by the simulation.
  Options options;
  PlantedBug planted_bug = PlantedBug::kNone;
};

// The same for the same seed, always.
Scenario DrawScenario(uint64_t seed);

// For people.
std::string DescribeScenario(const Scenario& scenario);

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_SCENARIO_H_
