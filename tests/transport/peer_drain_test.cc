// A peer is drained: nothing of what was accepted is lost, at either end, and the links close.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

class PeerDrainTest : public ::testing::Test {
 protected:
  void Open(const Options& first = FakeOptions(1), const Options& second = FakeOptions(2)) {
    FakeNodeParts parts;
    parts.rdma = true;
    a_ = cluster_.Add(first, parts);
    b_ = cluster_.Add(second, parts);
    ASSERT_TRUE(cluster_.Connect(a_, b_));
    ASSERT_TRUE(cluster_.RunUntil([&] { return a_->Describe(2).link == LinkKind::kRdma; }));
    cluster_.RunFor(10);
  }
  SendResult Send(FakeNode* from, NodeId to) {
    return from->Send(to, 0, TestAppend(++sent_, std::string(3000, 'x')).view());
  }
  void SendSome(FakeNode* from, NodeId to, int count) {
    for (int i = 0; i < count; ++i) ASSERT_EQ(Send(from, to), SendResult::kAccepted);
  }
  bool Drained(int64_t within_ms = 10000) {
    return cluster_.RunUntil([&] { return a_->Describe(2).drain == DrainState::kDrained; },
                             within_ms);
  }
  static void ExpectNothingLost(const PeerStatus& status, uint64_t accepted) {
    EXPECT_EQ(status.ledger.accepted.messages, accepted);
    EXPECT_EQ(status.ledger.acknowledged.messages, accepted);
  }
  std::vector<CloseReason> DrainedOnce() const { return {CloseReason::kDrained}; }

  FakeCluster cluster_;
  FakeNode* a_ = nullptr;
  FakeNode* b_ = nullptr;
  uint64_t sent_ = 0;
};

TEST_F(PeerDrainTest, WhatWasAcceptedArrivesAtBothEnds) {
  Open();
  SendSome(a_, 2, 200);
  SendSome(b_, 1, 200);
  a_->DrainPeer(2);
  EXPECT_EQ(Send(a_, 2), SendResult::kDraining);
  EXPECT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVote, 1)), SendResult::kDraining);
  EXPECT_EQ(a_->Describe(2).drain, DrainState::kDraining);
  ASSERT_TRUE(Drained());
  cluster_.RunFor(1);
  ExpectNothingLost(a_->Describe(2), 200);
  ExpectNothingLost(b_->Describe(1), 200);
  EXPECT_EQ(b_->raft.messages.size(), 200u);
  EXPECT_EQ(a_->raft.messages.size(), 200u);
  EXPECT_EQ(a_->raft.downs, DrainedOnce());
  EXPECT_EQ(b_->raft.downs, DrainedOnce());
  EXPECT_EQ(b_->raft.refusals[0], CloseReason::kDrained);
  const PeerStatus status = a_->Describe(2);
  EXPECT_EQ(status.state, PeerState::kIdle);
  EXPECT_EQ(status.reason, CloseReason::kDrained);
  EXPECT_EQ(status.fallbacks, 0u);
  EXPECT_EQ(status.refused[3], 2u);
  cluster_.RunFor(200);
  EXPECT_EQ(a_->raft.unreachable, 0u);
}

TEST_F(PeerDrainTest, StaysAPeerThatIsRefusedAtTheDoorUntilItIsUpdated) {
  Open();
  a_->DrainPeer(2);
  ASSERT_TRUE(Drained());
  cluster_.RunFor(10000);
  EXPECT_EQ(a_->Describe(2).state, PeerState::kIdle);
  EXPECT_EQ(a_->Describe(2).connects, 2u);
  EXPECT_GT(b_->raft.refusals.size(), 2u);
  EXPECT_EQ(Send(b_, 1), SendResult::kNotConnected);
  EXPECT_EQ(a_->raft.downs, DrainedOnce());
  a_->UpdatePeer(2, {FakeAddress(2)});
  EXPECT_EQ(a_->Describe(2).drain, DrainState::kNone);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->Describe(2).state == PeerState::kUp; }, 100));
  SendSome(a_, 2, 1);
  SendSome(b_, 1, 1);
  EXPECT_TRUE(cluster_.RunUntil(
      [&] { return a_->raft.messages.size() == 1 && b_->raft.messages.size() == 1; }));
}

