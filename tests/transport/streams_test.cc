// The two directions of a stream, step by step.

#include <gtest/gtest.h>

#include <vector>

#include "transport/receive_stream.h"
#include "transport/send_stream.h"

namespace hawser {
namespace {

// Streams know sessions as names only.
Session* const kOne = reinterpret_cast<Session*>(0x10);
Session* const kTwo = reinterpret_cast<Session*>(0x20);
// Groups whose state the peer keeps.
constexpr uint32_t kGroups = 100;
using Route = ReceiveStream::Route;

class ReceiveStreamTest : public ::testing::Test {
 protected:
  TransitionCounts counts_;
  ReceiveStream stream_{&counts_};
};

TEST_F(ReceiveStreamTest, NothingIsConsumedBeforeAStart) {
  EXPECT_EQ(stream_.RouteOf(kOne), Route::kBadEpoch);
  EXPECT_EQ(stream_.OnSwitch(kOne, 2, 0), CloseReason::kBadEpoch);
  EXPECT_EQ(stream_.OnStart(kOne, 1, 0), CloseReason::kNone);
  EXPECT_EQ(stream_.RouteOf(kOne), Route::kConsume);
  EXPECT_EQ(stream_.RouteOf(kTwo), Route::kBadEpoch);
}

TEST_F(ReceiveStreamTest, SwitchFirst) {
  stream_.OnStart(kOne, 1, 0);
  EXPECT_EQ(stream_.OnSwitch(kOne, 2, 500), CloseReason::kNone);
  EXPECT_EQ(stream_.state(), ReceiveState::kSealed);
  EXPECT_EQ(stream_.RouteOf(kOne), Route::kBadEpoch);
  EXPECT_EQ(stream_.OnStart(kTwo, 3, 0), CloseReason::kBadEpoch);
  EXPECT_EQ(stream_.OnStart(kTwo, 2, 0), CloseReason::kNone);
  EXPECT_EQ(stream_.RouteOf(kTwo), Route::kConsume);
  EXPECT_EQ(stream_.epoch(), 2u);
}

TEST_F(ReceiveStreamTest, StartFirst) {
  stream_.OnStart(kOne, 1, 0);
  EXPECT_EQ(stream_.OnStart(kTwo, 2, 500), CloseReason::kNone);
  EXPECT_EQ(stream_.state(), ReceiveState::kHolding);
  EXPECT_EQ(stream_.RouteOf(kOne), Route::kConsume);
  EXPECT_EQ(stream_.RouteOf(kTwo), Route::kHold);
  EXPECT_EQ(stream_.OnSwitch(kTwo, 2, 0), CloseReason::kBadEpoch);
  EXPECT_EQ(stream_.OnSwitch(kOne, 3, 0), CloseReason::kBadEpoch);
  EXPECT_EQ(stream_.OnSwitch(kOne, 2, 0), CloseReason::kNone);
  EXPECT_EQ(stream_.RouteOf(kTwo), Route::kConsume);
  EXPECT_EQ(stream_.RouteOf(kOne), Route::kBadEpoch);
}

TEST_F(ReceiveStreamTest, StartThatNothingEndedOrThatGoesBack) {
  stream_.OnStart(kOne, 5, 0);
  EXPECT_EQ(stream_.OnStart(kOne, 6, 0), CloseReason::kBadEpoch);
  EXPECT_EQ(stream_.OnStart(kTwo, 5, 0), CloseReason::kBadEpoch);
  EXPECT_EQ(stream_.OnStart(kTwo, 4, 0), CloseReason::kBadEpoch);
}

TEST_F(ReceiveStreamTest, FenceCoversTheEpochThatWasAnnounced) {
  stream_.OnStart(kOne, 1, 0);
  stream_.OnConsumed(9);
  stream_.OnStart(kTwo, 2, 500);
  stream_.Fence();
  EXPECT_EQ(stream_.consumed().epoch, 1u);
  EXPECT_EQ(stream_.consumed().sequence, 9u);
  EXPECT_EQ(stream_.OnStart(kTwo, 2, 0), CloseReason::kBadEpoch);
  EXPECT_EQ(stream_.OnStart(kTwo, 3, 0), CloseReason::kNone);
}

TEST_F(ReceiveStreamTest, WhichLinksFailureFailsTheDirection) {
  EXPECT_FALSE(stream_.OnSessionGone(kOne));
  stream_.OnStart(kOne, 1, 0);
  EXPECT_FALSE(stream_.OnSessionGone(kTwo));
  stream_.OnStart(kTwo, 2, 500);
  EXPECT_TRUE(stream_.OnSessionGone(kOne));
  EXPECT_TRUE(stream_.OnSessionGone(kTwo));
  stream_.OnSwitch(kOne, 2, 0);
  EXPECT_FALSE(stream_.OnSessionGone(kOne));
  stream_.OnSwitch(kTwo, 3, 500);
  // Sealed: all that its link carried was consumed.
  EXPECT_FALSE(stream_.OnSessionGone(kTwo));
}

class SendStreamTest : public ::testing::Test {
 protected:
  void Post(uint32_t sequence, uint64_t bytes = 10) {
    InFlightMessage message;
    message.payload_bytes = bytes;
    message.last_sequence = sequence;
    stream_.way(Lane::kAppend)->AddMessage(message);
    stream_.AddFrame(Lane::kAppend, sequence, 100);
  }
  uint64_t InFlight() { return stream_.in_flight(Lane::kAppend).messages; }
  int Drain() {
    int count = 0;
    stream_.Drain([&](const InFlightMessage&) { ++count; });
    return count;
  }

