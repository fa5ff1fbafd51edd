// The gate in front of a peer's queues: limits by count and bytes, and when it lets nobody in.

#include "transport/peer_gate.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace hawser {
namespace {

Options SmallQueues() {
  Options options;
  options.append_queue_messages_max = 4;
  options.append_queue_bytes_max = 100;
  return options;
}

class PeerGateTest : public ::testing::Test {
 protected:
  PeerGateTest() { gate_.Open(); }
  SendResult Enter(uint64_t bytes, Lane lane = Lane::kAppend) {
    return gate_.TryEnter(lane, bytes);
  }
  bool Leave(uint64_t bytes) { return gate_.Leave(Lane::kAppend, bytes); }

  PeerGate gate_{7, SmallQueues()};
};

TEST_F(PeerGateTest, FullByCount) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Enter(1), SendResult::kAccepted);
  EXPECT_EQ(Enter(1), SendResult::kQueueMessages);
  EXPECT_EQ(gate_.entered(Lane::kAppend), (Tally{4, 4}));
  EXPECT_EQ(gate_.refused(), (std::array<uint64_t, 3>{0, 1, 0}));
  EXPECT_FALSE(Leave(1));
  EXPECT_EQ(Enter(1), SendResult::kAccepted);
}

TEST_F(PeerGateTest, FullByBytes) {
  EXPECT_EQ(Enter(60), SendResult::kAccepted);
  EXPECT_EQ(Enter(41), SendResult::kQueueBytes);
  EXPECT_EQ(gate_.entered(Lane::kAppend), (Tally{1, 60}));
  EXPECT_EQ(Enter(40), SendResult::kAccepted);
}

TEST_F(PeerGateTest, OneMessageLargerThanTheQueueMayComeWhenItIsEmpty) {
  EXPECT_EQ(Enter(1000), SendResult::kAccepted);
  EXPECT_EQ(Enter(1), SendResult::kQueueBytes);
  Leave(1000);
  EXPECT_EQ(Enter(1), SendResult::kAccepted);
}

TEST_F(PeerGateTest, RefusalsAreCountedByReason) {
  gate_.set_connected(false);
  EXPECT_EQ(Enter(1), SendResult::kNotConnected);
  EXPECT_EQ(Enter(1, Lane::kUrgent), SendResult::kAccepted);
  gate_.set_connected(true);
  EXPECT_EQ(Enter(1000), SendResult::kAccepted);
  EXPECT_EQ(Enter(1), SendResult::kQueueBytes);
  EXPECT_EQ(Enter(1), SendResult::kQueueBytes);
  EXPECT_EQ(gate_.refused(), (std::array<uint64_t, 3>{1, 0, 2}));
}

TEST_F(PeerGateTest, LanesDoNotShare) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Enter(1), SendResult::kAccepted);
  EXPECT_EQ(Enter(1, Lane::kUrgent), SendResult::kAccepted);
  EXPECT_EQ(Enter(1, Lane::kBulk), SendResult::kAccepted);
}

TEST_F(PeerGateTest, WritableIsToldOnceAtHalf) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Enter(10), SendResult::kAccepted);
  EXPECT_EQ(Enter(10), SendResult::kQueueMessages);
  EXPECT_EQ(Enter(10), SendResult::kQueueMessages);
  EXPECT_FALSE(Leave(10));
  EXPECT_TRUE(Leave(10));
  EXPECT_FALSE(Leave(10));
  EXPECT_FALSE(Leave(10));
}

TEST_F(PeerGateTest, WritableIsNotToldWhenNobodyWasRefused) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Enter(10), SendResult::kAccepted);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Leave(10));
}

TEST_F(PeerGateTest, WithoutALinkOnlyUrgentMessagesWait) {
  gate_.set_connected(false);
  EXPECT_EQ(Enter(1), SendResult::kNotConnected);
  EXPECT_EQ(Enter(1, Lane::kBulk), SendResult::kNotConnected);
  EXPECT_EQ(Enter(1, Lane::kUrgent), SendResult::kAccepted);
  gate_.set_connected(true);
  EXPECT_EQ(Enter(1), SendResult::kAccepted);
}

// The loop may still speak for a peer that the API has just removed.
TEST_F(PeerGateTest, RemovedStaysRemovedWhateverTheLinkDoes) {
  gate_.Remove();
  gate_.set_connected(true);
  EXPECT_EQ(Enter(1), SendResult::kUnknownPeer);
  gate_.set_connected(false);
  EXPECT_EQ(Enter(1, Lane::kUrgent), SendResult::kUnknownPeer);
  gate_.Open();
  EXPECT_EQ(Enter(1), SendResult::kAccepted);
}

TEST_F(PeerGateTest, LimitsHoldAgainstManyThreads) {
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20000; ++i) {
        if (Enter(10) != SendResult::kAccepted) continue;
        const int now = ++inside;
        int seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        --inside;
        Leave(10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), 4);
  EXPECT_EQ(gate_.entered(Lane::kAppend), (Tally{0, 0}));
}

}  // namespace
}  // namespace hawser
