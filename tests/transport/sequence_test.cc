// Sequence numbers, acknowledgements, and when they are due.

#include "transport/sequence.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <type_traits>

namespace hawser {
namespace {

constexpr AckPolicy kPolicy = {/*delay_ns=*/5000, /*frames_max=*/4, /*bytes_max=*/1000};
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

TEST(SendSequenceTest, NumbersFromOneAndCountsWhatIsUnacknowledged) {
  SendSequence send;
  EXPECT_EQ(send.Next(), 1u);
  EXPECT_EQ(send.Next(), 2u);
  EXPECT_EQ(send.unacknowledged(), 2u);
  EXPECT_TRUE(send.OnAck(1));
  EXPECT_EQ(send.unacknowledged(), 1u);
}

TEST(SendSequenceTest, AckOfWhatWasNeverSent) {
  SendSequence send;
  send.Next();
  EXPECT_FALSE(send.OnAck(2));
  EXPECT_FALSE(send.OnAck(0x80000000));
  EXPECT_EQ(send.acked(), 0u);
}

TEST(SendSequenceTest, AckThatGoesBack) {
  SendSequence send;
  send.Next();
  send.Next();
  EXPECT_TRUE(send.OnAck(2));
  EXPECT_TRUE(send.OnAck(2));
  EXPECT_FALSE(send.OnAck(1));
}

// 2^32 frames take too long: all counters are set to the last number before the wrap.
TEST(SendSequenceTest, NumbersRunOverTheWrap) {
  static_assert(std::is_trivially_copyable<SendSequence>::value, "may be overwritten by bytes");
  SendSequence send;
  std::memset(static_cast<void*>(&send), 0xff, sizeof(send));
  ASSERT_EQ(send.sent(), 0xffffffffu);
  EXPECT_EQ(send.Next(), 0u);
  EXPECT_EQ(send.Next(), 1u);
  EXPECT_EQ(send.unacknowledged(), 2u);
  EXPECT_FALSE(send.OnAck(2));
  EXPECT_FALSE(send.OnAck(0xfffffffe));
  EXPECT_TRUE(send.OnAck(0));
  EXPECT_FALSE(send.OnAck(0xffffffff));
  EXPECT_TRUE(send.OnAck(1));
  EXPECT_EQ(send.unacknowledged(), 0u);
}

TEST(ReceiveSequenceTest, GapAndRepeat) {
  for (uint32_t bad : {0u, 1u, 3u, 0x80000002u}) {
    ReceiveSequence receive(kPolicy);
    ASSERT_TRUE(receive.OnFrame(1));
    EXPECT_FALSE(receive.OnFrame(bad)) << bad;
  }
}

TEST(ReceiveSequenceTest, ReceivedIsNotConsumed) {
  ReceiveSequence receive(kPolicy);
  ASSERT_TRUE(receive.OnFrame(1));
  EXPECT_EQ(receive.Tell(), 0u);
  EXPECT_FALSE(receive.AckDue(kNever));
  receive.OnConsumed(receive.received(), 10, 0);
  EXPECT_EQ(receive.Tell(), 1u);
}

TEST(ReceiveSequenceTest, AckIsDueAfterTheDelayOfTheOldest) {
  ReceiveSequence receive(kPolicy);
  EXPECT_EQ(receive.AckDeadline(), kNever);
  receive.OnFrame(1);
  receive.OnConsumed(receive.received(), 10, 1000);
  receive.OnFrame(2);
  receive.OnConsumed(receive.received(), 10, 4000);
  EXPECT_EQ(receive.AckDeadline(), 6000);
  EXPECT_FALSE(receive.AckDue(5999));
  EXPECT_TRUE(receive.AckDue(6000));
  receive.Tell();
  EXPECT_FALSE(receive.AckDue(100000));
  EXPECT_EQ(receive.AckDeadline(), kNever);
}

TEST(ReceiveSequenceTest, AckIsDueAfterSoManyFrames) {
  ReceiveSequence receive(kPolicy);
  for (uint32_t i = 1; i <= 4; ++i) {
    EXPECT_FALSE(receive.AckDue(0));
    receive.OnFrame(i);
    receive.OnConsumed(receive.received(), 1, 0);
  }
  EXPECT_TRUE(receive.AckDue(0));
}

TEST(ReceiveSequenceTest, AckIsDueAfterSoManyBytes) {
  ReceiveSequence receive(kPolicy);
  receive.OnFrame(1);
  receive.OnConsumed(receive.received(), 999, 0);
  EXPECT_FALSE(receive.AckDue(0));
  receive.OnFrame(2);
  receive.OnConsumed(receive.received(), 1, 0);
  EXPECT_TRUE(receive.AckDue(0));
  receive.Tell();
  receive.OnFrame(3);
  receive.OnConsumed(receive.received(), 999, 0);
  EXPECT_FALSE(receive.AckDue(0));
}

TEST(ReceiveSequenceTest, FramesThatAreHeldAreReceivedButNotAcknowledged) {
  ReceiveSequence receive(kPolicy);
  receive.OnFrame(1);
  receive.OnFrame(2);
  EXPECT_EQ(receive.received(), 2u);
  EXPECT_EQ(receive.Tell(), 0u);
  receive.OnConsumed(1, 10, 0);
  EXPECT_EQ(receive.Tell(), 1u);
}

TEST(ReceiveSequenceTest, WhatAFenceHasSettledCountsAsConsumed) {
  ReceiveSequence receive(kPolicy);
  receive.OnFrame(1);
  receive.OnFrame(2);
  receive.SkipToReceived();
  EXPECT_EQ(receive.Tell(), 2u);
}

}  // namespace
}  // namespace hawser
