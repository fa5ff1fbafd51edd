// A peer with two links: orderly switches, failover, return.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

class PeerLinksTest : public ::testing::Test {
 protected:
  PeerLinksTest() {
    FakeNodeParts parts;
    parts.rdma = true;
    a_ = cluster_.Add(FakeOptions(1), parts);
    b_ = cluster_.Add(FakeOptions(2), parts);
  }

  void Open() {
    ASSERT_TRUE(cluster_.Connect(a_, b_));
    ASSERT_TRUE(cluster_.RunUntil([&] { return On(LinkKind::kRdma); }));
    cluster_.RunFor(10);  // until the old link has answered the last ping
  }
  bool On(LinkKind kind) { return a_->Describe(2).link == kind && b_->Describe(1).link == kind; }
  void Pin(LinkKind kind) {
    a_->core().PinLink(a_->core().FindPeer(2)->gate(), kind);
    b_->core().PinLink(b_->core().FindPeer(1)->gate(), kind);
  }
  void SendSome(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(a_->Send(2, 0, TestAppend(++sent_, std::string(300, 'x')).view()),
                SendResult::kAccepted);
    }
  }
  void ExpectAllInOrder() {
    ASSERT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == sent_; }));
    for (size_t i = 0; i < sent_; ++i) ASSERT_EQ(b_->raft.messages[i].index, i + 1);
    EXPECT_TRUE(
        cluster_.RunUntil([&] { return a_->Describe(2).ledger.acknowledged.messages == sent_; }));
    EXPECT_EQ(a_->raft.unreachable, 0u);
  }
  static std::string Rdma(NodeId id) { return FakeAddress(id) + "/rdma"; }

  FakeCluster cluster_;
  FakeNode* a_ = nullptr;
  FakeNode* b_ = nullptr;
  size_t sent_ = 0;
};

TEST_F(PeerLinksTest, MovesToRdmaByItselfAndLosesNothing) {
  a_->AddPeer(2);
  b_->AddPeer(1);
  a_->Start();
  b_->Start();
  while (!(a_->Describe(2).state == PeerState::kUp && On(LinkKind::kRdma))) {
    SendSome(3);
    cluster_.RunFor(1);
  }
  ExpectAllInOrder();
  EXPECT_EQ(a_->Describe(2).switches, 1u);
}

TEST_F(PeerLinksTest, PinsToAndFroUnderLoad) {
  Open();
  for (int i = 0; i < 50; ++i) {
    const LinkKind kind = i % 2 == 0 ? LinkKind::kGrpc : LinkKind::kRdma;
    Pin(kind);
    SendSome(20);
    ASSERT_TRUE(cluster_.RunUntil([&] { return On(kind); })) << i;
  }
  ExpectAllInOrder();
  EXPECT_EQ(a_->Describe(2).switches, 51u);
}

TEST_F(PeerLinksTest, FramesOfTheNextEpochWaitForTheOldLink) {
  Open();
  Pin(LinkKind::kGrpc);
  ASSERT_TRUE(cluster_.RunUntil([&] { return On(LinkKind::kGrpc); }));
  cluster_.RunFor(10);
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 30 * kMs);
  SendSome(5);
  cluster_.Settle();
  Pin(LinkKind::kRdma);
  cluster_.Settle();
  SendSome(5);
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->Describe(1).frames_held > 0; }));
  EXPECT_EQ(b_->raft.messages.size(), 0u);
  ExpectAllInOrder();
}

TEST_F(PeerLinksTest, SwitchThatDoesNotCompleteIsALinkFailure) {
  Open();
  Pin(LinkKind::kGrpc);
  ASSERT_TRUE(cluster_.RunUntil([&] { return On(LinkKind::kGrpc); }));
  cluster_.RunFor(10);
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 3000 * kMs);
  SendSome(5);
  cluster_.Settle();
  Pin(LinkKind::kRdma);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.unreachable == 1; }, 1000));
  EXPECT_EQ(a_->raft.reports[0].messages(LossReason::kLinkLost), 5u);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->Describe(2).state == PeerState::kUp; }));
}

TEST_F(PeerLinksTest, RdmaFailsAndMessagesGoOnOverGrpc) {
  Open();
  const uint64_t connects = a_->Describe(2).connects;
  const int64_t cut_ms = cluster_.now_ms();
  cluster_.network.RefuseDials(Rdma(2), true);
  cluster_.network.Cut(Rdma(1), Rdma(2));
  ASSERT_TRUE(cluster_.RunUntil([&] { return On(LinkKind::kGrpc); }));
  EXPECT_LT(cluster_.now_ms() - cut_ms, 5);
  EXPECT_EQ(a_->Describe(2).connects, connects);
  EXPECT_EQ(a_->raft.unreachable, 0u);
  SendSome(10);
  ExpectAllInOrder();
  cluster_.network.RefuseDials(Rdma(2), false);
  EXPECT_TRUE(cluster_.RunUntil([&] { return On(LinkKind::kRdma); }));
  EXPECT_EQ(a_->Describe(2).fallbacks, 1u);
  EXPECT_EQ(b_->Describe(1).fallbacks, 1u);
}

