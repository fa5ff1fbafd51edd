// Credit: what may be spent, what must be told, and counts that cannot be.

#include "transport/credit.h"

#include <gtest/gtest.h>

#include <utility>

namespace hawser {
namespace {

constexpr uint32_t kUnit = 8192;

TEST(SendCreditTest, FramesCostTheirSizeRoundedUp) {
  const SendCredit credit(kUnit);
  EXPECT_EQ(credit.UnitsOf(1), 1u);
  EXPECT_EQ(credit.UnitsOf(kUnit), 1u);
  EXPECT_EQ(credit.UnitsOf(kUnit + 1), 2u);
}

TEST(SendCreditTest, SpendsNoMoreThanWasGranted) {
  SendCredit credit(kUnit);
  EXPECT_FALSE(credit.started());
  EXPECT_FALSE(credit.MaySpend(1, 0));
  credit.Start(10);
  EXPECT_TRUE(credit.MaySpend(10, 0));
  EXPECT_FALSE(credit.MaySpend(11, 0));
  EXPECT_TRUE(credit.MaySpend(2, 8));
  EXPECT_FALSE(credit.MaySpend(3, 8));
  credit.Spend(10);
  EXPECT_EQ(credit.left(), 0u);
  EXPECT_FALSE(credit.MaySpend(1, 0));
  EXPECT_TRUE(credit.OnGrant(11));
  EXPECT_EQ(credit.left(), 1u);
}

TEST(SendCreditTest, GrantThatGoesBackIsRefused) {
  SendCredit credit(kUnit);
  credit.Start(10);
  EXPECT_TRUE(credit.OnGrant(10));
  EXPECT_FALSE(credit.OnGrant(9));
  EXPECT_EQ(credit.left(), 10u);
}

TEST(SendCreditTest, GrantBeyondReasonIsRefused) {
  SendCredit credit(kUnit);
  credit.Start(10);
  EXPECT_FALSE(credit.OnGrant((1u << 24) + 1));
  EXPECT_TRUE(credit.OnGrant(1u << 24));
}

TEST(SendCreditTest, CountsRunOverTheWrap) {
  SendCredit credit(kUnit);
  credit.Start(512);
  uint32_t granted = 512;
  // 2^33 units in steps of 2^20.
  for (int i = 0; i < 1 << 13; ++i) {
    granted += 1u << 20;
    ASSERT_TRUE(credit.OnGrant(granted)) << i;
    credit.Spend(1u << 20);
    ASSERT_EQ(credit.left(), 512u) << i;
  }
}

TEST(SendCreditTest, FirstGrantLetsTheLargestFrameGoSomeTime) {
  const SendCredit credit(kUnit);
  EXPECT_EQ(credit.FirstGrantMin(4096), 32u);
  EXPECT_EQ(credit.FirstGrantMin(128 * 1024), 48u);
}

TEST(ReceiveCreditTest, GrantsTheWindowAndWhatWasFreed) {
  ReceiveCredit credit(kUnit, 64 * kUnit);
  EXPECT_EQ(credit.Grant(), 64u);
  EXPECT_TRUE(credit.OnReceived(3 * kUnit));
  EXPECT_EQ(credit.Grant(), 64u);
  credit.OnFreed(3 * kUnit, true);
  EXPECT_EQ(credit.Grant(), 67u);
}

TEST(ReceiveCreditTest, MoreThanWasToldIsAnOverrun) {
  ReceiveCredit credit(kUnit, 64 * kUnit);
  credit.Grant();
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(credit.OnReceived(1)) << i;
  // Freed, but the peer cannot know.
  for (int i = 0; i < 64; ++i) credit.OnFreed(1, true);
  EXPECT_FALSE(credit.OnReceived(1));
}

TEST(ReceiveCreditTest, GrantIsDueAfterAQuarterOfTheWindow) {
  ReceiveCredit credit(kUnit, 64 * kUnit);
  credit.Grant();
  for (int i = 0; i < 15; ++i) {
    ASSERT_TRUE(credit.OnReceived(1));
    credit.OnFreed(1, false);
    ASSERT_FALSE(credit.GrantDue()) << i;
  }
  ASSERT_TRUE(credit.OnReceived(1));
  credit.OnFreed(1, false);
  EXPECT_TRUE(credit.GrantDue());
  credit.Grant();
  EXPECT_FALSE(credit.GrantDue());
}

// A peer with few units left is told at once of a message's units, but not of a control frame's:
// else two idle ends would answer each other for ever.
TEST(ReceiveCreditTest, GrantIsDueAtOnceWhenThePeerMayBeStuck) {
  for (const auto& [sequenced, due] : {std::pair(true, true), {false, false}}) {
    ReceiveCredit credit(kUnit, 64 * kUnit);
    credit.Grant();
    ASSERT_TRUE(credit.OnReceived(56 * kUnit));
    EXPECT_FALSE(credit.GrantDue());
    credit.OnFreed(1, sequenced);
    EXPECT_EQ(credit.GrantDue(), due);
  }
}

TEST(ReceiveCreditTest, CountsRunOverTheWrap) {
  constexpr uint32_t kWindow = 1u << 20;
  ReceiveCredit credit(1, kWindow);
  credit.Grant();
  // 2^32 units and some, in frames of a whole window.
  for (int i = 0; i < (1 << 12) + 10; ++i) {
    ASSERT_TRUE(credit.OnReceived(kWindow)) << i;
    credit.OnFreed(kWindow, true);
    ASSERT_TRUE(credit.GrantDue());
    credit.Grant();
  }
  EXPECT_FALSE(credit.OnReceived(kWindow + 1));
}

}  // namespace
}  // namespace hawser
