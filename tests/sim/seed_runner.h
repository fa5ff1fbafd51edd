#ifndef HAWSER_TESTS_SIM_SEED_RUNNER_H_
#define HAWSER_TESTS_SIM_SEED_RUNNER_H_

// Runs many seeds, in processes of their own: a failing check of the product ends one, not all.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/simulation.h"
#include "tests/sim/transition_table.h"
#include "transport/planted_bug.h"

namespace hawser {

struct SeedRun {
  uint64_t first_seed = 1;
  uint64_t last_seed = 1;
  int jobs = 1;
  PlantedBug planted_bug = PlantedBug::kNone;
  // Stops when one was found.
  bool until_failure = false;
};

struct SeedRunResult {
  uint64_t seeds = 0;
  uint64_t failures = 0;
  // Some of those that failed.
  std::vector<uint64_t> failed_seeds;
  // The lowest seed that failed, and how; 0: none.
  uint64_t failed_seed = 0;
  std::string failure;
  double seconds = 0;
  // Over all seeds.
  SimCounts counts;
  std::array<uint64_t, kSimActionCount> actions{};
  TransitionTable transitions;
  uint64_t turns = 0;
  uint64_t virtual_ms = 0;
};

// Forks, so call it before there are threads.
SeedRunResult RunSeeds(const SeedRun& run);

// Runs seed after seed, from 1, until one fails.
SeedRunResult SearchBug(PlantedBug bug, uint64_t seeds_max);
// A line of a table of such searches, and its head.
std::string BugTableHead();
std::string BugTableLine(PlantedBug bug, const SeedRunResult& result);

// The command that shows what `seed` does.
std::string ReplayCommand(uint64_t seed, PlantedBug planted_bug);

// Names on the command line, as in planted_bug.h without the k.
const char* PlantedBugName(PlantedBug bug);
inline constexpr int kPlantedBugCount = 9;

// Seeds, times, what happened and which states were seen, as text.
std::string DescribeRun(const SeedRunResult& result);

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_SEED_RUNNER_H_
