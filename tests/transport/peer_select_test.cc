// A peer's choice between two links, over fake links: what is measured, tried again, refused.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_node.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

class PeerSelectTest : public ::testing::Test {
 protected:
  // `rdma`: which of the two nodes have RDMA.
  void Open(bool rdma_a, bool rdma_b) {
    FakeNodeParts parts;
    parts.rdma = rdma_a;
    a_ = cluster_.Add(options_, parts);
    parts.rdma = rdma_b;
    b_ = cluster_.Add(FakeOptions(2), parts);
    ASSERT_TRUE(cluster_.Connect(a_, b_));
  }
  PeerStatus Status() { return a_->Describe(2); }
  bool RunUntil(SelectorState state, LinkReason reason, int64_t timeout_ms = 2000) {
    return cluster_.RunUntil(
        [&] { return Status().selector_state == state && Status().link_reason == reason; },
        timeout_ms);
  }
  static std::string Rdma(NodeId id) { return FakeAddress(id) + "/rdma"; }
  void SlowRdma(int64_t delay_ms) {
    cluster_.network.SetDelay(Rdma(1), Rdma(2), delay_ms * kMs);
    cluster_.network.SetDelay(Rdma(2), Rdma(1), delay_ms * kMs);
  }

  Options options_ = FakeOptions(1);
  FakeCluster cluster_;
  FakeNode* a_ = nullptr;
  FakeNode* b_ = nullptr;
};

TEST_F(PeerSelectTest, NoRdmaAtEitherEndIsTold) {
  Open(false, true);
  EXPECT_EQ(Status().link_reason, LinkReason::kNoRdmaHere);
  EXPECT_EQ(b_->Describe(1).link_reason, LinkReason::kNoRdmaThere);
  EXPECT_EQ(Status().selector_state, SelectorState::kOnGrpc);
}

TEST_F(PeerSelectTest, GrpcByPolicyAtOneEndIsGrpcAtBoth) {
  options_.link_policy = LinkPolicy::kGrpc;
  Open(true, true);
  cluster_.RunFor(1000);
  EXPECT_EQ(Status().link_reason, LinkReason::kGrpcOnly);
  EXPECT_EQ(b_->Describe(1).link_reason, LinkReason::kNoRdmaThere);
  EXPECT_EQ(Status().connects, 1u);
}

TEST_F(PeerSelectTest, RdmaIsMeasuredBeforeItIsTaken) {
  SlowRdma(0);
  Open(true, true);
  EXPECT_EQ(Status().link, LinkKind::kGrpc);
  ASSERT_TRUE(RunUntil(SelectorState::kProbingRdma, LinkReason::kRdmaMeasuring));
  ASSERT_TRUE(RunUntil(SelectorState::kOnRdma, LinkReason::kRdmaBest));
}

TEST_F(PeerSelectTest, ASlowerRdmaIsKeptButNotTakenUntilItIsFaster) {
  SlowRdma(5);
  Open(true, true);
  ASSERT_TRUE(RunUntil(SelectorState::kBackingOff, LinkReason::kRdmaSlower));
  EXPECT_EQ(Status().link, LinkKind::kGrpc);
  SlowRdma(0);
  ASSERT_TRUE(RunUntil(SelectorState::kOnRdma, LinkReason::kRdmaBest));
  EXPECT_EQ(Status().connects, 2u);
}

TEST_F(PeerSelectTest, RdmaThatCannotBeMadeIsTriedAgainWithGrowingDelay) {
  cluster_.network.RefuseDials(Rdma(2), true);
  Open(true, true);
  ASSERT_TRUE(RunUntil(SelectorState::kBackingOff, LinkReason::kRdmaFailed));
  cluster_.RunFor(3000);
  EXPECT_EQ(Status().link, LinkKind::kGrpc);
  EXPECT_EQ(Status().state, PeerState::kUp);
  cluster_.network.RefuseDials(Rdma(2), false);
  ASSERT_TRUE(RunUntil(SelectorState::kOnRdma, LinkReason::kRdmaBest, 20000));
}

TEST_F(PeerSelectTest, FlappingRdmaIsLeftAlone) {
  options_.rdma_quarantine_ms = 20000;
  Open(true, true);
  for (uint32_t i = 0; i < options_.rdma_flaps_max; ++i) {
    ASSERT_TRUE(RunUntil(SelectorState::kOnRdma, LinkReason::kRdmaBest, 20000)) << i;
    cluster_.network.Cut(Rdma(1), Rdma(2));
    ASSERT_TRUE(cluster_.RunUntil([&] { return Status().link == LinkKind::kGrpc; }));
  }
  ASSERT_TRUE(RunUntil(SelectorState::kQuarantined, LinkReason::kRdmaFlapping));
  const uint64_t connects = Status().connects;
  cluster_.RunFor(19000);
  EXPECT_EQ(Status().connects, connects);
  EXPECT_EQ(Status().selector_state, SelectorState::kQuarantined);
  ASSERT_TRUE(RunUntil(SelectorState::kOnRdma, LinkReason::kRdmaBest, 20000));
}

TEST_F(PeerSelectTest, PinsAreToldAsTheReason) {
  Open(true, true);
  ASSERT_TRUE(RunUntil(SelectorState::kOnRdma, LinkReason::kRdmaBest));
  cluster_.RunFor(10);
  a_->core().PinLink(a_->core().FindPeer(2)->gate(), LinkKind::kGrpc);
  ASSERT_TRUE(RunUntil(SelectorState::kOnGrpc, LinkReason::kPinned));
  EXPECT_EQ(b_->Describe(1).link, LinkKind::kRdma) << "the other direction has its own choice";
  a_->core().PinLink(a_->core().FindPeer(2)->gate(), LinkKind::kNone);
  ASSERT_TRUE(RunUntil(SelectorState::kOnRdma, LinkReason::kRdmaBest));
  EXPECT_EQ(Status().ledger.lost_total().messages, 0u);
}

}  // namespace
}  // namespace hawser
