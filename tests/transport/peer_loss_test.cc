// What becomes of messages when links fail, peers restart or go, and the transport stops.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

class PeerLossTest : public ::testing::Test {
 protected:
  void Open(const Options& first, const Options& second) {
    a_ = cluster_.Add(first);
    b_ = cluster_.Add(second);
    ASSERT_TRUE(cluster_.Connect(a_, b_));
    cluster_.RunFor(20);
  }
  void Open() { Open(FakeOptions(1), FakeOptions(2)); }

  SendResult SendAppend(uint64_t index, GroupId group = 0, Hold hold = {}) {
    // With a Hold the bytes stay the sender's.
    kept_.push_back(std::make_unique<TestAppend>(index));
    return a_->Send(2, group, kept_.back()->view(), hold);
  }
  void Cut() { cluster_.network.Cut(FakeAddress(1), FakeAddress(2)); }
  void Refuse(bool refuse) {
    cluster_.network.RefuseDials(FakeAddress(1), refuse);
    cluster_.network.RefuseDials(FakeAddress(2), refuse);
  }
  bool Up() {
    return a_->Describe(2).state == PeerState::kUp && b_->Describe(1).state == PeerState::kUp;
  }
  Ledger LedgerOfA() { return a_->Describe(2).ledger; }
  uint64_t Lost(LossReason reason) { return LedgerOfA().lost[static_cast<int>(reason)].messages; }

  HoldCounter holds_;
  std::vector<std::unique_ptr<TestAppend>> kept_;
  FakeCluster cluster_;
  FakeNode* a_ = nullptr;
  FakeNode* b_ = nullptr;
};

TEST_F(PeerLossTest, WithoutALinkAppendsExpireAndAreRefused) {
  a_ = cluster_.Add(1);
  a_->AddPeer(2);
  a_->Start();
  ASSERT_EQ(SendAppend(1), SendResult::kAccepted);
  cluster_.RunFor(90);
  EXPECT_EQ(LedgerOfA().queued.messages, 1u);
  EXPECT_EQ(SendAppend(2), SendResult::kAccepted);
  cluster_.RunFor(11);
  EXPECT_EQ(Lost(LossReason::kExpired), 2u);
  ASSERT_EQ(a_->raft.unreachable, 1u);
  EXPECT_EQ(a_->raft.reports[0].messages(LossReason::kExpired), 2u);
  EXPECT_EQ(SendAppend(3), SendResult::kNotConnected);
  EXPECT_EQ(LedgerOfA().accepted.messages, 2u);
}

TEST_F(PeerLossTest, WithoutALinkUrgentMessagesWaitForASecond) {
  a_ = cluster_.Add(1);
  a_->AddPeer(2);
  a_->Start();
  cluster_.RunFor(200);
  ASSERT_EQ(a_->Send(2, 3, TestMessage(MessageType::kVote, 1)), SendResult::kAccepted);
  cluster_.RunFor(990);
  EXPECT_EQ(LedgerOfA().queued.messages, 1u);
  cluster_.RunFor(11);
  EXPECT_EQ(Lost(LossReason::kExpired), 1u);
  ASSERT_EQ(a_->raft.unreachable, 1u);
  ASSERT_EQ(a_->raft.reports[0].groups.size(), 1u);
  EXPECT_EQ(a_->raft.reports[0].groups[0].group, 3u);
}

TEST_F(PeerLossTest, MessagesSentBeforeTheLinkIsUpArrive) {
  a_ = cluster_.Add(1);
  b_ = cluster_.Add(2);
  a_->AddPeer(2);
  b_->AddPeer(1);
  a_->Start();
  ASSERT_EQ(SendAppend(1), SendResult::kAccepted);
  cluster_.RunFor(30);
  b_->Start();
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == 1; }, 100));
  EXPECT_EQ(a_->raft.unreachable, 0u);
}

// The receiver says how far it came: just that is acknowledged, the rest is lost.
TEST_F(PeerLossTest, FenceSettlesExactlyWhatWasDelivered) {
  for (uint32_t arrive : {1, 2, 7, 19}) {
    FakeCluster cluster;
    FakeNode* a = cluster.Add(1);
    FakeNode* b = cluster.Add(2);
    ASSERT_TRUE(cluster.Connect(a, b));
    cluster.RunFor(20);
    // No acknowledgement comes through any more, and the link fails after so many frames.
    cluster.network.SetDelay(FakeAddress(2), FakeAddress(1), 30 * kMs);
    cluster.network.CutAfterFrames(FakeAddress(1), FakeAddress(2), arrive);
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(a->Send(2, 0, TestAppend(i).view()), SendResult::kAccepted);
      a->Turn();
      cluster.network.AdvanceTo(cluster.network.now_ns() + 1000);
      a->Turn();  // the write is done
    }
    ASSERT_TRUE(cluster.RunUntil([&] { return !a->raft.downs.empty(); }));
    cluster.network.SetDelay(FakeAddress(2), FakeAddress(1), 50000);
    ASSERT_TRUE(cluster.RunUntil([&] { return a->raft.up.size() == 2; }, 90)) << arrive;
    const Ledger ledger = a->Describe(2).ledger;
    EXPECT_EQ(b->raft.messages.size(), arrive);
    EXPECT_EQ(ledger.acknowledged.messages, arrive);
    EXPECT_EQ(ledger.lost[static_cast<int>(LossReason::kLinkLost)].messages, 20u - arrive);
    EXPECT_EQ(ledger.in_flight.messages, 0u);
    EXPECT_EQ(a->raft.unreachable, 1u);
  }
}

