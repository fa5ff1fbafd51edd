// A peer whose frames are well made and come at the wrong time: fragments, epochs, second hellos,
// credit.

#include <gtest/gtest.h>

#include <string>

#include "base/little_endian.h"
#include "tests/support/fake_node.h"
#include "tests/support/raw_peer.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

// Node 2 and a raw peer, node 1.
class SessionBadOrderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Options options = FakeOptions(2);
    options.message_bytes_max = 256 * 1024;
    options.receive_window_bytes = 64 * kGrpcCreditUnitBytes;
    node_ = cluster_.Add(options);
    node_->AddPeer(1, {});
    node_->Start();
    cluster_.Drive(&raw_);
  }

  void Open() {
    ASSERT_TRUE(raw_.Open(&cluster_, node_));
    cluster_.RunFor(10);
  }
  // Through the hellos, no further.
  void Greet() {
    raw_.Dial(2);
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.up; }));
    raw_.SendHello(raw_.MakeHello(2));
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kHello) != nullptr; }));
  }

  void SendPiece(uint16_t count, bool last, absl::string_view body, uint32_t total = 0,
                 Lane lane = Lane::kAppend) {
    FrameHeader header;
    header.type = FrameType::kFragment;
    header.lane = lane;
    header.count = count;
    header.first = count == 0;
    header.last = last;
    std::string bytes;
    if (header.first) {
      bytes.resize(4);
      StoreLittle<uint32_t>(total, &bytes[0]);
    }
    bytes.append(body.data(), body.size());
    raw_.SendFrame(header, bytes);
  }

  void ExpectClosed(CloseReason reason) {
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }, 5000))
        << "still up; expected " << CloseReasonName(reason);
    EXPECT_STREQ(CloseReasonName(raw_.closed), CloseReasonName(reason)) << raw_.closed_text;
    EXPECT_EQ(node_->Describe(1).reason, reason);
    raw_.incarnation += 1;
    Open();
    raw_.SendMessage(TestMessage(MessageType::kVote, 4711));
    ASSERT_TRUE(cluster_.RunUntil([&] {
      return !node_->raft.messages.empty() && node_->raft.messages.back().index == 4711;
    }));
  }

  FakeCluster cluster_;
  RawPeer raw_{&cluster_.network, 1};
  FakeNode* node_ = nullptr;
};

TEST_F(SessionBadOrderTest, FragmentsOfAMessageAreJoined) {
  Open();
  const std::string message = raw_.Encode(Lane::kAppend, TestAppend(1, "abcdefgh").view());
  SendPiece(0, false, message.substr(0, 5), message.size());
  SendPiece(1, false, message.substr(5, 1));
  // Another lane between the pieces.
  raw_.SendMessage(TestMessage(MessageType::kVote, 9));
  SendPiece(2, true, message.substr(6));
  ASSERT_TRUE(cluster_.RunUntil([&] { return node_->raft.messages.size() == 2; }));
  EXPECT_EQ(node_->raft.messages[0].index, 9u);
  EXPECT_EQ(node_->raft.messages[1].data[0], "abcdefgh");
}

TEST_F(SessionBadOrderTest, MessageTooLarge) {
  Open();
  SendPiece(0, false, "x", 256 * 1024 + 1);
  ExpectClosed(CloseReason::kMessageTooLarge);
}

TEST_F(SessionBadOrderTest, MessageOfFourGigabytesReservesNothing) {
  Open();
  SendPiece(0, false, "x", UINT32_MAX);
  ExpectClosed(CloseReason::kMessageTooLarge);
}

