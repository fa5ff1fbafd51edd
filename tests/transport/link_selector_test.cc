// The choice of a link: each step by name, then any sequence of events.

#include "transport/link_selector.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <random>

#include "transport/transitions.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

SelectorRules TestRules() {
  SelectorRules rules;
  rules.retry_ns_min = 100 * kMs;
  rules.retry_ns_max = 1000 * kMs;
  rules.stable_ns = 10000 * kMs;
  rules.flaps_max = 3;
  rules.flap_window_ns = 60000 * kMs;
  rules.quarantine_ns = 300000 * kMs;
  rules.probe_pings = 8;
  return rules;
}

class LinkSelectorTest : public ::testing::Test {
 protected:
  // Time passes, then the facts are looked at. Events happen once.
  void Step(int64_t ms = 1) {
    facts_.now_ns += ms * kMs;
    choice_ = Select(rules_, choice_, facts_);
    facts_.rdma_not_made = false;
  }
  void Expect(SelectorState state, LinkReason reason, LinkKind link) const {
    EXPECT_STREQ(SelectorStateName(choice_.state), SelectorStateName(state));
    EXPECT_STREQ(LinkReasonText(choice_.reason), LinkReasonText(reason));
    EXPECT_EQ(choice_.link, link);
  }
  void Measure(int64_t grpc_us, int64_t rdma_us) {
    facts_.grpc = {8, grpc_us * 1000};
    facts_.rdma = {8, rdma_us * 1000};
  }
  // gRPC came up, then RDMA, which measured better.
  void GoOnRdma() {
    facts_.grpc_up = true;
    Step();
    facts_.rdma_up = true;
    Measure(100, 20);
    Step();
    facts_.rdma_in_use = true;
    Expect(SelectorState::kOnRdma, LinkReason::kRdmaBest, LinkKind::kRdma);
  }
  void LoseRdma() {
    facts_.rdma_up = facts_.rdma_in_use = false;
    Step();
  }

  const SelectorRules rules_ = TestRules();
  LinkSelection choice_;
  LinkFacts facts_;
};

TEST_F(LinkSelectorTest, NothingIsUp) {
  Step();
  Expect(SelectorState::kConnecting, LinkReason::kNoLink, LinkKind::kNone);
}

TEST_F(LinkSelectorTest, WithoutRdmaTheReasonIsTold) {
  facts_.grpc_up = true;
  for (const LinkReason obstacle : {LinkReason::kGrpcOnly, LinkReason::kNoRdmaHere,
                                    LinkReason::kNoRdmaThere, LinkReason::kRdmaUnprotected}) {
    facts_.obstacle = obstacle;
    Step();
    Expect(SelectorState::kOnGrpc, obstacle, LinkKind::kGrpc);
    EXPECT_FALSE(choice_.make_rdma);
  }
}

TEST_F(LinkSelectorTest, RdmaIsMadeThenMeasuredThenTaken) {
  facts_.grpc_up = true;
  Step();
  Expect(SelectorState::kProbingRdma, LinkReason::kRdmaDialling, LinkKind::kGrpc);
  EXPECT_TRUE(choice_.make_rdma);
  facts_.rdma_up = true;
  Step();
  Expect(SelectorState::kProbingRdma, LinkReason::kRdmaMeasuring, LinkKind::kGrpc);
  EXPECT_TRUE(choice_.measure);
  EXPECT_FALSE(choice_.make_rdma);
  Measure(100, 20);
  facts_.rdma.samples = 7;
  Step();
  Expect(SelectorState::kProbingRdma, LinkReason::kRdmaMeasuring, LinkKind::kGrpc);
  facts_.rdma.samples = 8;
  Step();
  Expect(SelectorState::kOnRdma, LinkReason::kRdmaBest, LinkKind::kRdma);
}

