// Who may come in: nodes that are no peers yet, and second processes with one id.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

class PeerAdmissionTest : public ::testing::Test {
 protected:
  // Node 2 knows node 1, which does not know it.
  void Join(const Options& options) {
    a_ = cluster_.Add(options);
    b_ = cluster_.Add(2);
    a_->raft.unknown_peer = UnknownPeerVerdict::kProvisional;
    b_->AddPeer(1);
    a_->Start();
    b_->Start();
  }
  bool Up(FakeNode* node, NodeId peer) {
    return node->core().FindPeer(peer) != nullptr && node->Describe(peer).state == PeerState::kUp;
  }

  FakeCluster cluster_;
  FakeNode* a_ = nullptr;
  FakeNode* b_ = nullptr;
};

TEST_F(PeerAdmissionTest, ProvisionalPeerTalksAndIsAnswered) {
  Join(FakeOptions(1));
  ASSERT_TRUE(cluster_.RunUntil([&] { return Up(a_, 2) && Up(b_, 1); }));
  EXPECT_EQ(a_->raft.unknown, std::vector<NodeId>{2});
  EXPECT_TRUE(a_->Describe(2).provisional);
  ASSERT_EQ(b_->Send(1, 0, TestMessage(MessageType::kVote, 1)), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.messages.size() == 1; }));
  ASSERT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVoteResp, 1)), SendResult::kAccepted);
  EXPECT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == 1; }));
}

TEST_F(PeerAdmissionTest, ProvisionalPeerGoesAfterItsTime) {
  Options options = FakeOptions(1);
  options.provisional_peer_ms = 1000;
  Join(options);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Up(a_, 2); }));
  a_->raft.unknown_peer = UnknownPeerVerdict::kRefuse;
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->core().FindPeer(2) == nullptr; }, 1100));
  EXPECT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVote, 1)), SendResult::kUnknownPeer);
  EXPECT_TRUE(cluster_.RunUntil([&] {
    return !b_->raft.refusals.empty() && b_->raft.refusals.back() == CloseReason::kUnknownPeer;
  }));
}

TEST_F(PeerAdmissionTest, AddPeerMakesItStay) {
  Options options = FakeOptions(1);
  options.provisional_peer_ms = 1000;
  Join(options);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Up(a_, 2); }));
  a_->AddPeer(2);
  cluster_.RunFor(3000);
  EXPECT_TRUE(Up(a_, 2));
  EXPECT_FALSE(a_->Describe(2).provisional);
  EXPECT_EQ(a_->Describe(2).connects, 1u);
}

TEST_F(PeerAdmissionTest, FullTableOfPeersTakesNoStranger) {
  Options options = FakeOptions(1);
  options.peers_max = 1;
  a_ = cluster_.Add(options);
  a_->raft.unknown_peer = UnknownPeerVerdict::kProvisional;
  a_->AddPeer(9, {});
  b_ = cluster_.Add(2);
  b_->AddPeer(1);
  a_->Start();
  b_->Start();
  ASSERT_TRUE(cluster_.RunUntil([&] {
    return a_->Describe().refused[static_cast<int>(CloseReason::kResourceExhausted)] > 0;
  }));
}

// A second process with the id of one that lives: refused, and the first one is left alone.
TEST_F(PeerAdmissionTest, SecondProcessOfALiveNodeIsRefused) {
  a_ = cluster_.Add(1);
  b_ = cluster_.Add(2);
  ASSERT_TRUE(cluster_.Connect(a_, b_));
  FakeNodeParts parts;
  parts.address = "node:2b";
  FakeNode twin(&cluster_.network, FakeOptions(2), /*incarnation=*/777, parts);
  cluster_.Drive(&twin);
  twin.AddPeer(1);
  twin.UpdatePeer(1, {FakeAddress(1)});  // at once
  twin.Start();
  ASSERT_TRUE(cluster_.RunUntil([&] { return !twin.raft.refusals.empty(); }, 1000));
  EXPECT_EQ(twin.raft.refusals[0], CloseReason::kDuplicateNode);
  EXPECT_EQ(a_->Describe(2).connects, 1u);
  EXPECT_EQ(a_->raft.unreachable, 0u);
  cluster_.Forget(&twin);
}

// The old process is gone without a word: the new one takes its place within 500 ms.
TEST_F(PeerAdmissionTest, ProcessThatTakesTheIdOfADeadOneIsTaken) {
  a_ = cluster_.Add(1);
  b_ = cluster_.Add(2);
  ASSERT_TRUE(cluster_.Connect(a_, b_));
  cluster_.network.Cut(FakeAddress(1), FakeAddress(2), /*a_notices_ns=*/60000 * kMs, 0);
  b_->Kill();
  const int64_t before_ms = cluster_.now_ms();
  b_ = cluster_.Add(2);
  b_->AddPeer(1);
  b_->UpdatePeer(1, {FakeAddress(1)});
  b_->Start();
  ASSERT_TRUE(cluster_.RunUntil([&] { return Up(b_, 1) && Up(a_, 2); }, 1000));
  EXPECT_LE(cluster_.now_ms() - before_ms, 510);
}

TEST_F(PeerAdmissionTest, PeerThatAnswersNoPingIsGone) {
  a_ = cluster_.Add(1);
  b_ = cluster_.Add(2);
  ASSERT_TRUE(cluster_.Connect(a_, b_));
  const int64_t before_ms = cluster_.now_ms();
  // One way only: what node 2 says still arrives.
  cluster_.network.Stall(FakeAddress(1), FakeAddress(2), true);
  ASSERT_TRUE(cluster_.RunUntil([&] { return !a_->raft.downs.empty(); }, 1000));
  EXPECT_EQ(a_->raft.downs[0], CloseReason::kPeerSilent);
  EXPECT_LT(cluster_.now_ms() - before_ms, 520);
}

}  // namespace
}  // namespace hawser
