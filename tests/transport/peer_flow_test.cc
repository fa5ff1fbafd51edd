// Messages on a stream that lives: order, acknowledgement, lanes, credit, full queues.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

class PeerFlowTest : public ::testing::Test {
 protected:
  void Open(const Options& first, const Options& second) {
    a_ = cluster_.Add(first);
    b_ = cluster_.Add(second);
    ASSERT_TRUE(cluster_.Connect(a_, b_));
    // Away from the pings, every 100 ms: they carry acknowledgements as well.
    cluster_.RunFor(20);
  }
  void Open() { Open(FakeOptions(1), FakeOptions(2)); }

  SendResult SendAppend(uint64_t index, size_t bytes = 10, GroupId group = 0) {
    return a_->Send(2, group, TestAppend(index, std::string(bytes, 'x')).view());
  }
  void Stall(bool stalled) { cluster_.network.Stall(FakeAddress(1), FakeAddress(2), stalled); }
  Ledger LedgerOfA() { return a_->Describe(2).ledger; }
  bool Acknowledged(uint64_t messages) { return LedgerOfA().acknowledged.messages == messages; }

  FakeCluster cluster_;
  FakeNode* a_ = nullptr;
  FakeNode* b_ = nullptr;
};

TEST_F(PeerFlowTest, MessageArrivesUnchanged) {
  Open();
  const TestAppend append(41, "set x=1");
  ASSERT_EQ(a_->Send(2, 9, append.view()), SendResult::kAccepted);
  b_->raft.on_message = [&](NodeId from, GroupId group, const MessageView& message, Lease*) {
    EXPECT_EQ(from, 1u);
    EXPECT_EQ(group, 9u);
    EXPECT_TRUE(message == append.view());
  };
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == 1; }));
}

TEST_F(PeerFlowTest, MessagesOfALaneKeepTheirOrder) {
  Open();
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(SendAppend(i, i % 700), SendResult::kAccepted) << i;
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == 5000; }));
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(b_->raft.messages[i].index, uint64_t(i));
  EXPECT_TRUE(cluster_.RunUntil([&] { return Acknowledged(5000); }));
}

// One message, then silence: the exact bound is the way there, ack_delay_ms, and the way back.
TEST_F(PeerFlowTest, SilenceIsAcknowledgedWithinTheAckDelay) {
  Open();
  const int64_t sent_ns = cluster_.network.now_ns();
  ASSERT_EQ(SendAppend(1), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == 1; }));
  EXPECT_EQ(LedgerOfA().in_flight.messages, 1u);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Acknowledged(1); }, 20));
  const int64_t took_ns = cluster_.network.now_ns() - sent_ns;
  EXPECT_LE(took_ns, 5 * kMs + 2 * 50000);
  EXPECT_EQ(LedgerOfA().in_flight.messages, 0u);
  EXPECT_EQ(a_->Describe(2).frames_unacknowledged, 0u);
}

TEST_F(PeerFlowTest, AnswerCarriesTheAcknowledgement) {
  Open();
  const uint64_t acks_before = b_->Describe(1).ack_frames_sent;
  b_->raft.on_message = [&](NodeId from, GroupId group, const MessageView&, Lease*) {
    EXPECT_EQ(b_->Send(from, group, TestMessage(MessageType::kAppResp, 1)), SendResult::kAccepted);
  };
  ASSERT_EQ(SendAppend(1), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.messages.size() == 1; }));
  EXPECT_TRUE(Acknowledged(1));
  EXPECT_EQ(b_->Describe(1).ack_frames_sent, acks_before);
}

TEST_F(PeerFlowTest, AckGoesOutAfterSoManyFramesWithoutWaiting) {
  Options slow_to_ack = FakeOptions(2);
  slow_to_ack.ack_delay_ms = 1000;
  slow_to_ack.ack_frames_max = 64;
  slow_to_ack.ack_bytes_max = 16 * 1024 * 1024;
  Open(FakeOptions(1), slow_to_ack);
  for (int i = 0; i < 64; ++i) {
    ASSERT_EQ(SendAppend(i), SendResult::kAccepted);
    cluster_.Settle();  // a frame each
    if (i == 62) {
      cluster_.RunFor(10);
      EXPECT_TRUE(Acknowledged(0));
    }
  }
  EXPECT_TRUE(cluster_.RunUntil([&] { return Acknowledged(64); }, 1));
}

