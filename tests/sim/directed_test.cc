// Single misfortunes, many times over and under load, with figures that must be exact.

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "base/log.h"
#include "tests/sim/scenario.h"
#include "tests/sim/simulation.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

// Two nodes with the options of options.h, and no faults.
Scenario Calm(uint64_t seed) {
  SetLogSink([](absl::string_view) {});
  Scenario scenario;
  scenario.seed = seed;
  scenario.nodes = 2;
  scenario.groups = 3;
  scenario.holds_percent = 50;
  return scenario;
}

uint32_t& Weight(Scenario* scenario, SimAction action) {
  return scenario->actions[static_cast<int>(action)];
}

uint32_t& Weight(Scenario* scenario, SimKind kind) {
  return scenario->kinds[static_cast<int>(kind)];
}

void SayEverything(Scenario* scenario) {
  for (uint32_t& weight : scenario->kinds) weight = 10;
  Weight(scenario, SimKind::kAppendLarge) = 2;
  Weight(scenario, SimKind::kAppendHuge) = 1;
  Weight(scenario, SimKind::kSnapshot) = 1;
}

uint64_t LostTotal(const SimCounts& counts) {
  uint64_t lost = 0;
  for (const uint64_t by_reason : counts.lost) lost += by_reason;
  return lost;
}

// Links fail, and the ends notice when they do: what was delivered is what was acknowledged.
TEST(DirectedTest, FiftyLinkFailuresUnderLoad) {
  Scenario scenario = Calm(1);
  SayEverything(&scenario);
  Weight(&scenario, SimAction::kSend) = 20;
  Weight(&scenario, SimAction::kCut) = 1;
  // Nobody gives up before the other end has said what it consumed.
  scenario.options.no_link_append_ms = 60000;
  scenario.options.redial_delay_ms_max = 100;
  scenario.trouble_ms = 10000;
  const SimResult result = Simulation(scenario, /*trace=*/false).Run();
  ASSERT_TRUE(result.ok) << result.failure;
  const SimCounts& counts = result.counts;
  std::printf("%ju connections, %ju accepted, %ju delivered, %ju acknowledged, %ju lost\n",
              result.connections, counts.accepted, counts.delivered, counts.acknowledged,
              LostTotal(counts));
  EXPECT_GE(result.connections, 50u);
  EXPECT_EQ(counts.delivered, counts.acknowledged);
  EXPECT_EQ(counts.delivered_bytes, counts.acknowledged_bytes);
  EXPECT_GT(counts.lost[static_cast<int>(LossReason::kLinkLost)], 0u);
  EXPECT_EQ(counts.acknowledged + counts.superseded + LostTotal(counts), counts.accepted);
}

// What an urgent message waits behind is bounded, whatever the other lanes carry.
class UrgentBoundTest : public ::testing::TestWithParam<std::string> {};

TEST_P(UrgentBoundTest, HoldsInALinkOfTwoMegabytesASecond) {
  Scenario scenario = Calm(2);
  scenario.bytes_per_second = 2 * 1000 * 1000;
  scenario.trouble_ms = 3000;
  scenario.action_gap_us = 1000;
  scenario.burst_max = 3;
  scenario.options.message_bytes_max = 1024 * 1024;
  scenario.options.append_queue_bytes_max = 4 * 1024 * 1024;
  scenario.options.bulk_queue_bytes_max = 4 * 1024 * 1024;
  Weight(&scenario, SimAction::kSend) = 1;
  const std::string& mix = GetParam();
  Weight(&scenario, SimKind::kHeartbeatWithContext) = 1;
  Weight(&scenario, SimKind::kVote) = 1;
  if (mix.find("small") != std::string::npos) Weight(&scenario, SimKind::kAppendSmall) = 20;
  if (mix.find("large") != std::string::npos) Weight(&scenario, SimKind::kAppendLarge) = 20;
  if (mix.find("huge") != std::string::npos) Weight(&scenario, SimKind::kAppendHuge) = 4;
  if (mix.find("bulk") != std::string::npos) Weight(&scenario, SimKind::kSnapshot) = 4;
  const SimResult result = Simulation(scenario, /*trace=*/false).Run();
  ASSERT_TRUE(result.ok) << result.failure;
  // All that may be unacknowledged, a frame more of each lane, what is urgent too; and the way.
  const Options& options = scenario.options;
  const int64_t bytes_ahead = int64_t{options.append_unacked_bytes_max} +
                              options.bulk_unacked_bytes_max + 2 * options.grpc_frame_bytes_max +
                              8 * 1024;
  const int64_t bound_ns =
      bytes_ahead * 1000000000 / scenario.bytes_per_second + 2 * scenario.delay_us * 1000;
  const int64_t longest_ns = result.counts.longest_ns[static_cast<int>(Lane::kUrgent)];
  std::printf("%s: urgent took at most %.3f ms, the bound is %.3f ms; append %.3f ms\n",
              mix.c_str(), static_cast<double>(longest_ns) / kMs,
              static_cast<double>(bound_ns) / kMs,
              static_cast<double>(result.counts.longest_ns[1]) / kMs);
  EXPECT_LE(longest_ns, bound_ns);
  EXPECT_GT(result.counts.delivered_in[static_cast<int>(Lane::kUrgent)], 100u);
  EXPECT_EQ(LostTotal(result.counts), 0u);
}

INSTANTIATE_TEST_SUITE_P(Mixes, UrgentBoundTest,
                         ::testing::Values("urgent", "small", "large", "huge", "bulk", "small+bulk",
                                           "large+bulk", "huge+bulk"));

}  // namespace
}  // namespace hawser
