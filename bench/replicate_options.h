#ifndef HAWSER_BENCH_REPLICATE_OPTIONS_H_
#define HAWSER_BENCH_REPLICATE_OPTIONS_H_

// What bench/replicate is asked to do: checked once, then plain values.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/contestant.h"
#include "bench/placement.h"
#include "bench/workload.h"

namespace hawser::bench {

// The flags as given.
struct ReplicateFlags {
  int followers = 2;
  std::vector<std::string> entry_bytes = {"64"};
  std::vector<std::string> depth = {"1", "16", "256"};
  int64_t entries = 0;
  double seconds = 0.5;
  int rounds = 3;
  // Empty: all.
  std::vector<std::string> contestants;
  std::string placement = "one";
  std::string link = "auto";
  int entries_per_message = 1;
  int ack_every = 1;
  int groups = 1;
  // An existing directory, or empty.
  std::string record;
  // 0: the product's default.
  int peer_silent_ms = 0;
  std::string admin_address;
  double timeout_seconds = 60;
};

// One line of the table: the same workload for one contestant.
struct Case {
  const Contestant* contestant;
  Workload workload;
};

// The flags, understood. A plain value.
struct ReplicateOptions {
  // By entry size, then depth, then contestant.
  std::vector<Case> cases;
  int followers;
  Placement placement;
  CorePlan core_plan;
  // How Hawser's own contestants travel, for people: "grpc (...)".
  std::string link;
  PhaseGoal warm_up;
  PhaseGoal goal;
  int rounds;
  int timeout_ms;
};

// An error says which flag, and what to change. `cores` are those that may be used.
absl::StatusOr<ReplicateOptions> ParseReplicateOptions(const ReplicateFlags& flags,
                                                       const std::vector<int>& cores);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_REPLICATE_OPTIONS_H_
