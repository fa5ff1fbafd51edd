// How a stream between two nodes comes up, and which of several stays: Core, Session and Peer.

#include <gtest/gtest.h>

#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

class PeerOpenTest : public ::testing::Test {
 protected:
  bool Up(FakeNode* node, NodeId peer) { return node->Describe(peer).state == PeerState::kUp; }

  FakeCluster cluster_;
};

TEST_F(PeerOpenTest, TwoNodesComeUpOverOneStream) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  ASSERT_TRUE(cluster_.Connect(a, b));
  cluster_.RunFor(10000);
  EXPECT_EQ(cluster_.network.connections(), 1u);
  EXPECT_EQ(a->raft.up, std::vector<NodeId>{2});
  EXPECT_EQ(b->raft.up, std::vector<NodeId>{1});
  EXPECT_EQ(a->raft.unreachable + b->raft.unreachable, 0u);
  EXPECT_EQ(a->Describe(2).link, LinkKind::kGrpc);
  EXPECT_EQ(a->Describe(2).incarnation, b->Describe().incarnation);
}

TEST_F(PeerOpenTest, LowerIdDialsAtOnce) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  const int64_t before_ms = cluster_.now_ms();
  ASSERT_TRUE(cluster_.Connect(a, b));
  EXPECT_LE(cluster_.now_ms() - before_ms, 5);
}

TEST_F(PeerOpenTest, HigherIdDialsWhenTheLowerOneCannot) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  cluster_.network.RefuseDials(FakeAddress(2), true);
  ASSERT_TRUE(cluster_.Connect(a, b));
  EXPECT_EQ(cluster_.network.connections(), 1u);
}

TEST_F(PeerOpenTest, PeerWithoutAddressIsNotDialledButMayDial) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  a->AddPeer(2, {});
  b->AddPeer(1);
  a->Start();
  b->Start();
  ASSERT_TRUE(cluster_.RunUntil([&] { return Up(a, 2) && Up(b, 1); }));
}

// Both are told to dial at one moment; the stream that the lower id dialled stays.
TEST_F(PeerOpenTest, BothEndsDialAndOneStreamStays) {
  for (int delay_us : {1, 50, 300}) {
    FakeCluster cluster;
    cluster.network.SetDelay(FakeAddress(1), FakeAddress(2), delay_us * 1000);
    FakeNode* a = cluster.Add(1);
    FakeNode* b = cluster.Add(2);
    a->AddPeer(2);
    b->AddPeer(1, {});
    a->Start();
    b->Start();
    // A new address is dialled at once, also by the higher id.
    b->UpdatePeer(1, {FakeAddress(1)});
    ASSERT_TRUE(cluster.RunUntil([&] { return Up(a, 2) && Up(b, 1); })) << delay_us;
    cluster.RunFor(5000);
    EXPECT_TRUE(Up(a, 2) && Up(b, 1)) << delay_us;
    EXPECT_EQ(cluster.network.connections(), 2u) << delay_us;
    EXPECT_EQ(a->raft.up.size(), 1u) << delay_us;
    EXPECT_EQ(b->raft.up.size(), 1u) << delay_us;
    EXPECT_EQ(a->raft.unreachable + b->raft.unreachable, 0u) << delay_us;
  }
}

TEST_F(PeerOpenTest, NobodyListensAndDialsGoOnWithBackoff) {
  FakeNode* a = cluster_.Add(1);
  a->AddPeer(2);
  a->Start();
  ASSERT_TRUE(cluster_.RunUntil([&] { return a->Describe(2).reason == CloseReason::kLinkError; }));
  EXPECT_EQ(a->Describe(2).reason_text, "connection to node:2 refused");
  cluster_.RunFor(3000);
  FakeNode* b = cluster_.Add(2);
  b->AddPeer(1);
  b->Start();
  EXPECT_TRUE(cluster_.RunUntil([&] { return Up(a, 2) && Up(b, 1); }, 4100));
}

TEST_F(PeerOpenTest, SecondAddressIsTriedWhenTheFirstIsDead) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  a->AddPeer(2, {"node:99", FakeAddress(2)});
  b->AddPeer(1, {});
  a->Start();
  b->Start();
  EXPECT_TRUE(cluster_.RunUntil([&] { return Up(a, 2); }, 100));
}

TEST_F(PeerOpenTest, UpdatePeerDialsTheNewAddressAtOnce) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  a->AddPeer(2, {"node:99"});
  b->AddPeer(1, {});
  a->Start();
  b->Start();
  cluster_.RunFor(5000);
  EXPECT_FALSE(Up(a, 2));
  a->UpdatePeer(2, {FakeAddress(2)});
  EXPECT_TRUE(cluster_.RunUntil([&] { return Up(a, 2); }, 2100));
}

TEST_F(PeerOpenTest, LinkLostAndStreamComesBack) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  ASSERT_TRUE(cluster_.Connect(a, b));
  cluster_.network.Cut(FakeAddress(1), FakeAddress(2));
  ASSERT_TRUE(cluster_.RunUntil([&] { return !Up(a, 2) && !Up(b, 1); }));
  ASSERT_TRUE(cluster_.RunUntil([&] { return Up(a, 2) && Up(b, 1); }));
  EXPECT_EQ(a->raft.downs, std::vector<CloseReason>{CloseReason::kLinkError});
  EXPECT_EQ(a->Describe(2).connects, 2u);
  EXPECT_GT(a->Describe(2).send_epoch, 1u);
}

