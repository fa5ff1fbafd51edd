// A peer that says nonsense after the hellos: each kind has its named reason, the process lives,
// and other peers do not notice.

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/fake_node.h"
#include "tests/support/raw_peer.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

FrameHeader HeaderOf(FrameType type, Lane lane = Lane::kAppend, uint16_t count = 0) {
  FrameHeader header;
  header.type = type;
  header.lane = lane;
  header.count = count;
  return header;
}

// Node 2 with a good peer, node 3, and a raw one, node 1.
class SessionBadInputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Options options = FakeOptions(2);
    options.message_bytes_max = 256 * 1024;
    options.receive_window_bytes = 64 * kGrpcCreditUnitBytes;
    node_ = cluster_.Add(options);
    other_ = cluster_.Add(3);
    cluster_.Drive(&raw_);
    node_->AddPeer(1, {});
    ASSERT_TRUE(cluster_.Connect(node_, other_));
    ASSERT_TRUE(raw_.Open(&cluster_, node_));
    cluster_.RunFor(10);
  }

  // The stream to the raw peer ends for `reason`, at both ends; all else goes on.
  void ExpectClosed(CloseReason reason) {
    ASSERT_TRUE(cluster_.RunUntil([&] { return !node_->raft.downs.empty(); }, 1000))
        << "still up; expected " << CloseReasonName(reason);
    EXPECT_STREQ(CloseReasonName(node_->raft.downs.back()), CloseReasonName(reason));
    EXPECT_EQ(node_->Describe(1).reason, reason);
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }, 1000));
    EXPECT_STREQ(CloseReasonName(raw_.closed), CloseReasonName(reason));
    ExpectOthersUndisturbed();
  }

  void ExpectOthersUndisturbed() {
    EXPECT_EQ(node_->Describe(3).state, PeerState::kUp);
    EXPECT_EQ(node_->Describe(3).connects, 1u);
    const size_t before = other_->raft.messages.size();
    ASSERT_EQ(node_->Send(3, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
    ASSERT_TRUE(cluster_.RunUntil([&] { return other_->raft.messages.size() == before + 1; }));
    // And the one that erred may come back.
    raw_.incarnation += 1;
    ASSERT_TRUE(raw_.Open(&cluster_, node_));
    raw_.SendMessage(TestMessage(MessageType::kVote, 4711));
    ASSERT_TRUE(cluster_.RunUntil([&] {
      return !node_->raft.messages.empty() && node_->raft.messages.back().index == 4711;
    }));
  }

  // A frame with `change` done to its bytes.
  void SendChanged(FrameType type, absl::string_view body,
                   const std::function<void(std::string*)>& change) {
    FrameHeader header = HeaderOf(type, Lane::kAppend, type == FrameType::kData ? 1 : 0);
    header.sequence = raw_.sequence + (IsSequenced(type) ? 1 : 0);
    header.ack = raw_.ack;
    header.credit = raw_.credit;
    std::string frame = RawFrameBytes(header, body);
    change(&frame);
    raw_.SendBytes(frame);
  }

  FakeCluster cluster_;
  RawPeer raw_{&cluster_.network, 1};
  FakeNode* node_ = nullptr;
  FakeNode* other_ = nullptr;
};

TEST_F(SessionBadInputTest, GoodMessagesPass) {
  raw_.SendMessage(TestAppend(1).view());
  raw_.SendMessage(TestMessage(MessageType::kVote, 2));
  ASSERT_TRUE(cluster_.RunUntil([&] { return node_->raft.messages.size() == 2; }));
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.frames.back().header.ack == 2; }));
  EXPECT_EQ(raw_.closed, CloseReason::kNone);
}

TEST_F(SessionBadInputTest, Garbage) {
  raw_.SendBytes("GET / HTTP/1.1\r\nHost: example\r\n\r\n");
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, EmptyFrame) {
  raw_.SendBytes("");
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, TruncatedHeader) {
  SendChanged(FrameType::kAck, "", [](std::string* frame) { frame->resize(15); });
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, WrongVersion) {
  SendChanged(FrameType::kAck, "", [](std::string* frame) { (*frame)[0] = 0x23; });
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, InvalidType) {
  SendChanged(FrameType::kAck, "", [](std::string* frame) { (*frame)[0] = 0x10; });
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, ReservedBits) {
  SendChanged(FrameType::kAck, "", [](std::string* frame) { (*frame)[1] |= 0x40; });
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, TrailerThatWasNotAgreed) {
  SendChanged(FrameType::kAck, "", [](std::string* frame) { (*frame)[1] |= 0x10; });
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, SequencedFrameWithoutALane) {
  SendChanged(FrameType::kData, raw_.Encode(Lane::kAppend, TestAppend(1).view()),
              [](std::string* frame) { (*frame)[1] = 3; });
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, ControlFrameWithALane) {
  SendChanged(FrameType::kAck, "", [](std::string* frame) { (*frame)[1] = 1; });
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, FixedBodyOfAnotherLength) {
  SendChanged(FrameType::kPing, "1234567", [](std::string*) {});
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, DataWithoutAMessage) {
  SendChanged(FrameType::kData, "x", [](std::string* frame) { (*frame)[2] = 0; });
  ExpectClosed(CloseReason::kBadFrame);
}

TEST_F(SessionBadInputTest, TrailingBytesAfterTheMessages) {
  raw_.SendFrame(HeaderOf(FrameType::kData, Lane::kAppend, 1),
                 raw_.Encode(Lane::kAppend, TestAppend(1).view()) + "x");
  ExpectClosed(CloseReason::kBadMessage);
}

