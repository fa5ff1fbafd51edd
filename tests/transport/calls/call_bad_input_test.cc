// A peer that makes calls, or answers them, as no peer should: each has its named reason, and the
// process lives.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_node.h"
#include "tests/support/raw_peer.h"
#include "tests/support/test_messages.h"
#include "transport/call_message.h"

namespace hawser {
namespace {

constexpr uint32_t kCallsMax = 10;

// Node 2, and a raw peer, node 1.
class CallBadInputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Options options = FakeOptions(2);
    options.calls_max = kCallsMax;
    node_ = cluster_.Add(options);
    cluster_.Drive(&raw_);
    const absl::Status added = node_->endpoints.Add(
        "later",
        [this](const Caller&, absl::string_view, Lease, CallResponder responder) {
          kept_.push_back(std::move(responder));
        },
        {});
    ASSERT_TRUE(added.ok());
    node_->AddPeer(1, {});
    node_->Start();
    ASSERT_TRUE(raw_.Open(&cluster_, node_));
    cluster_.RunFor(10);
  }

  void SendCoded(const std::string& body) {
    FrameHeader header;
    header.type = FrameType::kData;
    header.lane = Lane::kAppend;
    header.count = 1;
    raw_.SendFrame(header, body);
  }
  void Send(const MessageView& message) { SendCoded(raw_.Encode(Lane::kAppend, message)); }
  void SendNumbered(MessageView message, uint64_t number) {
    message.zero_fields = kCallBit;
    SendCoded(raw_.EncodeOfCall(Lane::kAppend, message, number));
  }
  void ExpectClosed(CloseReason reason) {
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }, 1000))
        << "still up; expected " << CloseReasonName(reason);
    EXPECT_STREQ(CloseReasonName(raw_.closed), CloseReasonName(reason));
    raw_.incarnation += 1;
    ASSERT_TRUE(raw_.Open(&cluster_, node_));
    cluster_.RunFor(10);
  }

  FakeCluster cluster_;
  RawPeer raw_{&cluster_.network, 1};
  FakeNode* node_ = nullptr;
  std::vector<CallResponder> kept_;
  EntryView entry_;
};

TEST_F(CallBadInputTest, CallsThatMakeNoSense) {
  const std::string long_name(kEndpointNameBytesMax + 1, 'x');
  const MessageView good = ViewOf(CallRequest{1, 0, "later", "x"}, &entry_);
  std::vector<MessageView> bad(4, good);
  bad[0].context = absl::string_view();
  bad[1].context = long_name;
  bad[2].commit = 0;
  bad[3].entries = absl::Span<const EntryView>();
  for (const MessageView& message : bad) {
    Send(message);
    ExpectClosed(CloseReason::kBadMessage);
  }
  Send(good);
  cluster_.RunFor(10);
  EXPECT_EQ(kept_.size(), 1u);
}

TEST_F(CallBadInputTest, AnswersThatMakeNoSense) {
  // By the numbers of what only the caller's own end says.
  Send(ViewOf(CallAnswer{1, false, CallStatus::kUnavailable, "x"}, &entry_));
  ExpectClosed(CloseReason::kBadMessage);
  // An append that went well is answered by a message.
  Send(ViewOf(CallAnswer{1, true, CallStatus::kOk, "x"}, &entry_));
  ExpectClosed(CloseReason::kBadMessage);
  SendNumbered(TestMessage(MessageType::kHup), 1);
  ExpectClosed(CloseReason::kLocalOnlyType);
}

TEST_F(CallBadInputTest, AnswersThatNobodyWaitsForAreDropped) {
  Send(ViewOf(CallAnswer{77, false, CallStatus::kOk, "x"}, &entry_));
  Send(ViewOf(CallAnswer{77, true, CallStatus::kServerError, "x"}, &entry_));
  SendNumbered(TestMessage(MessageType::kAppResp), 78);
  cluster_.RunFor(10);
  EXPECT_EQ(node_->Describe(1).answers_late, 3u);
  EXPECT_EQ(node_->Describe(1).state, PeerState::kUp);
}

// The answer to a call that was not sent yet.
TEST_F(CallBadInputTest, AnswersAreToWhatWasSent) {
  raw_.acknowledge = false;
  int ends = 0;
  const CallId id = node_->Call(1, "any", std::string(1000, 'x'), 0, [&](CallResult result) {
    EXPECT_EQ(result.response, "right");
    ++ends;
  });
  Send(ViewOf(CallAnswer{id + 1, false, CallStatus::kOk, "wrong"}, &entry_));
  Send(ViewOf(CallAnswer{id, true, CallStatus::kServerError, "wrong"}, &entry_));
  cluster_.RunFor(10);
  EXPECT_EQ(ends, 0);
  Send(ViewOf(CallAnswer{id, false, CallStatus::kOk, "right"}, &entry_));
  Send(ViewOf(CallAnswer{id, false, CallStatus::kOk, "again"}, &entry_));
  cluster_.RunFor(10);
  EXPECT_EQ(ends, 1);
}

TEST_F(CallBadInputTest, CallsWithoutEndAreCutOff) {
  for (uint64_t i = 1; i <= uint64_t{4} * kCallsMax; ++i) {
    Send(ViewOf(CallRequest{i, 0, "later", "x"}, &entry_));
  }
  cluster_.RunFor(10);
  EXPECT_EQ(node_->Describe(1).calls_served, uint64_t{4} * kCallsMax);
  SendNumbered(TestAppend(1).view(), 1);
  ExpectClosed(CloseReason::kCallLimit);
  EXPECT_EQ(node_->Describe(1).calls_served, 0u);
}

TEST_F(CallBadInputTest, PeersThatTakeNoCallsMakeNone) {
  raw_.Close();
  raw_.incarnation += 1;
  raw_.Dial(2);
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.up; }));
  Hello hello = raw_.MakeHello(2);
  hello.features &= ~kFeatureCalls;
  raw_.SendHello(hello);
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kHello) != nullptr; }));
  raw_.SendFence();
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kStart) != nullptr; }));
  raw_.SendStart();
  cluster_.RunFor(10);
  CallResult seen;
  std::string text;
  node_->Call(1, "any", "", 0, [&](CallResult result) {
    text = std::string(result.text);
    seen.status = result.status;
  });
  cluster_.RunFor(10);
  EXPECT_EQ(seen.status, CallStatus::kNotSent);
  EXPECT_EQ(text, "the peer takes no calls");
  Send(ViewOf(CallRequest{1, 0, "later", "x"}, &entry_));
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }, 1000));
  EXPECT_STREQ(CloseReasonName(raw_.closed), "bad_message");
}

}  // namespace
}  // namespace hawser
