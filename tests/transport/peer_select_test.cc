// A peer's choice between two links, over fake links: what is measured, tried again, refused.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"
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

// LinkPolicy::kRdma at node 1.
class RdmaOnlyTest : public PeerSelectTest {
 protected:
  RdmaOnlyTest() { options_.link_policy = LinkPolicy::kRdma; }
  // Both know each other; nobody waits for a way to send.
  void Start(bool rdma_a, bool rdma_b, const Options& options_b = FakeOptions(2)) {
    FakeNodeParts parts;
    parts.rdma = rdma_a;
    a_ = cluster_.Add(options_, parts);
    parts.rdma = rdma_b;
    b_ = cluster_.Add(options_b, parts);
    a_->AddPeer(2);
    b_->AddPeer(1);
    a_->Start();
    b_->Start();
  }
  SendResult SendAppend(FakeNode* from, NodeId to) {
    TestAppend append(index_++, "data");
    return from->Send(to, 0, append.view());
  }
  bool OnRdma() {
    return cluster_.RunUntil(
        [&] {
          return Status().state == PeerState::kUp && Status().link == LinkKind::kRdma &&
                 b_->Describe(1).link == LinkKind::kRdma;
        },
        20000);
  }

  uint64_t index_ = 1;
};

TEST_F(RdmaOnlyTest, NoMessageTravelsUntilThereIsRdmaAtEitherEnd) {
  cluster_.network.RefuseDials(Rdma(2), true);
  Start(true, true);
  EXPECT_EQ(SendAppend(a_, 2), SendResult::kAccepted);
  // The peer's policy is kAuto: it keeps to ours.
  EXPECT_EQ(SendAppend(b_, 1), SendResult::kAccepted);
  cluster_.RunFor(5000);
  for (FakeNode* node : {a_, b_}) {
    const PeerStatus status = node->Describe(node == a_ ? 2 : 1);
    EXPECT_TRUE(status.links[0].up);
    EXPECT_EQ(status.link, LinkKind::kNone);
    EXPECT_EQ(status.state, PeerState::kSettling);
    EXPECT_EQ(status.disconnects, 0u) << "gRPC stays, though nothing settles on it";
    EXPECT_EQ(status.received.messages, 0u);
    EXPECT_EQ(status.ledger.lost[static_cast<int>(LossReason::kExpired)].messages, 1u);
    EXPECT_EQ(SendAppend(node, node == a_ ? 2 : 1), SendResult::kNotConnected);
  }
  EXPECT_EQ(Status().link_reason, LinkReason::kRdmaFailed);
  cluster_.network.RefuseDials(Rdma(2), false);
  ASSERT_TRUE(OnRdma());
  EXPECT_EQ(Status().link_reason, LinkReason::kRdmaOnly);
  EXPECT_EQ(SendAppend(a_, 2), SendResult::kAccepted);
  EXPECT_EQ(SendAppend(b_, 1), SendResult::kAccepted);
  cluster_.RunFor(100);
  EXPECT_EQ(Status().received.messages, 1u);
  EXPECT_EQ(b_->Describe(1).received.messages, 1u);
}

TEST_F(RdmaOnlyTest, RdmaIsTakenThoughItIsSlower) {
  SlowRdma(5);
  Start(true, true);
  ASSERT_TRUE(OnRdma());
  EXPECT_EQ(Status().switches, 0u);
}

TEST_F(RdmaOnlyTest, LosingRdmaIsAnOutageThatIsToldOnce) {
  Start(true, true);
  ASSERT_TRUE(OnRdma());
  const uint64_t connects = Status().connects;
  EXPECT_EQ(SendAppend(a_, 2), SendResult::kAccepted);
  cluster_.network.RefuseDials(Rdma(2), true);
  cluster_.network.Cut(Rdma(1), Rdma(2));
  ASSERT_TRUE(cluster_.RunUntil([&] { return Status().link == LinkKind::kNone; }));
  EXPECT_EQ(SendAppend(a_, 2), SendResult::kAccepted) << "for 100 ms it may come back";
  cluster_.RunFor(200);
  EXPECT_EQ(SendAppend(a_, 2), SendResult::kNotConnected);
  EXPECT_TRUE(Status().links[0].up);
  EXPECT_EQ(Status().fallbacks, 0u);
  EXPECT_EQ(Status().ledger.queued.messages + Status().ledger.in_flight.messages, 0u);
  EXPECT_EQ(a_->raft.reports.size(), 1u);
  cluster_.RunFor(5000);
  EXPECT_EQ(Status().connects, connects);
  EXPECT_EQ(a_->raft.reports.size(), 1u);
  cluster_.network.RefuseDials(Rdma(2), false);
  ASSERT_TRUE(OnRdma());
  EXPECT_EQ(SendAppend(a_, 2), SendResult::kAccepted);
  cluster_.RunFor(100);
  EXPECT_EQ(Status().ledger.queued.messages + Status().ledger.in_flight.messages, 0u);
  EXPECT_EQ(Status().connects, connects + 1) << "gRPC was not touched";
}

// While the way is gone, what expires later is told when it is back.
TEST_F(RdmaOnlyTest, LaterLossesAreToldBeforeTheNextEpoch) {
  Start(true, true);
  ASSERT_TRUE(OnRdma());
  cluster_.network.RefuseDials(Rdma(2), true);
  cluster_.network.Cut(Rdma(1), Rdma(2));
  cluster_.RunFor(200);
  const size_t told = a_->raft.reports.size();
  EXPECT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
  cluster_.RunFor(2000);
  EXPECT_EQ(a_->raft.reports.size(), told);
  cluster_.network.RefuseDials(Rdma(2), false);
  ASSERT_TRUE(OnRdma());
  EXPECT_EQ(a_->raft.reports.size(), told + 1);
}

TEST_F(RdmaOnlyTest, GrpcMayGoWhileRdmaCarries) {
  Start(true, true);
  ASSERT_TRUE(OnRdma());
  cluster_.network.Cut(FakeAddress(1), FakeAddress(2));
  cluster_.RunFor(1);
  EXPECT_EQ(Status().link, LinkKind::kRdma);
  EXPECT_EQ(SendAppend(a_, 2), SendResult::kAccepted);
  cluster_.RunFor(1000);
  EXPECT_EQ(Status().ledger.acknowledged.messages, 1u);
  EXPECT_EQ(Status().ledger.lost_total().messages, 0u);
}

TEST_F(RdmaOnlyTest, APeerWithoutRdmaIsNotConnectedAndSaysWhy) {
  Start(true, false);
  cluster_.RunFor(5000);
  EXPECT_EQ(Status().link, LinkKind::kNone);
  EXPECT_EQ(Status().link_reason, LinkReason::kNoRdmaThere);
  EXPECT_EQ(Status().disconnects, 0u);
  EXPECT_EQ(SendAppend(a_, 2), SendResult::kNotConnected);
  EXPECT_EQ(b_->Describe(1).link_reason, LinkReason::kNoRdmaHere);
}

TEST_F(RdmaOnlyTest, APeerThatAsksForGrpcIsRefused) {
  Options grpc_only = FakeOptions(2);
  grpc_only.link_policy = LinkPolicy::kGrpc;
  Start(true, true, grpc_only);
  cluster_.RunFor(1000);
  EXPECT_EQ(Status().connects, 0u);
  EXPECT_EQ(Status().reason, CloseReason::kVersionMismatch);
  EXPECT_EQ(SendAppend(a_, 2), SendResult::kNotConnected);
}

}  // namespace
}  // namespace hawser