TEST_F(SessionBadOrderTest, FragmentsThatSkipOne) {
  Open();
  SendPiece(0, false, "abc", 100);
  SendPiece(2, false, "def");
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadOrderTest, FragmentWithoutAFirst) {
  Open();
  SendPiece(1, false, "abc");
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadOrderTest, SecondMessageBeginsBeforeTheFirstOnesEnd) {
  Open();
  SendPiece(0, false, "abc", 100);
  SendPiece(0, false, "abc", 100);
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadOrderTest, DataBetweenTheFragmentsOfItsLane) {
  Open();
  SendPiece(0, false, "abc", 100);
  raw_.SendMessage(TestAppend(1).view());
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadOrderTest, FragmentsThatEndTooEarly) {
  Open();
  SendPiece(0, false, "abc", 100);
  SendPiece(1, true, "def");
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadOrderTest, FragmentsLongerThanTold) {
  Open();
  SendPiece(0, false, "abc", 4);
  SendPiece(1, true, "def");
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadOrderTest, FragmentsThatGoOnAfterTheLastByte) {
  Open();
  SendPiece(0, false, "abc", 3);
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadOrderTest, JoinedMessageThatDoesNotDecode) {
  Open();
  SendPiece(0, false, "abc", 6);
  SendPiece(1, true, "def");
  ExpectClosed(CloseReason::kBadMessage);
}

TEST_F(SessionBadOrderTest, HalfAMessageThenTheEnd) {
  Open();
  SendPiece(0, false, "abc", 200000);
  cluster_.RunFor(10);
  raw_.Close();
  ASSERT_TRUE(cluster_.RunUntil([&] { return !node_->raft.downs.empty(); }));
  EXPECT_EQ(node_->raft.downs[0], CloseReason::kLinkError);
  EXPECT_TRUE(node_->raft.messages.empty());
  raw_.incarnation += 1;
  Open();
}

TEST_F(SessionBadOrderTest, FirstFrameIsNoHello) {
  raw_.Dial(2);
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.up; }));
  raw_.SendControl(FrameType::kPing, "12345678");
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }));
  EXPECT_EQ(raw_.closed, CloseReason::kBadHello);
  EXPECT_EQ(node_->Describe().refused[static_cast<int>(CloseReason::kBadHello)], 1u);
}

TEST_F(SessionBadOrderTest, DataBeforeTheFence) {
  Greet();
  raw_.SendMessage(TestAppend(1).view());
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }));
  EXPECT_STREQ(CloseReasonName(raw_.closed), "bad_epoch");
  EXPECT_EQ(node_->Describe().refused[static_cast<int>(CloseReason::kBadEpoch)], 1u);
}

TEST_F(SessionBadOrderTest, DataBeforeTheStart) {
  Greet();
  raw_.SendFence();
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kStart) != nullptr; }));
  raw_.SendMessage(TestAppend(1).view());
  ExpectClosed(CloseReason::kBadEpoch);
}

TEST_F(SessionBadOrderTest, StartBeforeTheFence) {
  Greet();
  raw_.SendStart();
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }));
  EXPECT_STREQ(CloseReasonName(raw_.closed), "bad_epoch");
}

TEST_F(SessionBadOrderTest, StartOfAFenceThatWasNotSent) {
  Greet();
  raw_.SendFence();
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kStart) != nullptr; }));
  raw_.SendControl(FrameType::kStart, StartBody(1, 1000));
  ExpectClosed(CloseReason::kBadEpoch);
}

TEST_F(SessionBadOrderTest, SecondStart) {
  Open();
  raw_.epoch = 2;
  raw_.SendStart();
  ExpectClosed(CloseReason::kBadEpoch);
}

TEST_F(SessionBadOrderTest, FenceOfAnEpochThatWasNeverSent) {
  Greet();
  raw_.SendControl(FrameType::kFence, FenceBody(1000, 0, 1));
  ExpectClosed(CloseReason::kBadEpoch);
}

TEST_F(SessionBadOrderTest, FenceAfterWhatWasSent) {
  Open();
  const uint32_t epoch = node_->Describe(1).send_epoch;
  raw_.SendControl(FrameType::kFence, FenceBody(epoch, 5, 2));
  ExpectClosed(CloseReason::kBadEpoch);
}

TEST_F(SessionBadOrderTest, RepeatedFenceIsIgnored) {
  Open();
  raw_.SendFence();
  cluster_.RunFor(50);
  EXPECT_EQ(node_->Describe(1).state, PeerState::kUp);
  EXPECT_EQ(node_->raft.unreachable, 0u);
}