  int acknowledged_ = 0;
  TransitionCounts counts_;
  SendStream stream_{CodecLimits(), &counts_};
};

TEST_F(SendStreamTest, EachLinkAcknowledgesItsOwnEpoch) {
  stream_.Open(1, kOne, 0, kGroups);
  Post(1);
  Post(2);
  stream_.Switch(2, kTwo, 7, kGroups);
  Post(8);
  const auto take = [&](const InFlightMessage&) { ++acknowledged_; };
  EXPECT_EQ(stream_.unacked_bytes(Lane::kAppend), 300u);
  stream_.Acknowledge(kTwo, 8, take);
  EXPECT_EQ(acknowledged_, 1);
  stream_.Acknowledge(kOne, 2, take);
  EXPECT_EQ(acknowledged_, 3);
  EXPECT_TRUE(stream_.sealed().empty());
  stream_.SwitchDone();
  EXPECT_EQ(stream_.state(), SendState::kOpen);
}

TEST_F(SendStreamTest, FenceOfTheNewEpochSettlesTheSealedOne) {
  stream_.Open(1, kOne, 0, kGroups);
  Post(1);
  stream_.Switch(2, kTwo, 0, kGroups);
  Post(1);
  Post(2);
  EXPECT_TRUE(stream_.Settle(2, 1, [&](const InFlightMessage&) { ++acknowledged_; }));
  EXPECT_EQ(acknowledged_, 2);
  stream_.Fail();
  EXPECT_EQ(Drain(), 1);
}

TEST_F(SendStreamTest, FenceOfTheSealedEpochLosesTheNewOne) {
  stream_.Open(1, kOne, 0, kGroups);
  Post(1);
  Post(2);
  stream_.Switch(2, kTwo, 0, kGroups);
  Post(1);
  EXPECT_TRUE(stream_.Settle(1, 1, [&](const InFlightMessage&) { ++acknowledged_; }));
  EXPECT_EQ(acknowledged_, 1);
  EXPECT_EQ(Drain(), 2);
}

TEST_F(SendStreamTest, FenceThatCannotBe) {
  stream_.Open(1, kOne, 0, kGroups);
  Post(1);
  const auto none = [](const InFlightMessage&) {};
  EXPECT_FALSE(stream_.Settle(1, 2, none));
  stream_.Acknowledge(kOne, 1, none);
  EXPECT_FALSE(stream_.Settle(1, 0, none));
  EXPECT_TRUE(stream_.Settle(0, 0, none));
  EXPECT_EQ(InFlight(), 0u);
}

TEST(TransitionsTest, EveryStateHasANameAndEveryStepIsCounted) {
  for (int machine = 0; machine < kMachineCount; ++machine) {
    for (int state = 0; state < StateCount(static_cast<Machine>(machine)); ++state) {
      EXPECT_STRNE(StateName(static_cast<Machine>(machine), state), "");
    }
  }
  TransitionCounts counts;
  counts.Take(Machine::kSend, 0, 1);
  EXPECT_EQ(counts.count(Machine::kSend, 0, 1), 1u);
  EXPECT_FALSE(MayTransit(Machine::kSend, 0, 2));
  EXPECT_DEATH(counts.Take(Machine::kSend, 0, 2), "MayTransit");
}

}  // namespace
}  // namespace hawser