TEST_F(LinkSelectorTest, ASlowerRdmaIsNotTakenAndMeasuredAgainLater) {
  facts_.grpc_up = facts_.rdma_up = true;
  Measure(20, 100);
  Step();
  Expect(SelectorState::kBackingOff, LinkReason::kRdmaSlower, LinkKind::kGrpc);
  facts_.grpc = facts_.rdma = {};
  Step(rules_.retry_ns_min / kMs);
  Expect(SelectorState::kProbingRdma, LinkReason::kRdmaMeasuring, LinkKind::kGrpc);
}

TEST_F(LinkSelectorTest, OnRdmaRoundTripsAreNotJudged) {
  GoOnRdma();
  Measure(20, 100);
  Step();
  Expect(SelectorState::kOnRdma, LinkReason::kRdmaBest, LinkKind::kRdma);
}

TEST_F(LinkSelectorTest, LosingRdmaIsGrpcAtOnceAndAnotherTryLater) {
  GoOnRdma();
  LoseRdma();
  Expect(SelectorState::kBackingOff, LinkReason::kRdmaFailed, LinkKind::kGrpc);
  EXPECT_GE(choice_.again_ns, facts_.now_ns + rules_.retry_ns_min / 2);
  EXPECT_LE(choice_.again_ns, facts_.now_ns + rules_.retry_ns_min);
  facts_.now_ns = choice_.again_ns - kMs;
  Step();
  Expect(SelectorState::kProbingRdma, LinkReason::kRdmaDialling, LinkKind::kGrpc);
}

TEST_F(LinkSelectorTest, TheDelayDoublesUntilRdmaIsStable) {
  facts_.grpc_up = true;
  facts_.random = ~0u;
  int64_t delay_ns = rules_.retry_ns_min;
  for (int i = 0; i < 6; ++i) {
    facts_.rdma_not_made = true;
    Step();
    EXPECT_EQ(choice_.delay_ns, delay_ns);
    delay_ns = std::min(rules_.retry_ns_max, 2 * delay_ns);
    Step(rules_.retry_ns_max / kMs);
    EXPECT_TRUE(choice_.make_rdma);
  }
  facts_.rdma_up = true;
  Measure(100, 20);
  Step();
  Step(rules_.stable_ns / kMs);
  LoseRdma();
  EXPECT_EQ(choice_.delay_ns, rules_.retry_ns_min);
}

TEST_F(LinkSelectorTest, FlappingIsQuarantine) {
  GoOnRdma();
  for (int i = 0; i < rules_.flaps_max; ++i) {
    LoseRdma();
    if (i + 1 == rules_.flaps_max) break;
    Step(rules_.retry_ns_max / kMs);
    facts_.rdma_up = true;
    Step();
    Expect(SelectorState::kOnRdma, LinkReason::kRdmaBest, LinkKind::kRdma);
  }
  Expect(SelectorState::kQuarantined, LinkReason::kRdmaFlapping, LinkKind::kGrpc);
  // The other end makes a link: it is not taken.
  facts_.rdma_up = true;
  Step(rules_.quarantine_ns / kMs - 2);
  Expect(SelectorState::kQuarantined, LinkReason::kRdmaFlapping, LinkKind::kGrpc);
  Step(3);
  Expect(SelectorState::kOnRdma, LinkReason::kRdmaBest, LinkKind::kRdma);
}

TEST_F(LinkSelectorTest, LossesFarApartAreNoFlapping) {
  GoOnRdma();
  for (int i = 0; i < 10; ++i) {
    LoseRdma();
    Expect(SelectorState::kBackingOff, LinkReason::kRdmaFailed, LinkKind::kGrpc);
    Step(rules_.flap_window_ns / kMs);
    facts_.rdma_up = true;
    Step();
  }
}

TEST_F(LinkSelectorTest, PinnedToGrpcRdmaDrainsFirst) {
  GoOnRdma();
  facts_.pinned = LinkKind::kGrpc;
  Step();
  Expect(SelectorState::kDraining, LinkReason::kPinned, LinkKind::kGrpc);
  facts_.rdma_in_use = false;
  Step();
  Expect(SelectorState::kOnGrpc, LinkReason::kPinned, LinkKind::kGrpc);
}