TEST_F(PeerDrainTest, TheOtherEndIsRefusedMeanwhileAndHasTimeToFinish) {
  Open();
  cluster_.network.SetDelay(FakeAddress(2) + "/rdma", FakeAddress(1) + "/rdma", 60 * kMs);
  SendSome(b_, 1, 50);
  cluster_.Settle();
  a_->DrainPeer(2);
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->Describe(1).draining_there; }));
  EXPECT_EQ(Send(b_, 1), SendResult::kDraining);
  ASSERT_TRUE(Drained());
  cluster_.RunFor(100);
  ExpectNothingLost(b_->Describe(1), 50);
  EXPECT_FALSE(b_->Describe(1).draining_there);
}

TEST_F(PeerDrainTest, OneThatDoesNotFinishIsNotWaitedForLongerThanAHello) {
  Options first = FakeOptions(1);
  first.leased_bytes_max = 64 * 1024;
  first.receive_window_bytes = 512 * 1024;
  first.message_bytes_max = 64 * 1024;
  Open(first);
  std::vector<Lease> kept;
  a_->raft.on_message = [&](NodeId, GroupId, const MessageView&, Lease* lease) {
    kept.push_back(std::move(*lease));
  };
  SendSome(b_, 1, 5000);
  SendSome(a_, 2, 10);
  cluster_.RunFor(50);
  const int64_t began_ms = cluster_.now_ms();
  a_->DrainPeer(2);
  ASSERT_TRUE(Drained());
  EXPECT_NEAR(static_cast<double>(cluster_.now_ms() - began_ms), first.hello_timeout_ms, 100);
  ExpectNothingLost(a_->Describe(2), 10);
  EXPECT_TRUE(cluster_.RunUntil([&] { return b_->raft.unreachable > 0; }));
  EXPECT_TRUE(b_->Describe(1).ledger.Balanced());
  kept.clear();
}

TEST_F(PeerDrainTest, UpdatedUnderWayItGoesOn) {
  Open();
  cluster_.network.SetDelay(FakeAddress(2) + "/rdma", FakeAddress(1) + "/rdma", 20 * kMs);
  SendSome(a_, 2, 10);
  a_->DrainPeer(2);
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->Describe(1).draining_there; }));
  a_->UpdatePeer(2, {FakeAddress(2)});
  SendSome(a_, 2, 10);
  ASSERT_TRUE(cluster_.RunUntil([&] { return !b_->Describe(1).draining_there; }));
  SendSome(b_, 1, 10);
  cluster_.RunFor(3000);
  ExpectNothingLost(a_->Describe(2), 20);
  ExpectNothingLost(b_->Describe(1), 10);
  EXPECT_EQ(a_->Describe(2).disconnects, 0u);
  EXPECT_TRUE(a_->raft.downs.empty());
  // An answer to the first drain is none to the next.
  a_->DrainPeer(2);
  EXPECT_TRUE(Drained());
}

// The other end never is without a link; it is not left with a closed gate.
TEST_F(PeerDrainTest, LinksComeBackBeforeTheOtherEndHasLostThemAll) {
  Open();
  for (const bool removed : {false, true}) {
    SCOPED_TRACE(removed);
    cluster_.network.SetDelay(FakeAddress(1) + "/rdma", FakeAddress(2) + "/rdma", 30 * kMs);
    a_->DrainPeer(2);
    ASSERT_TRUE(Drained());
    if (removed) {
      a_->RemovePeer(2);
      a_->AddPeer(2);
    } else {
      a_->UpdatePeer(2, {FakeAddress(2)});
    }
    ASSERT_TRUE(cluster_.RunUntil([&] { return b_->Describe(1).links[0].up; }, 20));
    cluster_.RunFor(100);
    EXPECT_FALSE(b_->Describe(1).draining_there);
    SendSome(b_, 1, 1);
    cluster_.network.SetDelay(FakeAddress(1) + "/rdma", FakeAddress(2) + "/rdma", kMs / 20);
    ASSERT_TRUE(cluster_.RunUntil([&] { return a_->Describe(2).link == LinkKind::kRdma; }));
    cluster_.RunFor(100);
  }
}

