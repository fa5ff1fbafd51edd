// Single misfortunes, many times over and under load, with figures that must be exact.

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <tuple>

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
  std::printf(
      "%ju link failures, %ju accepted, %ju delivered (%ju bytes), %ju acknowledged (%ju bytes), "
      "%ju superseded, %ju lost\n",
      result.connections - 1, counts.accepted, counts.delivered, counts.delivered_bytes,
      counts.acknowledged, counts.acknowledged_bytes, counts.superseded, LostTotal(counts));
  EXPECT_GE(result.connections, 51u);
  EXPECT_EQ(counts.delivered, counts.acknowledged);
  EXPECT_EQ(counts.delivered_bytes, counts.acknowledged_bytes);
  EXPECT_GT(counts.lost[static_cast<int>(LossReason::kLinkLost)], 0u);
  EXPECT_EQ(counts.acknowledged + counts.superseded + LostTotal(counts), counts.accepted);
}

// What `result` held in memory at the most.
void PrintMemory(const SimResult& result) {
  std::printf("  bytes at the most: queued %ju, in flight %ju, leased %ju, receive buffers %ju\n",
              result.counts.queued_bytes_max, result.counts.in_flight_bytes_max,
              result.counts.leased_bytes_max, result.buffer_bytes_max);
}

// Of one end for one peer; an empty queue takes any message.
uint64_t QueuedBytesBound(const Options& options) {
  return options.urgent_queue_bytes_max + options.append_queue_bytes_max +
         options.bulk_queue_bytes_max + uint64_t{kLaneCount} * kSimMessageBytesMax;
}

uint64_t LeasedBytesBound(const Options& options) {
  // The limit, what was granted before it was reached, and the message that went over it.
  return options.leased_bytes_max + options.receive_window_bytes + kSimMessageBytesMax;
}

// The stream moves from link to link and back under load, and nobody notices.
TEST(DirectedTest, TwoHundredOrderlySwitchesUnderLoad) {
  Scenario scenario = Calm(3);
  scenario.rdma = true;
  SayEverything(&scenario);
  Weight(&scenario, SimAction::kSend) = 10;
  Weight(&scenario, SimAction::kPinLink) = 1;
  scenario.trouble_ms = 15000;
  const SimResult result = Simulation(scenario, /*trace=*/false).Run();
  ASSERT_TRUE(result.ok) << result.failure;
  const SimCounts& counts = result.counts;
  std::printf(
      "%ju switches, %ju accepted, %ju delivered in order, %ju superseded, %ju lost, %ju "
      "OnUnreachable\n",
      counts.switches, counts.accepted, counts.delivered, counts.superseded, LostTotal(counts),
      counts.reports);
  EXPECT_GE(counts.switches, 200u);
  EXPECT_EQ(LostTotal(counts), 0u);
  EXPECT_EQ(counts.reports, 0u);
  EXPECT_EQ(counts.delivered + counts.superseded, counts.accepted);
  EXPECT_EQ(counts.delivered, counts.acknowledged);
  EXPECT_EQ(result.connections, 2u);
}

// One end drains the other and takes it back, again and again: what was on its way arrives. Only
// what the other end sends while there is no link expires, and with it what was queued behind.
TEST(DirectedTest, DrainsUnderLoad) {
  Scenario scenario = Calm(7);
  scenario.rdma = true;
  SayEverything(&scenario);
  Weight(&scenario, SimAction::kSend) = 100;
  Weight(&scenario, SimAction::kDrainPeer) = 1;
  scenario.trouble_ms = 30000;
  const SimResult result = Simulation(scenario, /*trace=*/false).Run();
  ASSERT_TRUE(result.ok) << result.failure;
  const SimCounts& counts = result.counts;
  const uint64_t expired = counts.lost[static_cast<int>(LossReason::kExpired)] +
                           counts.lost[static_cast<int>(LossReason::kBehindGap)];
  std::printf("%ju drains, %ju links, %ju refused, %ju delivered, %ju superseded, %ju expired\n",
              result.actions[static_cast<int>(SimAction::kDrainPeer)], result.connections,
              counts.refused, counts.delivered, counts.superseded, expired);
  EXPECT_GE(result.actions[static_cast<int>(SimAction::kDrainPeer)], 50u);
  EXPECT_GT(result.connections, 50u);
  EXPECT_GT(counts.refused, 0u);
  EXPECT_EQ(LostTotal(counts), expired);
  EXPECT_EQ(counts.delivered + counts.superseded + expired, counts.accepted);
  EXPECT_EQ(counts.delivered, counts.acknowledged);
}