TEST_F(PeerLossTest, QueuedBehindALostOneIsLostToo) {
  Open();
  const auto queue = [&](uint64_t index, GroupId group) {
    ASSERT_EQ(SendAppend(index, group), SendResult::kAccepted);
  };
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 30 * kMs);
  queue(1, 5);
  queue(2, 5);
  cluster_.RunFor(1);  // on its way
  cluster_.network.Stall(FakeAddress(1), FakeAddress(2), true);
  queue(3, 5);
  queue(1, 6);
  Cut();
  ASSERT_TRUE(cluster_.RunUntil([&] { return !a_->raft.downs.empty(); }));
  cluster_.network.Stall(FakeAddress(1), FakeAddress(2), false);
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 50000);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.up.size() == 2; }, 90));
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == 1; }, 90));
  EXPECT_EQ(b_->raft.messages[0].group, 6u);
  EXPECT_EQ(Lost(LossReason::kLinkLost), 2u);
  EXPECT_EQ(Lost(LossReason::kBehindGap), 1u);
  ASSERT_EQ(a_->raft.reports.size(), 1u);
  ASSERT_EQ(a_->raft.reports[0].groups.size(), 1u);
  EXPECT_EQ(a_->raft.reports[0].groups[0].messages, 3u);
}

TEST_F(PeerLossTest, MessagesOnTheirWayToARestartedPeerAreLostForThat) {
  Open();
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 30 * kMs);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(SendAppend(i), SendResult::kAccepted);
  cluster_.RunFor(1);
  b_->Kill();
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 50000);
  b_ = cluster_.Add(2);
  b_->AddPeer(1);
  b_->Start();
  ASSERT_TRUE(cluster_.RunUntil([&] { return Up(); }, 90));
  EXPECT_EQ(Lost(LossReason::kPeerRestarted), 3u);
  ASSERT_EQ(a_->raft.unreachable, 1u);
  EXPECT_EQ(a_->raft.reports[0].messages(LossReason::kPeerRestarted), 3u);
}

TEST_F(PeerLossTest, OutageIsToldOnceAndBeforeAnythingOfTheNewEpoch) {
  Open();
  // Node 2 has something to say the moment the stream is back.
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 30 * kMs);
  ASSERT_EQ(SendAppend(1), SendResult::kAccepted);
  cluster_.RunFor(1);
  Cut();
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 50000);
  cluster_.RunFor(1);
  ASSERT_EQ(b_->Send(1, 0, TestMessage(MessageType::kVote, 77)), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.messages.size() == 1; }));
  cluster_.RunFor(3000);
  EXPECT_EQ(a_->raft.unreachable, 1u);
  std::vector<std::string>& log = a_->raft.log;
  const auto at = [&](const char* what) { return std::find(log.begin(), log.end(), what); };
  EXPECT_LT(at("down"), at("unreachable"));
  EXPECT_LT(at("unreachable"), at("message 77"));
}

TEST_F(PeerLossTest, LongOutageIsToldAfterTheTimeAppendsMayWait) {
  Open();
  Refuse(true);
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 30 * kMs);
  ASSERT_EQ(SendAppend(1), SendResult::kAccepted);
  cluster_.RunFor(1);
  Cut();
  const int64_t cut_ms = cluster_.now_ms();
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.unreachable == 1; }));
  EXPECT_EQ(cluster_.now_ms() - cut_ms, 100);
  EXPECT_EQ(Lost(LossReason::kLinkLost), 1u);
  EXPECT_EQ(SendAppend(2), SendResult::kNotConnected);
  cluster_.RunFor(5000);
  EXPECT_EQ(a_->raft.unreachable, 1u);
  Refuse(false);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.up.size() == 2; }));
  EXPECT_EQ(a_->raft.unreachable, 1u);
  EXPECT_EQ(SendAppend(3), SendResult::kAccepted);
  EXPECT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == 1; }));
}

TEST_F(PeerLossTest, OutageWithoutLossIsToldToo) {
  Open();
  Cut();
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.up.size() == 2; }));
  ASSERT_EQ(a_->raft.unreachable, 1u);
  EXPECT_EQ(a_->raft.lost, 0u);
  EXPECT_TRUE(a_->raft.reports[0].groups.empty());
}

