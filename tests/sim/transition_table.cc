#include "tests/sim/transition_table.h"

#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace hawser {
namespace {

// `visit(machine, from, to)` for each transition that is allowed.
void ForEachAllowed(const std::function<void(Machine, int, int)>& visit) {
  for (int m = 0; m < kMachineCount; ++m) {
    const auto machine = static_cast<Machine>(m);
    for (int from = 0; from < StateCount(machine); ++from) {
      for (int to = 0; to < StateCount(machine); ++to) {
        if (MayTransit(machine, from, to)) visit(machine, from, to);
      }
    }
  }
}

}  // namespace

void TransitionTable::Add(const TransitionCounts& counts) {
  ForEachAllowed([&](Machine machine, int from, int to) {
    machines[static_cast<int>(machine)][from][to] += counts.count(machine, from, to);
  });
}

void TransitionTable::Add(const TransitionTable& other) {
  ForEachAllowed([&](Machine machine, int from, int to) {
    const int m = static_cast<int>(machine);
    machines[m][from][to] += other.machines[m][from][to];
  });
}

std::string TransitionTable::NeverTaken() const {
  std::string text;
  ForEachAllowed([&](Machine machine, int from, int to) {
    if (machines[static_cast<int>(machine)][from][to] != 0) return;
    absl::StrAppend(&text, MachineName(machine), ": ", StateName(machine, from), " -> ",
                    StateName(machine, to), "\n");
  });
  return text;
}

std::string TransitionTable::Text() const {
  std::string lines;
  int states = 0;
  int transitions = 0;
  int transitions_taken = 0;
  std::set<std::pair<Machine, int>> visited;
  for (int m = 0; m < kMachineCount; ++m) states += StateCount(static_cast<Machine>(m));
  ForEachAllowed([&](Machine machine, int from, int to) {
    const uint64_t count = machines[static_cast<int>(machine)][from][to];
    absl::StrAppendFormat(&lines, "  %-8s %-10s -> %-10s %d\n", MachineName(machine),
                          StateName(machine, from), StateName(machine, to), count);
    ++transitions;
    if (count == 0) return;
    ++transitions_taken;
    visited.insert({machine, from});
    visited.insert({machine, to});
  });
  return absl::StrFormat("%d of %d states visited, %d of %d transitions taken:\n%s", visited.size(),
                         states, transitions_taken, transitions, lines);
}

}  // namespace hawser