// The receiver decided anew on a link that lives: what was on its way is lost, and sending goes on
// in a new epoch.
TEST_F(SessionBadOrderTest, NewFenceOnALiveLinkBeginsANewEpoch) {
  Open();
  raw_.acknowledge = false;
  ASSERT_EQ(node_->Send(1, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.received == 1; }));
  const uint32_t epoch = node_->Describe(1).send_epoch;
  raw_.SendControl(FrameType::kFence, FenceBody(epoch, 0, 2));
  ASSERT_TRUE(cluster_.RunUntil([&] { return node_->Describe(1).send_epoch > epoch; }));
  EXPECT_EQ(node_->raft.lost, 1u);
  EXPECT_EQ(node_->raft.unreachable, 1u);
  EXPECT_EQ(node_->Describe(1).state, PeerState::kUp);
  ASSERT_EQ(node_->Send(1, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
  EXPECT_TRUE(cluster_.RunUntil([&] { return raw_.received == 2; }));
}

// There was no credit left for the answer. On the next link it would begin an epoch that the peer,
// who fences anew there, does not take: what is sent in it would be lost.
TEST_F(SessionBadOrderTest, FenceThatWasNotAnsweredIsNotAnsweredOnTheNextLink) {
  raw_.first_grant = 64;
  Open();
  raw_.acknowledge = false;
  const uint32_t epoch = node_->Describe(1).send_epoch;
  for (uint32_t i = 0; i < raw_.first_grant; ++i) {
    ASSERT_EQ(node_->Send(1, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
    cluster_.RunFor(1);
  }
  raw_.SendControl(FrameType::kFence, FenceBody(epoch, 0, 2));
  cluster_.RunFor(10);
  ASSERT_EQ(node_->Describe(1).state, PeerState::kSettling);
  ASSERT_EQ(node_->Describe(1).send_epoch, epoch);
  Greet();
  raw_.SendControl(FrameType::kAck, "");
  cluster_.RunFor(10);
  ASSERT_NE(raw_.Find(FrameType::kFence), nullptr);
  EXPECT_EQ(raw_.Find(FrameType::kStart), nullptr);
  raw_.SendControl(FrameType::kFence, FenceBody(epoch, 0, 3));
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kStart) != nullptr; }));
  EXPECT_EQ(LoadLittle<uint32_t>(raw_.Find(FrameType::kStart)->body.data() + 4), 3u);
}

TEST_F(SessionBadOrderTest, SecondHello) {
  Open();
  raw_.SendHello(raw_.MakeHello(2));
  ExpectClosed(CloseReason::kBadHello);
}

TEST_F(SessionBadOrderTest, GoawayThatDoesNotParse) {
  Open();
  raw_.SendControl(FrameType::kGoaway, std::string(40, '\xff'));
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadOrderTest, GoawayWithAnUnknownReasonIsALinkError) {
  for (int reason : {0, 1, kCloseReasonCount, 77}) {
    SCOPED_TRACE(reason);
    Open();
    node_->raft.downs.clear();
    raw_.SendControl(FrameType::kGoaway, EncodeGoaway(static_cast<CloseReason>(reason), "bye"));
    ASSERT_TRUE(cluster_.RunUntil([&] { return !node_->raft.downs.empty(); }));
    EXPECT_STREQ(CloseReasonName(node_->raft.downs[0]), "link_error");
    raw_.incarnation += 1;
  }
}

TEST_F(SessionBadOrderTest, PongNobodyAskedForIsIgnored) {
  Open();
  raw_.SendControl(FrameType::kPong, "notasked");
  cluster_.RunFor(20);
  EXPECT_EQ(raw_.closed, CloseReason::kNone);
}

TEST_F(SessionBadOrderTest, UnknownControlIsIgnored) {
  Open();
  raw_.SendControl(FrameType::kControl, "\x82\x3f\x02hi");
  cluster_.RunFor(20);
  EXPECT_EQ(raw_.closed, CloseReason::kNone);
}

TEST_F(SessionBadOrderTest, PingsAreAnswered) {
  Open();
  raw_.SendControl(FrameType::kPing, "12345678");
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kPong) != nullptr; }));
  EXPECT_EQ(raw_.Find(FrameType::kPong)->body, "12345678");
}

}  // namespace
}  // namespace hawser