TEST_F(PeerFlowTest, AckGoesOutAfterSoManyBytesWithoutWaiting) {
  Options slow_to_ack = FakeOptions(2);
  slow_to_ack.ack_delay_ms = 1000;
  Open(FakeOptions(1), slow_to_ack);
  ASSERT_EQ(SendAppend(1, 70000), SendResult::kAccepted);
  EXPECT_TRUE(cluster_.RunUntil([&] { return Acknowledged(1); }, 1));
}

TEST_F(PeerFlowTest, UnacknowledgedUntilTheHandlerReturned) {
  Open();
  bool inside = false;
  b_->raft.on_message = [&](NodeId, GroupId, const MessageView&, Lease*) {
    inside = true;
    EXPECT_TRUE(Acknowledged(0));
  };
  ASSERT_EQ(SendAppend(1), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Acknowledged(1); }));
  EXPECT_TRUE(inside);
}

// What is queued while the link is busy leaves in one frame.
TEST_F(PeerFlowTest, QueuedMessagesAreCoalesced) {
  Open();
  Stall(true);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(SendAppend(i), SendResult::kAccepted);
  cluster_.RunFor(3);
  EXPECT_EQ(LedgerOfA().queued.messages, 100u);
  const uint64_t frames_before = a_->Describe(2).frames_sent;
  Stall(false);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Acknowledged(100); }));
  EXPECT_LE(a_->Describe(2).frames_sent - frames_before, 2u);
}

TEST_F(PeerFlowTest, UrgentOvertakesQueuedAppends) {
  Open();
  Stall(true);
  for (int i = 1; i <= 50; ++i) ASSERT_EQ(SendAppend(i), SendResult::kAccepted);
  ASSERT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVote, 1000)), SendResult::kAccepted);
  Stall(false);
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == 51; }));
  EXPECT_EQ(b_->raft.messages[0].index, 1000u);
  EXPECT_EQ(b_->raft.messages[50].index, 50u);
}

TEST_F(PeerFlowTest, UrgentPassesBetweenTheFragmentsOfALargeMessage) {
  Open();
  // A link that takes its time, so that the large message does not go at once.
  cluster_.network.SetWriteTime(FakeAddress(1), FakeAddress(2), 2 * kMs);
  const std::string payload(5000000, 'y');
  ASSERT_EQ(a_->Send(2, 0, TestAppend(1, payload).view()), SendResult::kAccepted);
  cluster_.RunFor(5);
  ASSERT_TRUE(b_->raft.messages.empty());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(a_->Send(2, 0, TestMessage(MessageType::kHeartbeat, 100 + i)), SendResult::kAccepted);
    cluster_.RunFor(3);
  }
  ASSERT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() == 4; }));
  EXPECT_EQ(b_->raft.messages[0].index, 100u);
  EXPECT_EQ(b_->raft.messages[3].data[0], payload);
  EXPECT_TRUE(cluster_.RunUntil([&] { return Acknowledged(4); }));
}

TEST_F(PeerFlowTest, MessageLargerThanTheWindowArrives) {
  Options narrow = FakeOptions(2);
  narrow.receive_window_bytes = 512 * 1024;
  Open(FakeOptions(1), narrow);
  const std::string payload(20000000, 'z');
  ASSERT_EQ(a_->Send(2, 0, TestAppend(1, payload).view()), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Acknowledged(1); }));
  EXPECT_EQ(b_->raft.messages[0].data[0], payload);
}

