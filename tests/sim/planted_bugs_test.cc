// The simulation finds what it is there to find: each planted bug, within a stated number of seeds.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "base/log.h"
#include "tests/sim/seed_runner.h"
#include "transport/planted_bug.h"

namespace hawser {
namespace {

struct Plant {
  PlantedBug bug;
  uint64_t seeds_max;
};

class PlantedBugsTest : public ::testing::TestWithParam<Plant> {};

TEST_P(PlantedBugsTest, IsFound) {
  SetLogSink([](absl::string_view) {});
  SeedRun run;
  run.planted_bug = GetParam().bug;
  run.last_seed = GetParam().seeds_max;
  run.until_failure = true;
  const SeedRunResult result = RunSeeds(run);
  ASSERT_GT(result.failures, 0u) << "not found in " << result.seeds << " seeds";
  std::printf("%s: found by seed %ju: %s\n  %s\n", PlantedBugName(run.planted_bug),
              static_cast<uintmax_t>(result.failed_seed), result.failure.c_str(),
              ReplayCommand(result.failed_seed, run.planted_bug).c_str());
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBugsTest,
                         ::testing::Values(Plant{PlantedBug::kLostWakeup, 50}),
                         [](const auto& plant) {
                           return std::string(PlantedBugName(plant.param.bug));
                         });

}  // namespace
}  // namespace hawser