TEST_F(LinkSelectorTest, PinReleasedWhileDrainingGoesBack) {
  GoOnRdma();
  facts_.pinned = LinkKind::kGrpc;
  Step();
  facts_.pinned = LinkKind::kNone;
  Step();
  Expect(SelectorState::kOnRdma, LinkReason::kRdmaBest, LinkKind::kRdma);
}

TEST_F(LinkSelectorTest, PinnedToRdmaOverridesQuarantineAndMeasure) {
  GoOnRdma();
  choice_.quarantined_until_ns = facts_.now_ns + rules_.quarantine_ns;
  facts_.pinned = LinkKind::kRdma;
  LoseRdma();
  Expect(SelectorState::kBackingOff, LinkReason::kPinUnmet, LinkKind::kGrpc);
  Step(rules_.retry_ns_max / kMs);
  Expect(SelectorState::kProbingRdma, LinkReason::kPinUnmet, LinkKind::kGrpc);
  EXPECT_TRUE(choice_.make_rdma);
  facts_.rdma_up = true;
  Measure(20, 100);
  Step();
  Expect(SelectorState::kOnRdma, LinkReason::kPinned, LinkKind::kRdma);
}

TEST_F(LinkSelectorTest, GrpcDownWhileRdmaIsUp) {
  GoOnRdma();
  facts_.grpc_up = false;
  Step();
  Expect(SelectorState::kOnRdma, LinkReason::kOnlyLink, LinkKind::kRdma);
  facts_.pinned = LinkKind::kGrpc;
  Step();
  Expect(SelectorState::kOnRdma, LinkReason::kPinUnmet, LinkKind::kRdma);
  facts_.grpc_up = true;
  Step();
  Expect(SelectorState::kDraining, LinkReason::kPinned, LinkKind::kGrpc);
}

TEST_F(LinkSelectorTest, BothDownIsNotRdmaThatFailed) {
  GoOnRdma();
  facts_.grpc_up = facts_.rdma_up = facts_.rdma_in_use = false;
  Step();
  Expect(SelectorState::kConnecting, LinkReason::kNoLink, LinkKind::kNone);
  facts_.grpc_up = true;
  Step();
  Expect(SelectorState::kProbingRdma, LinkReason::kRdmaDialling, LinkKind::kGrpc);
}

TEST_F(LinkSelectorTest, RdmaOnlyIsNoLinkUntilThereIsRdma) {
  facts_.rdma_only = facts_.grpc_up = true;
  Step();
  Expect(SelectorState::kProbingRdma, LinkReason::kRdmaDialling, LinkKind::kNone);
  EXPECT_TRUE(choice_.make_rdma);
  facts_.rdma_not_made = true;
  Step();
  Expect(SelectorState::kBackingOff, LinkReason::kRdmaFailed, LinkKind::kNone);
  Step(rules_.retry_ns_max / kMs);
  Expect(SelectorState::kProbingRdma, LinkReason::kRdmaDialling, LinkKind::kNone);
  // Whether it is the faster one does not matter.
  facts_.rdma_up = true;
  Measure(20, 100);
  Step();
  Expect(SelectorState::kOnRdma, LinkReason::kRdmaOnly, LinkKind::kRdma);
  facts_.grpc_up = false;
  Step();
  Expect(SelectorState::kOnRdma, LinkReason::kRdmaOnly, LinkKind::kRdma);
}

TEST_F(LinkSelectorTest, RdmaOnlyIsNotQuarantined) {
  facts_.rdma_only = facts_.grpc_up = true;
  for (int i = 0; i < 3 * rules_.flaps_max; ++i) {
    Step(rules_.retry_ns_max / kMs);
    facts_.rdma_up = true;
    Step();
    Expect(SelectorState::kOnRdma, LinkReason::kRdmaOnly, LinkKind::kRdma);
    LoseRdma();
    Expect(SelectorState::kBackingOff, LinkReason::kRdmaFailed, LinkKind::kNone);
  }
}

