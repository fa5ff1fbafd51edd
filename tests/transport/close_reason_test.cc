#include "transport/close_reason.h"

#include <iterator>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace hawser {
namespace {

// Numbers and names as they are on the wire, in metrics and in docs.
constexpr struct {
  CloseReason reason;
  int number;
  const char* name;
} kTable[] = {
    {CloseReason::kNone, 0, "none"},
    {CloseReason::kLocalStop, 1, "local_stop"},
    {CloseReason::kPeerStop, 2, "peer_stop"},
    {CloseReason::kPeerRemoved, 3, "peer_removed"},
    {CloseReason::kWrongCluster, 4, "wrong_cluster"},
    {CloseReason::kWrongNode, 5, "wrong_node"},
    {CloseReason::kUnknownPeer, 6, "unknown_peer"},
    {CloseReason::kOwnId, 7, "own_id"},
    {CloseReason::kDuplicateNode, 8, "duplicate_node"},
    {CloseReason::kVersionMismatch, 9, "version_mismatch"},
    {CloseReason::kBadHello, 10, "bad_hello"},
    {CloseReason::kHelloTimeout, 11, "hello_timeout"},
    {CloseReason::kBadFrame, 12, "bad_frame"},
    {CloseReason::kBadSequence, 13, "bad_sequence"},
    {CloseReason::kBadAck, 14, "bad_ack"},
    {CloseReason::kBadEpoch, 15, "bad_epoch"},
    {CloseReason::kCreditOverrun, 16, "credit_overrun"},
    {CloseReason::kFrameTooLarge, 17, "frame_too_large"},
    {CloseReason::kMessageTooLarge, 18, "message_too_large"},
    {CloseReason::kBadMessage, 19, "bad_message"},
    {CloseReason::kLocalOnlyType, 20, "local_only_type"},
    {CloseReason::kLinkError, 21, "link_error"},
    {CloseReason::kPeerSilent, 22, "peer_silent"},
    {CloseReason::kReplaced, 23, "replaced"},
    {CloseReason::kTieLost, 24, "tie_lost"},
    {CloseReason::kNotBuilt, 25, "not_built"},
    {CloseReason::kResourceExhausted, 26, "resource_exhausted"},
    {CloseReason::kUnauthenticated, 27, "unauthenticated"},
    {CloseReason::kInternal, 28, "internal"},
    {CloseReason::kLeaseLimit, 29, "lease_limit"},
    {CloseReason::kSupersededIncarnation, 30, "superseded_incarnation"},
    {CloseReason::kDrained, 31, "drained"},
    {CloseReason::kCallLimit, 32, "call_limit"},
};

TEST(CloseReasonTest, NobodyRenumbersOrRenames) {
  ASSERT_EQ(std::size(kTable), static_cast<size_t>(kCloseReasonCount));
  for (const auto& row : kTable) {
    EXPECT_EQ(static_cast<int>(row.reason), row.number) << row.name;
    EXPECT_STREQ(CloseReasonName(row.reason), row.name);
  }
}

TEST(CloseReasonTest, TableIsCompleteAndNamesAreUnique) {
  std::set<std::string> names;
  for (int i = 0; i < kCloseReasonCount; ++i) {
    names.insert(CloseReasonName(static_cast<CloseReason>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kCloseReasonCount));
  EXPECT_EQ(names.count("unknown"), 0u);
}

// A GOAWAY of a newer version may carry a number that we have no name for.
TEST(CloseReasonTest, NumberFromTheWireWithoutAName) {
  for (int i = kCloseReasonCount; i <= 255; ++i) {
    EXPECT_STREQ(CloseReasonName(static_cast<CloseReason>(i)), "unknown") << i;
  }
}

}  // namespace
}  // namespace hawser
