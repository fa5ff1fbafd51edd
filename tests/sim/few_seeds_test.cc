// A few seeds of the simulation, for every build, those with sanitizers too; simulation_test runs
// many, in an optimized one.

#include <gtest/gtest.h>

#include <cstdint>

#include "base/log.h"
#include "tests/sim/scenario.h"
#include "tests/sim/simulation.h"

namespace hawser {
namespace {

constexpr uint64_t kSeeds = 8;

// The promises hold, and a seed means the same each time: else it could not be replayed.
TEST(FewSeedsTest, PromisesHoldAndEachSeedMeansTheSameTwice) {
  SetLogSink([](absl::string_view) {});
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SimResult first = Simulation(DrawScenario(seed), /*trace=*/false).Run();
    EXPECT_TRUE(first.ok) << "seed " << seed << ": " << first.failure;
    const SimResult second = Simulation(DrawScenario(seed), /*trace=*/false).Run();
    EXPECT_EQ(first.turns, second.turns) << seed;
    EXPECT_EQ(first.counts.delivered_bytes, second.counts.delivered_bytes) << seed;
    EXPECT_EQ(first.counts.refused, second.counts.refused) << seed;
  }
}

}  // namespace
}  // namespace hawser