TEST_F(PeerDrainTest, WithoutALinkItIsDoneWhenNothingWaits) {
  a_ = cluster_.Add(1);
  a_->AddPeer(2);
  a_->Start();
  SendSome(a_, 2, 3);
  a_->DrainPeer(2);
  ASSERT_TRUE(Drained(150));
  EXPECT_GE(cluster_.now_ms(), 100);
  EXPECT_EQ(a_->raft.downs, DrainedOnce());
  EXPECT_EQ(a_->raft.unreachable, 1u);
  EXPECT_EQ(a_->raft.reports[0].messages(LossReason::kExpired), 3u);
  const uint64_t connections = cluster_.network.connections();
  cluster_.RunFor(5000);
  EXPECT_EQ(cluster_.network.connections(), connections);
  EXPECT_EQ(a_->raft.downs, DrainedOnce());
}

// What was on its way with it is lost and told; the rest goes out on the next link.
TEST_F(PeerDrainTest, LinksThatFailMeanwhile) {
  Open();
  SendSome(a_, 2, 100);
  a_->DrainPeer(2);
  cluster_.Settle();
  cluster_.network.Cut(FakeAddress(1) + "/rdma", FakeAddress(2) + "/rdma");
  cluster_.network.Cut(FakeAddress(1), FakeAddress(2));
  ASSERT_TRUE(Drained());
  const Ledger ledger = a_->Describe(2).ledger;
  EXPECT_EQ(ledger.acknowledged.messages, b_->raft.messages.size());
  EXPECT_EQ(ledger.acknowledged.messages + ledger.lost_total().messages, 100u);
  EXPECT_EQ(a_->raft.lost, ledger.lost_total().messages);
  EXPECT_EQ(a_->raft.downs.back(), CloseReason::kDrained);
}

TEST_F(PeerDrainTest, WhatOtherThreadsHandedOverCounts) {
  Open();
  for (int i = 0; i < 20; ++i) {
    const TestAppend append(++sent_, std::string(3000, 'x'));
    ASSERT_EQ(a_->SendFromOutside(2, 0, append.view()), SendResult::kAccepted);
  }
  a_->PostDrainPeer(2);
  EXPECT_EQ(a_->SendFromOutside(2, 0, TestMessage(MessageType::kVote, 1)), SendResult::kDraining);
  ASSERT_TRUE(Drained());
  ExpectNothingLost(a_->Describe(2), 20);
}

TEST_F(PeerDrainTest, BothEndsDrainAtOnce) {
  Open();
  SendSome(a_, 2, 50);
  SendSome(b_, 1, 50);
  a_->DrainPeer(2);
  b_->DrainPeer(1);
  ASSERT_TRUE(Drained());
  ASSERT_TRUE(
      cluster_.RunUntil([&] { return b_->Describe(1).drain == DrainState::kDrained; }, 100));
  ExpectNothingLost(a_->Describe(2), 50);
  ExpectNothingLost(b_->Describe(1), 50);
  EXPECT_EQ(a_->raft.downs, DrainedOnce());
  EXPECT_EQ(b_->raft.downs, DrainedOnce());
}

TEST_F(PeerDrainTest, RemovedAndAddedAgainItIsAsNew) {
  Open();
  SendSome(a_, 2, 50);
  a_->DrainPeer(2);
  a_->RemovePeer(2);
  a_->AddPeer(2);
  SendSome(a_, 2, 1);
  EXPECT_TRUE(cluster_.RunUntil([&] { return a_->Describe(2).state == PeerState::kUp; }));
  EXPECT_EQ(a_->Describe(2).drain, DrainState::kNone);
}

TEST_F(PeerDrainTest, ASecondDrainIsTheSameDrain) {
  Open();
  SendSome(a_, 2, 50);
  a_->DrainPeer(2);
  a_->DrainPeer(2);
  ASSERT_TRUE(Drained());
  a_->DrainPeer(2);
  cluster_.RunFor(100);
  EXPECT_EQ(a_->raft.downs, DrainedOnce());
}

}  // namespace
}  // namespace hawser
