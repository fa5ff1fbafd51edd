// The promises of transport.h hold for whole clusters in which everything goes wrong.

#include <gtest/gtest.h>

#include <cstdio>

#include "base/log.h"
#include "tests/sim/seed_runner.h"

namespace hawser {
namespace {

void ExpectPromisesHold(uint64_t first_seed, uint64_t seeds) {
  SetLogSink([](absl::string_view) {});
  SeedRun run;
  run.first_seed = first_seed;
  run.last_seed = first_seed + seeds - 1;
  const SeedRunResult result = RunSeeds(run);
  std::printf("%s", DescribeRun(result).c_str());
  EXPECT_EQ(result.failures, 0u) << "seed " << result.failed_seed << ": " << result.failure
                                 << "\n  " << ReplayCommand(result.failed_seed, run.planted_bug);
  EXPECT_EQ(result.seeds, seeds);
}

TEST(SimulationTest, FixedSeeds) { ExpectPromisesHold(1, 100); }

}  // namespace
}  // namespace hawser