// Both ends keep whatever they get: APPEND and BULK stop at the limit, URGENT goes on, and all of
// it arrives once the leases are back.
TEST(DirectedTest, EveryLeaseHeldForAMinuteByBothEnds) {
  Scenario scenario = Calm(4);
  scenario.rdma = true;
  SayEverything(&scenario);
  // Superseded ones would say nothing of the way.
  Weight(&scenario, SimKind::kHeartbeat) = 0;
  Weight(&scenario, SimAction::kSend) = 1;
  scenario.action_gap_us = 10000;
  scenario.leases_percent = 100;
  scenario.lease_ms_min = scenario.lease_ms_max = 60000;
  scenario.trouble_ms = 62000;
  scenario.options.leased_bytes_max = 1024 * 1024;
  scenario.options.receive_window_bytes = 512 * 1024;
  const SimResult result = Simulation(scenario, /*trace=*/false).Run();
  ASSERT_TRUE(result.ok) << result.failure;
  const SimCounts& counts = result.counts;
  const int64_t urgent_ms = counts.longest_ns[0] / kMs;
  const int64_t append_ms = counts.longest_ns[1] / kMs;
  std::printf("%ju accepted, %ju delivered, %ju urgent; longest: urgent %jd ms, append %jd ms\n",
              counts.accepted, counts.delivered, counts.delivered_in[0], urgent_ms, append_ms);
  PrintMemory(result);
  EXPECT_EQ(LostTotal(counts), 0u);
  EXPECT_EQ(counts.reports, 0u);
  EXPECT_EQ(counts.delivered + counts.superseded, counts.accepted);
  EXPECT_GT(counts.delivered_in[0], 500u);
  EXPECT_LE(urgent_ms, 10);
  EXPECT_GE(append_ms, 30000);
  EXPECT_GE(counts.leased_bytes_max, scenario.options.leased_bytes_max);
  EXPECT_LE(counts.leased_bytes_max, LeasedBytesBound(scenario.options));
  EXPECT_LE(result.buffer_bytes_max, 2 * LeasedBytesBound(scenario.options));
  EXPECT_LE(counts.queued_bytes_max, QueuedBytesBound(scenario.options));
}

// Neither handler returns for seconds, and both nodes have much to say: the windows and the queues
// fill up, Send refuses, and all that it took arrives in the end.
TEST(DirectedTest, BothEndsBlocked) {
  Scenario scenario = Calm(6);
  scenario.rdma = true;
  SayEverything(&scenario);
  Weight(&scenario, SimKind::kHeartbeat) = 0;
  Weight(&scenario, SimAction::kSend) = 2000;
  Weight(&scenario, SimAction::kPause) = 1;
  scenario.pause_ms_min = scenario.pause_ms_max = 5000;
  // Otherwise it would count as gone.
  scenario.options.peer_silent_ms = 60000;
  scenario.options.message_bytes_max = 1024 * 1024;
  scenario.options.receive_window_bytes = 512 * 1024;
  scenario.options.append_queue_bytes_max = 1024 * 1024;
  scenario.options.bulk_queue_bytes_max = 1024 * 1024;
  scenario.trouble_ms = 30000;
  const SimResult result = Simulation(scenario, /*trace=*/false).Run();
  ASSERT_TRUE(result.ok) << result.failure;
  const SimCounts& counts = result.counts;
  std::printf(
      "%ju pauses of 5 s, %ju accepted, %ju refused, %ju delivered, %ju superseded, %ju lost\n",
      result.actions[static_cast<int>(SimAction::kPause)], counts.accepted, counts.refused,
      counts.delivered, counts.superseded, LostTotal(counts));
  PrintMemory(result);
  EXPECT_GT(counts.refused, 0u);
  EXPECT_EQ(LostTotal(counts), 0u);
  EXPECT_EQ(counts.reports, 0u);
  EXPECT_EQ(counts.delivered + counts.superseded, counts.accepted);
  EXPECT_LE(counts.queued_bytes_max, QueuedBytesBound(scenario.options));
}