TEST_F(PeerFlowTest, AppendsUnacknowledgedAreBounded) {
  Options first = FakeOptions(1);
  first.append_unacked_bytes_max = 64 * 1024;
  Open(first, FakeOptions(2));
  // Nothing comes back for a while.
  cluster_.network.SetDelay(FakeAddress(2), FakeAddress(1), 50 * kMs);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(SendAppend(i, 8000), SendResult::kAccepted);
  cluster_.RunFor(20);
  const PeerStatus status = a_->Describe(2);
  EXPECT_GT(status.queued[1].messages, 100u);
  EXPECT_LE(status.in_flight[1].bytes, 64u * 1024);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Acknowledged(200); }));
}

// Leases keep receive memory only in this test's hands: credit is what the receiver granted.
TEST_F(PeerFlowTest, CreditExhaustedIsBackPressureAndNothingIsLost) {
  Options narrow = FakeOptions(2);
  narrow.receive_window_bytes = 64 * kGrpcCreditUnitBytes;
  narrow.grpc_frame_bytes_max = 64 * 1024;
  Options first = FakeOptions(1);
  first.append_unacked_bytes_max = 64 * 1024 * 1024;
  Open(first, narrow);
  cluster_.network.SetDelay(FakeAddress(2), FakeAddress(1), 50 * kMs);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(SendAppend(i, 8000), SendResult::kAccepted);
  cluster_.RunFor(20);
  PeerStatus status = a_->Describe(2);
  EXPECT_LT(status.credit_units_left, 8u + 9u);
  EXPECT_GT(status.queued[1].messages, 300u);
  EXPECT_LE(b_->raft.messages.size(), 64u);
  // Urgent messages still have units of their own.
  ASSERT_EQ(a_->Send(2, 0, TestMessage(MessageType::kHeartbeat, 7777)), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil(
      [&] { return !b_->raft.messages.empty() && b_->raft.messages.back().index == 7777; }, 5));
  ASSERT_TRUE(cluster_.RunUntil([&] { return Acknowledged(501); }, 60000));
  status = a_->Describe(2);
  EXPECT_EQ(status.ledger.lost_total().messages, 0u);
  EXPECT_EQ(a_->raft.unreachable, 0u);
  uint64_t next = 0;
  for (const ReceivedMessage& message : b_->raft.messages) {
    if (message.type != MessageType::kApp) continue;
    EXPECT_EQ(message.index, next++);
  }
  EXPECT_EQ(next, 500u);
}

TEST_F(PeerFlowTest, QueueFullByCountAndWritableAtHalf) {
  Options first = FakeOptions(1);
  first.append_queue_messages_max = 10;
  Open(first, FakeOptions(2));
  Stall(true);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(SendAppend(i), SendResult::kAccepted) << i;
  EXPECT_EQ(SendAppend(10), SendResult::kQueueMessages);
  EXPECT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
  cluster_.RunFor(1);
  EXPECT_EQ(a_->raft.writable, 0u);
  Stall(false);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.writable == 1; }));
  EXPECT_EQ(SendAppend(10), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Acknowledged(12); }));
  EXPECT_EQ(a_->raft.writable, 1u);
}

TEST_F(PeerFlowTest, QueueFullByBytes) {
  Options first = FakeOptions(1);
  first.message_bytes_max = 64 * 1024;
  first.append_queue_bytes_max = 100 * 1024;
  Open(first, FakeOptions(2));
  Stall(true);
  ASSERT_EQ(SendAppend(1, 60000), SendResult::kAccepted);
  ASSERT_EQ(SendAppend(2, 40000), SendResult::kAccepted);
  EXPECT_EQ(SendAppend(3, 40000), SendResult::kQueueBytes);
  EXPECT_EQ(SendAppend(4, 2000), SendResult::kAccepted);
  EXPECT_EQ(LedgerOfA().accepted.messages, 3u);
  Stall(false);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.writable == 1; }));
  EXPECT_TRUE(cluster_.RunUntil([&] { return Acknowledged(3); }));
}

TEST_F(PeerFlowTest, SnapshotIsAcknowledged) {
  Open();
  const TestSnapshot snapshot(std::string(1000000, 's'));
  ASSERT_EQ(a_->Send(2, 4, snapshot.view()), SendResult::kAccepted);
  ASSERT_EQ(a_->raft.snapshots, 0u);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.snapshots == 1; }));
  EXPECT_EQ(b_->raft.messages[0].type, MessageType::kSnap);
  EXPECT_EQ(b_->raft.messages[0].group, 4u);
}

