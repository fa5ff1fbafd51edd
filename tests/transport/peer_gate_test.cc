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
  EXPECT_EQ(gate_.refused(), (std::array<uint64_t, 4>{0, 1, 0, 0}));
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
  EXPECT_EQ(gate_.refused(), (std::array<uint64_t, 4>{1, 0, 2, 0}));
}

TEST_F(PeerGateTest, DrainingHereOrThereRefusesEverything) {
  EXPECT_EQ(Enter(1), SendResult::kAccepted);
  gate_.Drain();
  EXPECT_EQ(Enter(1), SendResult::kDraining);
  EXPECT_EQ(Enter(1, Lane::kUrgent), SendResult::kDraining);
  EXPECT_FALSE(gate_.Empty());
  Leave(1);
  EXPECT_TRUE(gate_.Empty());
  gate_.set_draining_there(true);
  gate_.Resume();
  EXPECT_EQ(Enter(1), SendResult::kDraining);
  gate_.set_draining_there(false);
  EXPECT_EQ(Enter(1), SendResult::kAccepted);
  EXPECT_EQ(gate_.refused(), (std::array<uint64_t, 4>{0, 0, 0, 3}));
}

TEST_F(PeerGateTest, WhatIsAddedAgainIsNotDrained) {
  gate_.Drain();
  gate_.Remove();
  EXPECT_EQ(Enter(1), SendResult::kUnknownPeer);
  gate_.Open();
  EXPECT_EQ(Enter(1), SendResult::kAccepted);
}

// Once nobody is in, nobody will be: a thread that saw the open gate does not slip through.
TEST_F(PeerGateTest, NobodySlipsThroughADrain) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> go{false};
    std::atomic<int> accepted{0};
    std::thread sender([&] {
      go = true;
      for (int i = 0; i < 200; ++i) {
        if (Enter(10) != SendResult::kAccepted) continue;
        ++accepted;
        Leave(10);
      }
    });
    while (!go) std::this_thread::yield();
    gate_.Drain();
    while (!gate_.Empty()) std::this_thread::yield();
    const int before = accepted;
    sender.join();
    EXPECT_EQ(accepted, before);
    gate_.Resume();
  }
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