TEST_F(PeerLossTest, LostSnapshotIsNamedInTheReport) {
  Open();
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 30 * kMs);
  ASSERT_EQ(a_->Send(2, 8, TestSnapshot("state").view()), SendResult::kAccepted);
  cluster_.RunFor(1);
  Cut();
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.unreachable == 1; }));
  ASSERT_EQ(a_->raft.reports[0].groups.size(), 1u);
  EXPECT_EQ(a_->raft.reports[0].groups[0].group, 8u);
  EXPECT_TRUE(a_->raft.reports[0].groups[0].snapshot);
  EXPECT_EQ(a_->raft.snapshots, 0u);
}

// A message of which only pieces arrived stays queued and is sent whole on the next link.
TEST_F(PeerLossTest, LargeMessageCutInTheMiddleIsNotDeliveredInPart) {
  Open();
  const std::string payload(3000000, 'p');
  cluster_.network.CutAfterFrames(FakeAddress(1), FakeAddress(2), 10);
  ASSERT_EQ(a_->Send(2, 0, TestAppend(1, payload).view()), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.up.size() == 2; }));
  cluster_.RunFor(200);
  const Ledger ledger = LedgerOfA();
  EXPECT_EQ(ledger.acknowledged.messages, b_->raft.messages.size());
  EXPECT_EQ(ledger.acknowledged.messages + ledger.lost_total().messages, 1u);
  for (const ReceivedMessage& message : b_->raft.messages) EXPECT_EQ(message.data[0], payload);
}

TEST_F(PeerLossTest, RemovePeerLosesWhatIsQueuedAndOnItsWay) {
  Open();
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 30 * kMs);
  ASSERT_EQ(SendAppend(1, 0, holds_.Next()), SendResult::kAccepted);
  cluster_.RunFor(1);
  cluster_.network.Stall(FakeAddress(1), FakeAddress(2), true);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(SendAppend(i, 0, holds_.Next()), SendResult::kAccepted);
  a_->RemovePeer(2);
  EXPECT_EQ(SendAppend(9, 0, holds_.Next()), SendResult::kUnknownPeer);
  cluster_.RunFor(100);
  EXPECT_EQ(holds_.released(), 6);
  EXPECT_EQ(a_->raft.unreachable, 0u);
}

TEST_F(PeerLossTest, StopReleasesEveryHoldExactlyOnce) {
  Open();
  a_->AddPeer(3);
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 30 * kMs);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(SendAppend(i, 0, holds_.Next()), SendResult::kAccepted);
  cluster_.RunFor(1);
  cluster_.network.Stall(FakeAddress(1), FakeAddress(2), true);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(SendAppend(i, 0, holds_.Next()), SendResult::kAccepted);
  ASSERT_EQ(a_->Send(3, 0, TestMessage(MessageType::kVote), holds_.Next()), SendResult::kAccepted);
  a_->Stop();
  EXPECT_EQ(holds_.released(), 11);
  EXPECT_EQ(Lost(LossReason::kStopped), 10u);
  EXPECT_EQ(a_->raft.unreachable, 0u);
  cluster_.RunFor(1000);
  EXPECT_EQ(holds_.released(), 11);
}

TEST_F(PeerLossTest, HoldIsNeverReleasedInsideSend) {
  Open();
  for (int i = 0; i < 100; ++i) {
    const int before = holds_.released();
    ASSERT_EQ(SendAppend(i, 0, holds_.Next()), SendResult::kAccepted);
    ASSERT_EQ(holds_.released(), before);
    cluster_.RunFor(i % 3);
  }
  ASSERT_TRUE(cluster_.RunUntil([&] { return holds_.released() == 100; }));
  // Refused: not released at all.
  Refuse(true);
  Cut();
  cluster_.RunFor(200);
  EXPECT_EQ(SendAppend(1, 0, holds_.Next()), SendResult::kNotConnected);
  cluster_.RunFor(200);
  EXPECT_EQ(holds_.released(), 100);
}

TEST_F(PeerLossTest, HoldsOfLostMessagesAreReleasedBeforeTheLossIsTold) {
  Open();
  Refuse(true);
  Cut();
  cluster_.RunFor(1);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(SendAppend(i, 0, holds_.Next()), SendResult::kAccepted);
  int released_when_told = -1;
  a_->raft.on_unreachable = [&] { released_when_told = holds_.released(); };
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.unreachable == 1; }));
  EXPECT_EQ(released_when_told, 3);
}

TEST_F(PeerLossTest, LeaseOutlivesTheLinkAndTheNode) {
  Open();
  std::vector<Lease> leases;
  std::vector<absl::string_view> views;
  b_->raft.on_message = [&](NodeId, GroupId, const MessageView& message, Lease* lease) {
    views.push_back(message.entries[0].data);
    leases.push_back(std::move(*lease));
  };
  for (int i = 0; i < 3; ++i) ASSERT_EQ(SendAppend(i), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return leases.size() == 3; }));
  EXPECT_GT(cluster_.network.buffers_held(), 0u);
  b_->Kill();
  cluster_.RunFor(10);
  for (absl::string_view view : views) EXPECT_EQ(view, "payload");
  leases.clear();
  EXPECT_EQ(cluster_.network.buffers_held(), 0u);
}

}  // namespace
}  // namespace hawser