TEST_F(PeerFlowTest, SendInsideOnMessageLeavesInTheSameTurn) {
  Open();
  int hops = 0;
  const auto bounce = [&](FakeNode* node) {
    return [&hops, node](NodeId from, GroupId group, const MessageView& message, Lease*) {
      if (++hops == 100) return;
      EXPECT_EQ(node->Send(from, group, message), SendResult::kAccepted);
    };
  };
  a_->raft.on_message = bounce(a_);
  b_->raft.on_message = bounce(b_);
  const int64_t before_ns = cluster_.network.now_ns();
  ASSERT_EQ(a_->Send(2, 0, TestMessage(MessageType::kHeartbeat)), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return hops == 100; }));
  EXPECT_EQ(cluster_.network.now_ns() - before_ns, 100 * 50000);
}

// A message that the peer would refuse is not sent to it, though Send accepted it.
TEST_F(PeerFlowTest, OverTheLimitOfThePeerIsLostAndTold) {
  Options strict = FakeOptions(2);
  strict.message_bytes_max = 64 * 1024;
  Open(FakeOptions(1), strict);
  ASSERT_EQ(SendAppend(1, 100000), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.unreachable == 1; }));
  EXPECT_EQ(a_->raft.reports[0].messages(LossReason::kOverPeerLimit), 1u);
  ASSERT_EQ(SendAppend(2, 1000), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Acknowledged(1); }));
  EXPECT_EQ(a_->Describe(2).connects, 1u);
}

// Its first pieces are at the peer, so it cannot be lost behind a gap; and what comes after it is
// not taken for it.
TEST_F(PeerFlowTest, AHalfSentAppendOutlivesALossOfItsGroup) {
  Options strict = FakeOptions(2);
  strict.message_bytes_max = 2 * 1024 * 1024;
  Open(FakeOptions(1), strict);
  Stall(true);
  ASSERT_EQ(SendAppend(1, 1500000, 7), SendResult::kAccepted);
  cluster_.RunFor(1);
  ASSERT_EQ(SendAppend(2, 10, 7), SendResult::kAccepted);
  ASSERT_EQ(a_->Send(2, 7, TestSnapshot(std::string(3000000, 's')).view()), SendResult::kAccepted);
  Stall(false);
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->raft.unreachable == 1; }));
  EXPECT_EQ(a_->raft.reports[0].messages(LossReason::kOverPeerLimit), 1u);
  EXPECT_EQ(a_->raft.reports[0].messages(LossReason::kBehindGap), 1u);
  ASSERT_TRUE(cluster_.RunUntil([&] { return Acknowledged(1); }));
  ASSERT_EQ(b_->raft.messages.size(), 1u);
  EXPECT_EQ(b_->raft.messages[0].index, 1u);
  EXPECT_EQ(a_->Describe(2).connects, 1u);
}

TEST_F(PeerFlowTest, RoundTripTimeIsMeasured) {
  Open();
  cluster_.network.SetDelay(FakeAddress(1), FakeAddress(2), 3 * kMs);
  cluster_.RunFor(300);
  EXPECT_EQ(a_->Describe(2).rtt_us, 3050u);
  EXPECT_EQ(b_->Describe(1).rtt_us, 3050u);
}

// Acknowledgements must not answer each other for ever.
TEST_F(PeerFlowTest, IdleStreamSaysOnlyPings) {
  Open();
  ASSERT_EQ(SendAppend(1), SendResult::kAccepted);
  cluster_.RunFor(1000);
  const uint64_t acks_before = a_->Describe(2).ack_frames_sent + b_->Describe(1).ack_frames_sent;
  cluster_.RunFor(60000);
  // Pings use up credit, which is told back once a quarter of the window.
  const uint64_t acks = a_->Describe(2).ack_frames_sent + b_->Describe(1).ack_frames_sent;
  EXPECT_LE(acks - acks_before, 20u);
}

}  // namespace
}  // namespace hawser
