// Each call ends once, whatever becomes of the link, the answer or the peer.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/transport/calls/call_nodes.h"

namespace hawser {
namespace {

class CallEndTest : public PeerCallTest {
 protected:
  // Node 1 sends over gRPC, node 2 over RDMA.
  void OpenWithALinkEach() {
    FakeNodeParts parts;
    parts.rdma = true;
    Open(FakeOptions(1), FakeOptions(2), parts);
    a_->PinLink(2, LinkKind::kGrpc);
    ASSERT_TRUE(cluster_.RunUntil([&] {
      return a_->Describe(2).link == LinkKind::kGrpc && b_->Describe(1).link == LinkKind::kRdma;
    }));
    cluster_.RunFor(100);
  }
};

TEST_F(CallEndTest, CallerIsToldWhenItsTimeIsOverAndLateAnswersAreDropped) {
  Open();
  const Outcome* const late = Call("later", "", /*deadline_ms=*/50);
  const Outcome* const late_append = CallAppend(1, 0, /*deadline_ms=*/50);
  const Outcome* const patient = CallAppend(2);
  cluster_.RunFor(49);
  EXPECT_EQ(late->times, 0);
  cluster_.RunFor(2);
  EXPECT_EQ(late->status, CallStatus::kDeadlineExceeded);
  EXPECT_EQ(late_append->status, CallStatus::kDeadlineExceeded);
  ASSERT_EQ(kept_.size(), 3u);
  std::move(*kept_[0]).Reply("too late");
  kept_[0].reset();
  Answer(1, 1);
  Answer(2, 2);
  cluster_.RunFor(10);
  EXPECT_EQ(late->times, 1);
  EXPECT_EQ(late_append->times, 1);
  EXPECT_EQ(patient->index, 2u);
  EXPECT_EQ(a_->Describe(2).answers_late, 2u);
}

TEST_F(CallEndTest, CancelledCallsEndOnce) {
  Open();
  const Outcome* const sent = Call("later", "");
  const CallId sent_id = call_;
  cluster_.RunFor(10);
  a_->Cancel(sent_id);
  a_->Cancel(sent_id);
  const Outcome* const unsent = Call("later", "");
  a_->Cancel(call_);
  a_->Cancel(12345);
  cluster_.RunFor(10);
  EXPECT_EQ(sent->status, CallStatus::kCancelled);
  EXPECT_EQ(unsent->status, CallStatus::kCancelled);
  // What nobody waits for is not sent.
  EXPECT_EQ(kept_.size(), 1u);
  kept_.clear();
  cluster_.RunFor(10);
  EXPECT_EQ(sent->times, 1);
  EXPECT_EQ(unsent->times, 1);
}

TEST_F(CallEndTest, LostLinkEndsThoseOnTheirWayAndTheirAnswersGoNowhere) {
  Open();
  const Outcome* const call = Call("later", "");
  const Outcome* const append = CallAppend(1);
  cluster_.RunFor(10);
  ASSERT_EQ(kept_.size(), 2u);
  CutAndReconnect();
  EXPECT_EQ(call->status, CallStatus::kUnavailable);
  EXPECT_EQ(append->status, CallStatus::kUnavailable);
  EXPECT_EQ(b_->Describe(1).calls_served, 0u);
  const Outcome* const next = CallAppend(2);
  cluster_.RunFor(10);
  ASSERT_EQ(kept_.size(), 3u);
  // Answers to calls of the time before.
  std::move(*kept_[0]).Reply("old");
  kept_[0].reset();
  Answer(1, 1);
  cluster_.RunFor(10);
  EXPECT_EQ(next->times, 0);
  Answer(2, 2);
  cluster_.RunFor(10);
  EXPECT_EQ(next->index, 2u);
  EXPECT_EQ(call->times, 1);
  EXPECT_EQ(append->times, 1);
  // An append that was lost is also Raft's loss; a call is not.
  ASSERT_EQ(a_->raft.reports.size(), 1u);
}

TEST_F(CallEndTest, AnswersOnTheirWayWhenTheLinkFailsAreLostWithTheirCalls) {
  Open();
  const Outcome* const append = CallAppend(1);
  cluster_.RunFor(10);
  cluster_.network.SetDelay(b_->address(), a_->address(), 20 * int64_t{1000000});
  Answer(0, 1);
  cluster_.RunFor(5);
  cluster_.network.Cut(a_->address(), b_->address());
  ASSERT_TRUE(cluster_.RunUntil([&] { return append->times > 0; }));
  EXPECT_EQ(append->status, CallStatus::kUnavailable);
  cluster_.RunFor(5000);
  EXPECT_EQ(append->times, 1);
}

// The process after numbers its calls as the one before did.
TEST_F(CallEndTest, AnswersThatWaitForALinkAreNotForTheProcessAfter) {
  constexpr int kCalls = 6;
  Open();
  for (int i = 0; i < kCalls; ++i) Call("later", "");
  CallAppend(1);
  cluster_.RunFor(10);
  ASSERT_EQ(kept_.size(), kCalls + 1u);
  cluster_.network.Stall(b_->address(), a_->address(), true);
  // More than goes out at once.
  for (int i = 0; i < kCalls; ++i) std::move(*kept_[i]).Reply(std::string(600000, 'o'));
  Answer(kCalls, 77);
  cluster_.RunFor(1);
  EXPECT_EQ(b_->Describe(1).ledger.queued.messages, kCalls + 1u);
  a_->Kill();
  cluster_.network.Stall(b_->address(), a_->address(), false);
  a_ = cluster_.Add(FakeOptions(1));
  a_->AddPeer(2);
  a_->Start();
  std::vector<const Outcome*> calls;
  for (int i = 0; i < kCalls; ++i) calls.push_back(Call("later", ""));
  calls.push_back(CallAppend(1));
  ASSERT_TRUE(cluster_.RunUntil([&] { return kept_.size() == 2 * kCalls + 2u; }));
  cluster_.RunFor(500);
  for (const Outcome* call : calls) EXPECT_EQ(call->times, 0);
  EXPECT_EQ(b_->Describe(1).ledger.lost_total().messages, kCalls + 1u);
  for (int i = kCalls + 1; i < 2 * kCalls + 1; ++i) std::move(*kept_[i]).Reply("new");
  Answer(2 * kCalls + 1, 78);
  cluster_.RunFor(50);
  for (int i = 0; i < kCalls; ++i) EXPECT_TRUE(calls[i]->response == "new");
  EXPECT_EQ(calls.back()->index, 78u);
}

// It goes on when the link of its call fails, since its own is alive; with that one it ends.
TEST_F(CallEndTest, AHalfSentAnswerIsNotForTheAppendsOfAPeerAddedAgain) {
  ASSERT_NO_FATAL_FAILURE(OpenWithALinkEach());
  CallAppend(1);
  cluster_.RunFor(10);
  ASSERT_EQ(kept_.size(), 1u);
  cluster_.network.SetDelay(b_->address() + "/rdma", a_->address() + "/rdma",
                            20 * int64_t{1000000});
  const std::string large(1000000, 'o');
  MessageView old = TestMessage(MessageType::kAppResp, 77);
  old.context = large;
  std::move(*kept_[0]).Reply(old);
  kept_[0].reset();
  cluster_.RunFor(5);
  cluster_.network.Cut(a_->address(), b_->address());
  cluster_.RunFor(1);
  EXPECT_EQ(b_->Describe(1).ledger.queued.messages, 1u);
  a_->RemovePeer(2);
  a_->AddPeer(2);
  const Outcome* const append = CallAppend(1);
  ASSERT_TRUE(cluster_.RunUntil([&] { return kept_.size() == 2; }));
  cluster_.RunFor(500);
  EXPECT_EQ(append->times, 0) << append->index;
  Answer(1, 78);
  cluster_.RunFor(50);
  EXPECT_EQ(append->index, 78u);
}

// The requests went another way, which is as good as before.
TEST_F(CallEndTest, AnswersOnAFailedLinkAreLostAlsoIfTheRequestsTookAnother) {
  ASSERT_NO_FATAL_FAILURE(OpenWithALinkEach());
  const Outcome* const call = Call("later", "");
  const Outcome* const append = CallAppend(1);
  cluster_.RunFor(10);
  const uint32_t epoch = a_->Describe(2).send_epoch;
  const std::string from = b_->address() + "/rdma";
  const std::string to = a_->address() + "/rdma";
  cluster_.network.SetDelay(from, to, 20 * int64_t{1000000});
  std::move(*kept_[0]).Reply("lost");
  kept_[0].reset();
  Answer(1, 1);
  cluster_.RunFor(5);
  cluster_.network.Cut(from, to);
  ASSERT_TRUE(cluster_.RunUntil([&] { return call->times > 0 && append->times > 0; }));
  EXPECT_EQ(call->status, CallStatus::kUnavailable);
  EXPECT_EQ(append->status, CallStatus::kUnavailable);
  EXPECT_EQ(a_->Describe(2).send_epoch, epoch);
  const Outcome* const next = Call("echo", "again");
  ASSERT_TRUE(cluster_.RunUntil([&] { return next->times > 0; }));
  EXPECT_EQ(next->response, "again");
}

// A gap in a group's appends is none for what belongs to no group.
TEST_F(CallEndTest, CallsBehindALostAppendGoOn) {
  Open();
  cluster_.network.SetDelay(a_->address(), b_->address(), 20 * int64_t{1000000});
  ASSERT_EQ(a_->Send(2, 0, TestAppend(1).view()), SendResult::kAccepted);
  cluster_.RunFor(5);
  cluster_.network.Cut(a_->address(), b_->address());
  cluster_.network.SetDelay(a_->address(), b_->address(), 50000);
  cluster_.RunFor(1);
  const Outcome* const call = Call("echo", "after");
  const Outcome* const append = CallAppend(2);
  ASSERT_TRUE(cluster_.RunUntil([&] { return call->times > 0; }));
  EXPECT_EQ(call->response, "after");
  EXPECT_EQ(append->status, CallStatus::kNotSent);
  EXPECT_EQ(append->text, "behind_gap");
}

TEST_F(CallEndTest, WithoutALinkCallsAreNotSent) {
  Open();
  cluster_.network.RefuseDials(b_->address(), true);
  cluster_.network.RefuseDials(a_->address(), true);
  cluster_.network.Cut(a_->address(), b_->address());
  cluster_.RunFor(10);
  const Outcome* const early = Call("echo", "");
  const Outcome* const first_urgent = Call("echo", "1", 0, Lane::kUrgent);
  const Outcome* const second_urgent = Call("echo", "2", 0, Lane::kUrgent);
  cluster_.RunFor(200);
  EXPECT_EQ(early->status, CallStatus::kNotSent);
  const Outcome* const refused = Call("echo", "");
  cluster_.RunFor(10);
  EXPECT_EQ(refused->status, CallStatus::kNotSent);
  EXPECT_EQ(refused->text, "not_connected");
  // A call is not superseded by a newer one, as a vote would be.
  EXPECT_EQ(first_urgent->times, 0);
  cluster_.RunFor(1000);
  EXPECT_EQ(first_urgent->status, CallStatus::kNotSent);
  EXPECT_EQ(second_urgent->times, 1);
}

TEST_F(CallEndTest, NoMoreCallsThanTheOtherEndTakes) {
  Options second = FakeOptions(2);
  second.calls_max = 10;
  Open(FakeOptions(1), second);
  for (int i = 0; i < 10; ++i) Call("later", "");
  const Outcome* const one_more = Call("later", "");
  cluster_.RunFor(10);
  EXPECT_EQ(one_more->status, CallStatus::kNotSent);
  EXPECT_EQ(kept_.size(), 10u);
  ExpectRoomOnceAnswered();
}

// Those whose callers were told count on, for the other end works on them.
TEST_F(CallEndTest, CallsThatTimedOutStillCount) {
  Options first = FakeOptions(1);
  first.calls_max = 5;
  Open(first);
  for (int i = 0; i < 5; ++i) Call("later", "", /*deadline_ms=*/10);
  cluster_.RunFor(20);
  const Outcome* const more = Call("later", "");
  cluster_.RunFor(1);
  EXPECT_EQ(more->status, CallStatus::kNotSent);
  ExpectRoomOnceAnswered();
}

TEST_F(CallEndTest, AnswersThatTheCallerDoesNotTakeAreErrors) {
  Options first = FakeOptions(1);
  first.message_bytes_max = 64 * 1024;
  Open(first);
  AddEndpoint(b_, "large", [](const Caller&, absl::string_view, Lease, CallResponder responder) {
    std::move(responder).Reply(std::string(100000, 'x'));
  });
  const Outcome* const large = Call("large", "");
  cluster_.RunFor(10);
  EXPECT_EQ(large->status, CallStatus::kServerError);
  EXPECT_EQ(large->text, "the answer is larger than the caller takes");
}

TEST_F(CallEndTest, RemovedPeerAndStopEndAllCalls) {
  Open();
  HoldCounter holds;
  Outcome held;
  const TestAppend append(1);
  a_->CallAppend(2, 0, append.view(), holds.Next(), 0, Record(&held));
  const Outcome* const sent = Call("later", "");
  cluster_.RunFor(10);
  EXPECT_EQ(holds.released(), 1);
  a_->RemovePeer(2);
  cluster_.RunFor(1);
  EXPECT_EQ(sent->status, CallStatus::kUnavailable);
  EXPECT_EQ(held.status, CallStatus::kUnavailable);
  // The other way round.
  Outcome back;
  b_->Call(1, "echo", "", 0, Record(&back));
  b_->Stop();
  EXPECT_EQ(back.times, 1);
  // After the peer and its transport are gone.
  kept_.clear();
}

TEST_F(CallEndTest, DrainWaitsForAnswersInBothDirections) {
  Open();
  AddEndpoint(a_, "later",
              [this](const Caller&, absl::string_view, Lease, CallResponder responder) {
                Keep(std::move(responder));
              });
  const Outcome* const call = Call("later", "");
  Outcome back;
  b_->Call(1, "later", "", 0, Record(&back));
  cluster_.RunFor(10);
  a_->DrainPeer(2);
  cluster_.RunFor(100);
  EXPECT_EQ(a_->Describe(2).drain, DrainState::kDraining);
  for (Kept& kept : kept_) {
    std::move(*kept).Reply("done");
    kept.reset();
  }
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->Describe(2).drain == DrainState::kDrained; }));
  EXPECT_EQ(call->response, "done");
  EXPECT_EQ(back.response, "done");
}

TEST_F(CallEndTest, CallsMayBeMadeWhereCallsEnd) {
  Open();
  Outcome second;
  Outcome third;
  a_->Call(2, "echo", "1", 0, [&](CallResult) {
    a_->Call(2, "nobody", "2", 0, [&](CallResult result) {
      Record (&second)(std::move(result));
      a_->Call(7, "echo", "3", 0, Record(&third));
    });
  });
  cluster_.RunFor(10);
  EXPECT_EQ(second.status, CallStatus::kUnknownEndpoint);
  EXPECT_EQ(third.status, CallStatus::kNotSent);
  EXPECT_EQ(third.text, "unknown_peer");
}

}  // namespace
}  // namespace hawser