TEST_F(SessionBadInputTest, FewerMessagesThanTold) {
  raw_.SendFrame(HeaderOf(FrameType::kData, Lane::kAppend, 2),
                 raw_.Encode(Lane::kAppend, TestAppend(1).view()));
  ExpectClosed(CloseReason::kBadMessage);
}

TEST_F(SessionBadInputTest, UndecodableMessage) {
  raw_.SendFrame(HeaderOf(FrameType::kData, Lane::kAppend, 1), std::string(100, '\x5a'));
  ExpectClosed(CloseReason::kBadMessage);
  EXPECT_TRUE(node_->raft.messages.size() == 1);  // only the last of ExpectClosed
}

TEST_F(SessionBadInputTest, DamagedMessage) {
  std::string body = raw_.Encode(Lane::kAppend, TestAppend(1).view());
  body[body.size() / 2] ^= 0x01;
  raw_.SendFrame(HeaderOf(FrameType::kData, Lane::kAppend, 1), body);
  ExpectClosed(CloseReason::kBadMessage);
}

TEST_F(SessionBadInputTest, MessageLeftOut) {
  raw_.Encode(Lane::kAppend, TestAppend(1).view());
  raw_.SendMessage(TestAppend(2).view());
  ExpectClosed(CloseReason::kBadMessage);
}

TEST_F(SessionBadInputTest, SequenceGap) {
  ++raw_.sequence;
  raw_.SendMessage(TestAppend(1).view());
  ExpectClosed(CloseReason::kBadSequence);
}

TEST_F(SessionBadInputTest, SequenceRepeat) {
  raw_.SendMessage(TestAppend(1).view());
  --raw_.sequence;
  raw_.SendMessage(TestAppend(2).view());
  ExpectClosed(CloseReason::kBadSequence);
}

TEST_F(SessionBadInputTest, ControlFrameThatNamesAFrameThatDidNotCome) {
  ++raw_.sequence;
  raw_.SendControl(FrameType::kAck, "");
  ExpectClosed(CloseReason::kBadSequence);
}

TEST_F(SessionBadInputTest, AckOfAFrameNeverSent) {
  ASSERT_EQ(node_->Send(1, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
  raw_.acknowledge = false;
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.received == 1; }));
  raw_.ack = 2;
  raw_.SendControl(FrameType::kAck, "");
  ExpectClosed(CloseReason::kBadAck);
}

TEST_F(SessionBadInputTest, AckThatGoesBack) {
  ASSERT_EQ(node_->Send(1, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.received == 1; }));
  raw_.SendControl(FrameType::kAck, "");
  raw_.ack = 0;
  raw_.SendControl(FrameType::kAck, "");
  ExpectClosed(CloseReason::kBadAck);
}

TEST_F(SessionBadInputTest, CreditThatGoesBack) {
  --raw_.credit;
  raw_.SendControl(FrameType::kAck, "");
  ExpectClosed(CloseReason::kBadAck);
}

TEST_F(SessionBadInputTest, CreditBeyondReason) {
  raw_.credit += 1u << 25;
  raw_.SendControl(FrameType::kAck, "");
  ExpectClosed(CloseReason::kBadAck);
}

// Node 2 soon has no credit left to grant more with; the peer goes on all the same.
TEST_F(SessionBadInputTest, CreditOverrun) {
  raw_.first_grant = 48;
  raw_.incarnation += 1;
  ASSERT_TRUE(raw_.Open(&cluster_, node_));
  node_->raft.downs.clear();
  for (int i = 0; i < 200 && raw_.closed == CloseReason::kNone; ++i) {
    raw_.SendControl(FrameType::kPing, "12345678");
    cluster_.RunFor(1);
  }
  EXPECT_EQ(node_->raft.downs, std::vector<CloseReason>{CloseReason::kCreditOverrun});
  ExpectOthersUndisturbed();
}

TEST_F(SessionBadInputTest, FrameTooLarge) {
  raw_.SendFrame(HeaderOf(FrameType::kData, Lane::kAppend, 1),
                 std::string(node_->options().grpc_frame_bytes_max, 'x'));
  ExpectClosed(CloseReason::kFrameTooLarge);
}

TEST_F(SessionBadInputTest, FrameWithTheTypeOfAPartThatIsNotBuilt) {
  for (FrameType type :
       {FrameType::kBulkOffer, FrameType::kBulkGrant, FrameType::kBulkAck, FrameType::kBulkChunk}) {
    SCOPED_TRACE(FrameTypeName(type));
    const int fixed = FixedBodyBytes(type);
    node_->raft.downs.clear();
    raw_.SendFrame(HeaderOf(type, Lane::kBulk), std::string(fixed > 0 ? fixed : 48, '\0'));
    ExpectClosed(CloseReason::kNotBuilt);
  }
}

TEST_F(SessionBadInputTest, LocalOnlyType) {
  for (MessageType type :
       {MessageType::kHup, MessageType::kBeat, MessageType::kUnreachable, MessageType::kSnapStatus,
        MessageType::kCheckQuorum, MessageType::kStorageAppend, MessageType::kStorageApplyResp}) {
    SCOPED_TRACE(MessageTypeName(type));
    node_->raft.downs.clear();
    raw_.SendMessage(TestMessage(type));
    ExpectClosed(CloseReason::kLocalOnlyType);
  }
}

}  // namespace
}  // namespace hawser