// Only one end sees the failure: the other one is asked to fence.
TEST_F(PeerLinksTest, OneEndNoticesTheFailureAndTheOtherSettles) {
  Open();
  cluster_.network.RefuseDials(Rdma(2), true);
  SendSome(10);
  cluster_.Settle();
  cluster_.network.Cut(Rdma(1), Rdma(2), 0, 300 * kMs);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.unreachable == 1; }, 50));
  const uint64_t delivered = b_->raft.messages.size();
  const Ledger ledger = a_->Describe(2).ledger;
  EXPECT_EQ(ledger.acknowledged.messages, delivered);
  EXPECT_EQ(ledger.lost_total().messages, 10 - delivered);
  EXPECT_EQ(a_->raft.downs.size(), 0u);
  // Counted once at each end, also when its own link fails later.
  ASSERT_TRUE(cluster_.RunUntil([&] { return On(LinkKind::kGrpc); }));
  cluster_.RunFor(400);
  EXPECT_EQ(a_->Describe(2).fallbacks, 1u);
  EXPECT_EQ(b_->Describe(1).fallbacks, 1u);
}

// Nothing is on its way to be missed; the next epoch does not begin on a link that is dead there.
TEST_F(PeerLinksTest, OneEndNoticesWhileNothingIsSent) {
  Open();
  cluster_.network.RefuseDials(Rdma(2), true);
  cluster_.network.Cut(Rdma(1), Rdma(2), 0, 300 * kMs);
  ASSERT_TRUE(cluster_.RunUntil(
      [&] {
        return On(LinkKind::kGrpc) && a_->Describe(2).state == PeerState::kUp &&
               b_->Describe(1).state == PeerState::kUp;
      },
      10));
  EXPECT_FALSE(b_->Describe(1).links[1].up);
}

// One direction does not begin: the link that waits for it is given up, not the newer one.
TEST_F(PeerLinksTest, ANewLinkHasItsTimeToSettle) {
  Options first = FakeOptions(1);
  Options second = FakeOptions(2);
  first.peer_silent_ms = second.peer_silent_ms = 60000;
  first.rdma_retry_ms_max = second.rdma_retry_ms_max = 100;
  FakeNodeParts parts;
  parts.rdma = true;
  FakeCluster cluster;
  FakeNode* const a = cluster.Add(first, parts);
  FakeNode* const b = cluster.Add(second, parts);
  cluster.network.RefuseDials(Rdma(2), true);
  a->AddPeer(2);
  b->AddPeer(1, {});
  a->Start();
  b->Start();
  ASSERT_TRUE(cluster.RunUntil([&] { return b->Describe(1).state == PeerState::kSettling; }));
  cluster.network.Stall(FakeAddress(1), FakeAddress(2), true);
  cluster.RunFor(second.hello_timeout_ms - 200);
  ASSERT_EQ(a->Describe(2).state, PeerState::kUp);
  ASSERT_EQ(b->Describe(1).state, PeerState::kSettling);
  cluster.network.RefuseDials(Rdma(2), false);
  ASSERT_TRUE(cluster.RunUntil([&] { return b->Describe(1).links[1].up; }, 150));
  ASSERT_TRUE(cluster.RunUntil([&] { return b->Describe(1).state == PeerState::kUp; }, 200));
  EXPECT_EQ(b->Describe(1).link, LinkKind::kRdma);
  EXPECT_EQ(b->Describe(1).connects, 2u);
}

TEST_F(PeerLinksTest, FallbacksAreCountedWhoeverNoticesFirst) {
  Open();
  for (const bool a_first : {true, false}) {
    const uint64_t before = a_->Describe(2).fallbacks;
    ASSERT_TRUE(cluster_.RunUntil([&] { return On(LinkKind::kRdma); }, 60000));
    cluster_.network.Cut(Rdma(1), Rdma(2), a_first ? 0 : 20 * kMs, a_first ? 20 * kMs : 0);
    ASSERT_TRUE(cluster_.RunUntil([&] { return On(LinkKind::kGrpc); }));
    cluster_.RunFor(30);
    EXPECT_EQ(a_->Describe(2).fallbacks, before + 1);
    EXPECT_EQ(b_->Describe(1).fallbacks, before + 1);
  }
}

// Leaving a link in order is no fallback, and neither is losing one that carries nothing.
TEST_F(PeerLinksTest, OnlyTheLossOfALinkInUseIsAFallback) {
  Open();
  Pin(LinkKind::kGrpc);
  ASSERT_TRUE(cluster_.RunUntil([&] { return On(LinkKind::kGrpc); }));
  cluster_.RunFor(10);
  cluster_.network.Cut(Rdma(1), Rdma(2));
  cluster_.RunFor(100);
  EXPECT_EQ(a_->Describe(2).fallbacks + b_->Describe(1).fallbacks, 0u);
}

TEST_F(PeerLinksTest, GrpcFailsUnderRdmaAndNothingIsLost) {
  Open();
  SendSome(10);
  cluster_.network.Cut(FakeAddress(1), FakeAddress(2));
  SendSome(10);
  ExpectAllInOrder();
  EXPECT_EQ(a_->raft.downs.size(), 0u);
}

}  // namespace
}  // namespace hawser