// One end alone notices that the connection failed; the other still believes in it when the new
// one comes.
TEST_F(PeerOpenTest, OldStreamIsReplacedWhenOnlyOneEndNoticed) {
  for (NodeId notices : {1, 2}) {
    FakeCluster cluster;
    FakeNode* a = cluster.Add(1);
    FakeNode* b = cluster.Add(2);
    ASSERT_TRUE(cluster.Connect(a, b));
    const int64_t late_ns = 60 * int64_t{1000000000};
    cluster.network.Cut(FakeAddress(1), FakeAddress(2), notices == 1 ? 0 : late_ns,
                        notices == 2 ? 0 : late_ns);
    FakeNode* late = notices == 1 ? b : a;
    ASSERT_TRUE(cluster.RunUntil([&] { return late->raft.up.size() == 2; })) << notices;
    EXPECT_EQ(late->raft.downs, std::vector<CloseReason>{CloseReason::kReplaced}) << notices;
    cluster.RunFor(1000);
    EXPECT_TRUE(Up(a, 2) && Up(b, 1)) << notices;
    const TestAppend append(5);
    EXPECT_EQ(late->Send(notices, 0, append.view()), SendResult::kAccepted);
    FakeNode* early = notices == 1 ? a : b;
    EXPECT_TRUE(cluster.RunUntil([&] { return early->raft.messages.size() == 1; })) << notices;
  }
}

TEST_F(PeerOpenTest, RestartedPeerIsTakenAsAnotherIncarnation) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  ASSERT_TRUE(cluster_.Connect(a, b));
  const uint64_t first = a->Describe(2).incarnation;
  b->Kill();
  ASSERT_TRUE(cluster_.RunUntil([&] { return !Up(a, 2); }));
  b = cluster_.Add(2);
  b->AddPeer(1);
  b->Start();
  ASSERT_TRUE(cluster_.RunUntil([&] { return Up(a, 2) && Up(b, 1); }));
  EXPECT_NE(a->Describe(2).incarnation, first);
}

TEST_F(PeerOpenTest, StoppedPeerSaysSo) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  ASSERT_TRUE(cluster_.Connect(a, b));
  b->Stop();
  ASSERT_TRUE(cluster_.RunUntil([&] { return !Up(a, 2); }));
  EXPECT_EQ(a->raft.downs, std::vector<CloseReason>{CloseReason::kPeerStop});
}

TEST_F(PeerOpenTest, RemovedAndAddedAgainComesUp) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  ASSERT_TRUE(cluster_.Connect(a, b));
  for (int round = 0; round < 3; ++round) {
    a->RemovePeer(2);
    ASSERT_TRUE(cluster_.RunUntil([&] { return !Up(b, 1); })) << round;
    a->AddPeer(2);
    ASSERT_TRUE(cluster_.RunUntil([&] { return Up(a, 2) && Up(b, 1); })) << round;
    const TestAppend append(round);
    EXPECT_EQ(a->Send(2, 0, append.view()), SendResult::kAccepted);
    EXPECT_EQ(b->Send(1, 0, append.view()), SendResult::kAccepted);
    ASSERT_TRUE(cluster_.RunUntil([&] {
      return a->raft.messages.size() == size_t(round) + 1 &&
             b->raft.messages.size() == size_t(round) + 1;
    })) << round;
  }
}

TEST_F(PeerOpenTest, RemovedByOneSideIsRefusedAsUnknown) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  ASSERT_TRUE(cluster_.Connect(a, b));
  a->RemovePeer(2);
  ASSERT_TRUE(cluster_.RunUntil([&] {
    return !b->raft.refusals.empty() && b->raft.refusals.back() == CloseReason::kUnknownPeer;
  }));
  EXPECT_EQ(b->raft.refusals.front(), CloseReason::kPeerRemoved);
  EXPECT_GT(a->Describe().refused[static_cast<int>(CloseReason::kUnknownPeer)], 0u);
}

TEST_F(PeerOpenTest, MemberThatWasRemovedFromTheClusterIsRefusedAtTheDoor) {
  FakeNode* a = cluster_.Add(1);
  FakeNode* b = cluster_.Add(2);
  a->raft.removed_node = 2;
  b->AddPeer(1);
  a->Start();
  b->Start();
  ASSERT_TRUE(cluster_.RunUntil([&] { return !b->raft.refusals.empty(); }));
  EXPECT_EQ(b->raft.refusals[0], CloseReason::kPeerRemoved);
  EXPECT_GT(a->Describe().refused[static_cast<int>(CloseReason::kPeerRemoved)], 0u);
}

TEST_F(PeerOpenTest, ThreeNodesTalkToEachOther) {
  FakeNode* nodes[] = {cluster_.Add(1), cluster_.Add(2), cluster_.Add(3)};
  ASSERT_TRUE(cluster_.Connect(nodes[0], nodes[1]));
  ASSERT_TRUE(cluster_.Connect(nodes[0], nodes[2]));
  ASSERT_TRUE(cluster_.Connect(nodes[1], nodes[2]));
  EXPECT_EQ(cluster_.network.connections(), 3u);
  for (FakeNode* from : nodes) {
    for (FakeNode* to : nodes) {
      if (from == to) continue;
      EXPECT_EQ(from->Send(to->id(), 0, TestMessage(MessageType::kVote, from->id())),
                SendResult::kAccepted);
    }
  }
  EXPECT_TRUE(cluster_.RunUntil([&] {
    return nodes[0]->raft.messages.size() == 2 && nodes[1]->raft.messages.size() == 2 &&
           nodes[2]->raft.messages.size() == 2;
  }));
}

}  // namespace
}  // namespace hawser
