#include "bench/placement.h"

#include <sched.h>

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace hawser::bench {
namespace {

struct Named {
  Placement placement;
  const char* name;
  const char* description;
};

constexpr Named kPlacements[] = {
    {Placement::kOne, "one", "all processes on one core, waits block"},
    {Placement::kSplit, "split", "the leader on one core, the followers on another, waits block"},
    {Placement::kSpin, "spin", "the leader and the followers on different cores, waits poll"},
    {Placement::kFree, "free", "the scheduler decides, waits block"},
};

const Named& Find(Placement placement) {
  for (const Named& named : kPlacements) {
    if (named.placement == placement) return named;
  }
  return kPlacements[0];
}

}  // namespace

const char* PlacementName(Placement placement) { return Find(placement).name; }

const char* PlacementDescription(Placement placement) { return Find(placement).description; }

absl::StatusOr<Placement> ParsePlacement(absl::string_view name) {
  for (const Named& named : kPlacements) {
    if (name == named.name) return named.placement;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--placement=", name, " is not known: use one, split, spin or free"));
}

std::vector<int> AllowedCores() {
  std::vector<int> cores;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

absl::StatusOr<CorePlan> PlanCores(Placement placement, int followers,
                                   const std::vector<int>& cores) {
  const auto processes = static_cast<size_t>(followers) + 1;
  CorePlan plan(processes);
  if (placement == Placement::kFree) return plan;
  const size_t needed = placement == Placement::kOne ? 1 : 2;
  if (cores.size() < needed) {
    return absl::FailedPreconditionError(
        absl::StrCat("--placement=", PlacementName(placement), " needs ", needed,
                     " cores, this process may use ", cores.size(), ": use --placement=one"));
  }
  const bool one_each = placement == Placement::kSpin && cores.size() >= processes;
  for (size_t i = 0; i < processes; ++i) {
    const size_t split = i == 0 ? 0 : 1;
    plan[i] = {cores[one_each ? i : needed == 1 ? 0 : split]};
  }
  return plan;
}

bool BindToCores(const std::vector<int>& cores) {
  if (cores.empty()) return true;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(core, &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

}  // namespace hawser::bench
