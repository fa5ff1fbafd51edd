#include "transport/lane.h"

#include <string>

#include "gtest/gtest.h"

namespace hawser {
namespace {

// The table of docs/wire_format.md, written a second time. Without a default: a new type does not
// compile until it is given a lane here.
constexpr Lane ExpectedLane(MessageType type) {
  switch (type) {
    case MessageType::kHeartbeat:
    case MessageType::kHeartbeatResp:
    case MessageType::kVote:
    case MessageType::kVoteResp:
    case MessageType::kPreVote:
    case MessageType::kPreVoteResp:
    case MessageType::kAppResp:
    case MessageType::kTimeoutNow:
    case MessageType::kReadIndex:
    case MessageType::kReadIndexResp:
      return Lane::kUrgent;
    case MessageType::kSnap:
      return Lane::kBulk;
    case MessageType::kApp:
    case MessageType::kProp:
    case MessageType::kTransferLeader:
    case MessageType::kForgetLeader:
    case MessageType::kHup:  // From here on: local only, refused before they need a lane.
    case MessageType::kBeat:
    case MessageType::kUnreachable:
    case MessageType::kSnapStatus:
    case MessageType::kCheckQuorum:
    case MessageType::kStorageAppend:
    case MessageType::kStorageAppendResp:
    case MessageType::kStorageApply:
    case MessageType::kStorageApplyResp:
      return Lane::kAppend;
  }
  return Lane::kAppend;
}

TEST(LaneTest, EveryTypeIsInItsLane) {
  for (int i = 0; i < kMessageTypeCount; ++i) {
    const auto type = static_cast<MessageType>(i);
    EXPECT_EQ(LaneOfType(type), ExpectedLane(type)) << MessageTypeName(type);
    EXPECT_STRNE(MessageTypeName(type), "unknown") << i;
  }
}

// A read-index with a huge context must not hold up heartbeats behind it.
TEST(LaneTest, UrgentTypeThatIsTooLargeTravelsWithAppends) {
  for (int i = 0; i < kMessageTypeCount; ++i) {
    const auto type = static_cast<MessageType>(i);
    const Lane large = ExpectedLane(type) == Lane::kUrgent ? Lane::kAppend : ExpectedLane(type);
    EXPECT_EQ(LaneOf(type, 0), ExpectedLane(type)) << MessageTypeName(type);
    EXPECT_EQ(LaneOf(type, 1024), ExpectedLane(type)) << MessageTypeName(type);
    EXPECT_EQ(LaneOf(type, 1025), large) << MessageTypeName(type);
    EXPECT_EQ(LaneOf(type, size_t{1} << 40), large) << MessageTypeName(type);
  }
}

// An empty append that overtook a full one would look like a gap in the log.
TEST(LaneTest, EmptyAppendDoesNotOvertakeAppends) {
  EXPECT_EQ(LaneOf(MessageType::kApp, 16), Lane::kAppend);
}

TEST(LaneTest, NumbersAndNamesStay) {
  EXPECT_EQ(static_cast<int>(Lane::kUrgent), 0);
  EXPECT_EQ(static_cast<int>(Lane::kAppend), 1);
  EXPECT_EQ(static_cast<int>(Lane::kBulk), 2);
  EXPECT_STREQ(LaneName(Lane::kUrgent), "urgent");
  EXPECT_STREQ(LaneName(Lane::kAppend), "append");
  EXPECT_STREQ(LaneName(Lane::kBulk), "bulk");
  EXPECT_STREQ(LaneName(static_cast<Lane>(kLaneCount)), "unknown");
}

}  // namespace
}  // namespace hawser