TEST_F(LinkSelectorTest, RdmaOnlyWhereThereIsNoneTellsWhy) {
  facts_.rdma_only = facts_.grpc_up = true;
  facts_.obstacle = LinkReason::kNoRdmaThere;
  Step();
  Expect(SelectorState::kConnecting, LinkReason::kNoRdmaThere, LinkKind::kNone);
  EXPECT_FALSE(choice_.make_rdma);
}

TEST_F(LinkSelectorTest, APinToGrpcDoesNotHoldAgainstRdmaOnly) {
  facts_.rdma_only = facts_.grpc_up = facts_.rdma_up = true;
  facts_.pinned = LinkKind::kGrpc;
  Step();
  Expect(SelectorState::kOnRdma, LinkReason::kPinUnmet, LinkKind::kRdma);
}

// Any events in any order: only steps of the table, each of them at least once, and never a link
// that is down, forbidden or unasked for.
TEST_F(LinkSelectorTest, AnySequenceOfEvents) {
  std::mt19937 random(1);
  const auto one_in = [&random](int n) { return random() % n == 0; };
  std::array<std::array<int, kSelectorStateCount>, kSelectorStateCount> taken{};
  for (int i = 0; i < 200000; ++i) {
    if (one_in(8)) facts_.grpc_up = !facts_.grpc_up;
    if (one_in(4)) facts_.rdma_up = !facts_.rdma_up;
    facts_.rdma_not_made = !facts_.rdma_up && one_in(8);
    facts_.rdma_in_use = facts_.rdma_up && !one_in(3);
    if (one_in(8)) facts_.pinned = static_cast<LinkKind>(random() % 3);
    if (one_in(16)) facts_.rdma_only = !facts_.rdma_only;
    if (one_in(8)) facts_.obstacle = static_cast<LinkReason>(one_in(3) ? random() % 5 : 0);
    facts_.random = random();
    Measure(random() % 100, random() % 80);
    if (one_in(2)) facts_.rdma.samples = 0;
    const SelectorState from = choice_.state;
    Step(one_in(50) ? 400000 : random() % 300);
    const SelectorState to = choice_.state;
    if (from != to) {
      ++taken[static_cast<int>(from)][static_cast<int>(to)];
    }
    const bool on_rdma = choice_.link == LinkKind::kRdma;
    ASSERT_EQ(choice_.link == LinkKind::kNone,
              !facts_.rdma_up && (!facts_.grpc_up || facts_.rdma_only));
    ASSERT_TRUE(choice_.link != LinkKind::kGrpc || !facts_.rdma_only);
    ASSERT_TRUE(!on_rdma || facts_.rdma_up);
    ASSERT_TRUE(choice_.link != LinkKind::kGrpc || facts_.grpc_up);
    const bool may_rdma =
        facts_.obstacle == LinkReason::kNoLink && facts_.pinned != LinkKind::kGrpc;
    ASSERT_TRUE(!(on_rdma || choice_.make_rdma) || may_rdma || !facts_.grpc_up || facts_.rdma_only);
    ASSERT_TRUE(!choice_.make_rdma || facts_.obstacle == LinkReason::kNoLink);
    ASSERT_TRUE(!choice_.make_rdma || (facts_.grpc_up && !facts_.rdma_up));
    ASSERT_TRUE(choice_.again_ns == 0 || choice_.again_ns > facts_.now_ns);
  }
  std::printf("%-14s", "from \\ to");
  for (int to = 0; to < kSelectorStateCount; ++to) {
    std::printf("%13s", SelectorStateName(static_cast<SelectorState>(to)));
  }
  std::printf("\n");
  for (int from = 0; from < kSelectorStateCount; ++from) {
    std::printf("%-14s", SelectorStateName(static_cast<SelectorState>(from)));
    for (int to = 0; to < kSelectorStateCount; ++to) {
      const bool may = from != to && MayTransit(Machine::kSelector, from, to);
      std::printf("%13d", taken[from][to]);
      EXPECT_EQ(taken[from][to] > 0, may) << from << " to " << to;
    }
    std::printf("\n");
  }
}

}  // namespace
}  // namespace hawser
