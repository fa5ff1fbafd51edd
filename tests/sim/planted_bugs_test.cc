// The simulation finds what it is there to find: each planted bug, within a stated number of seeds.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "base/log.h"
#include "tests/sim/scenario.h"
#include "tests/sim/seed_runner.h"
#include "tests/sim/simulation.h"
#include "transport/planted_bug.h"

namespace hawser {
namespace {

// More than twice what the hardest one needs (docs/simulation.md).
constexpr uint64_t kSeedsMax = 500;

TEST(PlantedBugsTest, EachIsFound) {
  SetLogSink([](absl::string_view) {});
  std::string table = BugTableHead();
  for (int i = 1; i < kPlantedBugCount; ++i) {
    const auto bug = static_cast<PlantedBug>(i);
    const SeedRunResult result = SearchBug(bug, kSeedsMax);
    table += BugTableLine(bug, result);
    if (result.failures == 0) {
      ADD_FAILURE() << PlantedBugName(bug) << " is not found in " << result.seeds << " seeds";
      continue;
    }
    table += "    " + ReplayCommand(result.failed_seed, bug) + "\n";
    // It is the bug that was found, and nothing else.
    const SimResult without = Simulation(DrawScenario(result.failed_seed), /*trace=*/false).Run();
    EXPECT_TRUE(without.ok) << "seed " << result.failed_seed << ": " << without.failure;
  }
  std::printf("%s", table.c_str());
}

}  // namespace
}  // namespace hawser
