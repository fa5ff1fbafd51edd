#ifndef HAWSER_BENCH_PLACEMENT_H_
#define HAWSER_BENCH_PLACEMENT_H_

// On which cores the leader and the followers run. It decides latency more than the transport.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hawser::bench {

enum class Placement {
  // All processes on one core; waits block.
  kOne,
  // The leader on the first core, the followers on the second; waits block.
  kSplit,
  // As split, or, where there are enough cores, each process on its own; waits poll.
  kSpin,
  // Where the scheduler likes.
  kFree,
};

const char* PlacementName(Placement placement);

// What the user is told about it.
const char* PlacementDescription(Placement placement);

absl::StatusOr<Placement> ParsePlacement(absl::string_view name);

// The cores that this process may use, ascending.
std::vector<int> AllowedCores();

// The cores of each process: the leader's first, then each follower's. Empty: any.
using CorePlan = std::vector<std::vector<int>>;

// An error when `cores` are too few for it.
absl::StatusOr<CorePlan> PlanCores(Placement placement, int followers,
                                   const std::vector<int>& cores);

// Binds the calling process to `cores`; all if empty. False with errno on failure. Safe
// between fork and exec.
bool BindToCores(const std::vector<int>& cores);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_PLACEMENT_H_
