#include "transport/ledger.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace hawser {
namespace {

LossReason ReasonAt(int number) { return static_cast<LossReason>(number); }

// Fails to compile when a reason is added and this test is not told.
constexpr bool IsListed(LossReason reason) {
  switch (reason) {
    case LossReason::kLinkLost:
    case LossReason::kPeerRestarted:
    case LossReason::kBehindGap:
    case LossReason::kExpired:
    case LossReason::kStopped:
    case LossReason::kPeerRemoved:
    case LossReason::kOverPeerLimit:
      return true;
  }
  return false;
}

TEST(LedgerTest, EveryReasonHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int i = 0; i < kLossReasonCount; ++i) {
    EXPECT_TRUE(IsListed(ReasonAt(i))) << i;
    names.insert(LossReasonName(ReasonAt(i)));
  }
  EXPECT_EQ(names, (std::set<std::string>{"link_lost", "peer_restarted", "behind_gap", "expired",
                                          "stopped", "peer_removed", "over_peer_limit"}));
  EXPECT_FALSE(IsListed(ReasonAt(kLossReasonCount)));
  EXPECT_STREQ(LossReasonName(ReasonAt(kLossReasonCount)), "unknown");
}

TEST(LedgerTest, NewLedgerBalancesAtZero) {
  const Ledger ledger;
  EXPECT_TRUE(ledger.Balanced());
  EXPECT_EQ(ledger.accepted, Tally());
  EXPECT_EQ(ledger.lost_total(), Tally());
}

TEST(LedgerTest, MessageIsInOnePlaceAtATime) {
  Ledger ledger;
  ledger.Accept(64);
  EXPECT_EQ(ledger.queued, (Tally{1, 64}));
  EXPECT_TRUE(ledger.Balanced());
  ledger.Post(64);
  EXPECT_EQ(ledger.queued, Tally());
  EXPECT_EQ(ledger.in_flight, (Tally{1, 64}));
  EXPECT_TRUE(ledger.Balanced());
  ledger.Acknowledge(64);
  EXPECT_EQ(ledger.in_flight, Tally());
  EXPECT_EQ(ledger.acknowledged, (Tally{1, 64}));
  EXPECT_EQ(ledger.accepted, (Tally{1, 64}));
  EXPECT_TRUE(ledger.Balanced());
}

TEST(LedgerTest, EachLossIsCountedUnderItsReason) {
  for (int i = 0; i < kLossReasonCount; ++i) {
    Ledger ledger;
    ledger.Accept(10);
    ledger.Accept(200);
    ledger.LoseQueued(10, ReasonAt(i));
    ledger.Post(200);
    ledger.LoseInFlight(200, ReasonAt(i));
    EXPECT_EQ(ledger.lost[i], (Tally{2, 210}));
    EXPECT_EQ(ledger.lost_total(), (Tally{2, 210}));
    EXPECT_EQ(ledger.queued, Tally());
    EXPECT_EQ(ledger.in_flight, Tally());
    EXPECT_TRUE(ledger.Balanced());
  }
}

TEST(LedgerTest, ReplacedHeartbeatIsNotLost) {
  Ledger ledger;
  ledger.Accept(0);
  ledger.Accept(0);
  ledger.Supersede(0);
  EXPECT_EQ(ledger.superseded, (Tally{1, 0}));
  EXPECT_EQ(ledger.queued, (Tally{1, 0}));
  EXPECT_EQ(ledger.lost_total(), Tally());
  EXPECT_TRUE(ledger.Balanced());
}

// A message that vanishes, or is counted twice, must show, by count or by bytes.
TEST(LedgerTest, VanishedMessageUnbalances) {
  Ledger ledger;
  ledger.Accept(5);
  ledger.queued.Subtract(5);
  EXPECT_FALSE(ledger.Balanced());
}

TEST(LedgerTest, MessageAcknowledgedTwiceUnbalances) {
  Ledger ledger;
  ledger.Accept(5);
  ledger.Post(5);
  ledger.Acknowledge(5);
  ledger.acknowledged.Add(5);
  EXPECT_FALSE(ledger.Balanced());
}

TEST(LedgerTest, RightCountWithWrongBytesUnbalances) {
  Ledger ledger;
  ledger.Accept(5);
  ledger.queued.bytes = 4;
  EXPECT_FALSE(ledger.Balanced());
}

// Many messages of many sizes through every door: balanced after each step.
TEST(LedgerTest, BalancesAfterEveryStepOfALongRun) {
  Ledger ledger;
  for (uint64_t bytes = 0; bytes < 700; ++bytes) {
    ledger.Accept(bytes);
    ASSERT_TRUE(ledger.Balanced());
    const LossReason reason = ReasonAt(static_cast<int>(bytes) % kLossReasonCount);
    switch (bytes % 5) {
      case 0:
        ledger.Supersede(bytes);
        break;
      case 1:
        ledger.LoseQueued(bytes, reason);
        break;
      case 2:
        ledger.Post(bytes);
        ledger.LoseInFlight(bytes, reason);
        break;
      case 3:
        ledger.Post(bytes);
        ledger.Acknowledge(bytes);
        break;
      default:
        break;  // Stays queued.
    }
    ASSERT_TRUE(ledger.Balanced());
  }
  EXPECT_EQ(ledger.accepted, (Tally{700, 699 * 700 / 2}));
  EXPECT_EQ(ledger.queued.messages, 140u);
  EXPECT_EQ(ledger.superseded.messages, 140u);
  EXPECT_EQ(ledger.lost_total().messages, 280u);
  EXPECT_EQ(ledger.acknowledged.messages, 140u);
  EXPECT_EQ(ledger.in_flight, Tally());
}

// An outage without losses is told too; its report must not look like a loss.
TEST(LossReportTest, EmptyUntilAMessageIsLost) {
  LossReport report;
  EXPECT_TRUE(report.empty());
  for (int i = 0; i < kLossReasonCount; ++i) {
    LossReport lost;
    lost.by_reason[i].Add(0);  // A message without payload is a loss too.
    EXPECT_FALSE(lost.empty()) << LossReasonName(ReasonAt(i));
  }
}

}  // namespace
}  // namespace hawser