// A handler that does not return for longer than anybody waits: the others carry on without it.
TEST(DirectedTest, AHandlerThatStops) {
  Scenario scenario = Calm(5);
  scenario.nodes = 3;
  scenario.rdma = true;
  SayEverything(&scenario);
  Weight(&scenario, SimAction::kSend) = 200;
  Weight(&scenario, SimAction::kPause) = 1;
  scenario.pause_ms_max = 10000;
  scenario.trouble_ms = 30000;
  const SimResult result = Simulation(scenario, /*trace=*/false).Run();
  ASSERT_TRUE(result.ok) << result.failure;
  const SimCounts& counts = result.counts;
  std::printf("%ju pauses, %ju accepted, %ju delivered, %ju lost, %ju outages told\n",
              result.actions[static_cast<int>(SimAction::kPause)], counts.accepted,
              counts.delivered, LostTotal(counts), counts.reports);
  PrintMemory(result);
  EXPECT_LE(counts.queued_bytes_max, QueuedBytesBound(scenario.options));
  EXPECT_GT(counts.reports, 0u);
  EXPECT_GT(counts.delivered, 1000u);
}

// What an urgent message waits behind is bounded, whatever the other lanes carry.
class UrgentBoundTest : public ::testing::TestWithParam<std::tuple<std::string, bool>> {};

TEST_P(UrgentBoundTest, HoldsInALinkOfTwoMegabytesASecond) {
  Scenario scenario = Calm(2);
  scenario.rdma = std::get<1>(GetParam());
  scenario.bytes_per_second = 2 * 1000 * 1000;
  scenario.trouble_ms = 3000;
  scenario.action_gap_us = 1000;
  scenario.burst_max = 3;
  scenario.options.message_bytes_max = 1024 * 1024;
  scenario.options.append_queue_bytes_max = 4 * 1024 * 1024;
  scenario.options.bulk_queue_bytes_max = 4 * 1024 * 1024;
  Weight(&scenario, SimAction::kSend) = 1;
  const std::string& mix = std::get<0>(GetParam());
  const bool bulk = mix.find("bulk") != std::string::npos;
  const bool appends = mix != "alone" && mix != "bulk";
  Weight(&scenario, SimKind::kHeartbeatWithContext) = 1;
  Weight(&scenario, SimKind::kVote) = 1;
  if (mix.find("small") != std::string::npos) Weight(&scenario, SimKind::kAppendSmall) = 20;
  if (mix.find("large") != std::string::npos) Weight(&scenario, SimKind::kAppendLarge) = 20;
  if (mix.find("huge") != std::string::npos) Weight(&scenario, SimKind::kAppendHuge) = 4;
  if (bulk) Weight(&scenario, SimKind::kSnapshot) = 4;
  const SimResult result = Simulation(scenario, /*trace=*/false).Run();
  ASSERT_TRUE(result.ok) << result.failure;
  // All that may be unacknowledged, what is urgent too; and the way.
  const Options& options = scenario.options;
  int64_t bytes_ahead = 8 * 1024;
  if (appends) bytes_ahead += options.append_unacked_bytes_max;
  if (bulk) bytes_ahead += options.bulk_unacked_bytes_max;
  const int64_t bound_ns =
      bytes_ahead * 1000000000 / scenario.bytes_per_second + 2 * scenario.delay_us * 1000;
  const int64_t longest_ns = result.counts.longest_ns[static_cast<int>(Lane::kUrgent)];
  std::printf("%s on %s: urgent took at most %.3f ms, the bound is %.3f ms; append %.3f ms\n",
              mix.c_str(), scenario.rdma ? "RDMA" : "gRPC", static_cast<double>(longest_ns) / kMs,
              static_cast<double>(bound_ns) / kMs,
              static_cast<double>(result.counts.longest_ns[1]) / kMs);
  EXPECT_LE(longest_ns, bound_ns);
  EXPECT_GT(result.counts.delivered_in[static_cast<int>(Lane::kUrgent)], 100u);
  EXPECT_EQ(LostTotal(result.counts), 0u);
}

INSTANTIATE_TEST_SUITE_P(Mixes, UrgentBoundTest,
                         ::testing::Combine(::testing::Values("alone", "small", "large", "huge",
                                                              "bulk", "small+bulk", "large+bulk",
                                                              "huge+bulk"),
                                            ::testing::Bool()));

}  // namespace
}  // namespace hawser
