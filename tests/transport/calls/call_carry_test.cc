// What calls carry, who may make them, and in which order appends are answered.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/transport/calls/call_nodes.h"

namespace hawser {
namespace {

using CallCarryTest = PeerCallTest;

TEST_F(CallCarryTest, AnswersComeBackWithWhatTheyCarry) {
  Open();
  const std::string large(3000000, 'x');
  const Outcome* const small = Call("echo", "hello");
  const Outcome* const empty = Call("echo", "");
  const Outcome* const fragmented = Call("echo", large);
  const Outcome* const bulk = Call("echo", large, 0, Lane::kBulk);
  const Outcome* const urgent = Call("echo", "now", 0, Lane::kUrgent);
  const Outcome* const unknown = Call("nobody", "hello");
  cluster_.RunFor(1000);
  EXPECT_EQ(small->response, "hello");
  EXPECT_EQ(empty->status, CallStatus::kOk);
  EXPECT_EQ(empty->response, "");
  EXPECT_EQ(fragmented->response, large);
  EXPECT_EQ(bulk->response, large);
  EXPECT_EQ(urgent->response, "now");
  EXPECT_EQ(unknown->status, CallStatus::kUnknownEndpoint);
  for (const auto& outcome : outcomes_) EXPECT_EQ(outcome->times, 1);
  const PeerStatus status = a_->Describe(2);
  EXPECT_EQ(status.calls_done[static_cast<int>(CallStatus::kOk)], 5u);
  EXPECT_EQ(status.calls_done[static_cast<int>(CallStatus::kUnknownEndpoint)], 1u);
  EXPECT_EQ(status.calls_waiting, 0u);
  EXPECT_EQ(b_->Describe(1).calls_received, 6u);
  EXPECT_EQ(b_->Describe(1).calls_served, 0u);
}

TEST_F(CallCarryTest, ErrorsAreToldAsWhatTheyAre) {
  Open();
  AddEndpoint(b_, "request", [](const Caller&, absl::string_view, Lease, CallResponder responder) {
    std::move(responder).Fail(CallStatus::kRequestError, "not like this");
  });
  AddEndpoint(b_, "impostor", [](const Caller&, absl::string_view, Lease, CallResponder responder) {
    std::move(responder).Fail(CallStatus::kUnavailable, std::string(1000, 'x'));
  });
  AddEndpoint(b_, "drops", [](const Caller&, absl::string_view, Lease, CallResponder) {});
  AddEndpoint(b_, "message", [](const Caller&, absl::string_view, Lease, CallResponder responder) {
    std::move(responder).Reply(TestMessage(MessageType::kAppResp));
  });
  const Outcome* const request = Call("request", "");
  const Outcome* const impostor = Call("impostor", "");
  const Outcome* const drops = Call("drops", "");
  const Outcome* const message = Call("message", "");
  cluster_.RunFor(10);
  EXPECT_EQ(request->status, CallStatus::kRequestError);
  EXPECT_EQ(request->text, "not like this");
  EXPECT_EQ(impostor->status, CallStatus::kServerError);
  EXPECT_EQ(impostor->text.size(), 256u);
  EXPECT_EQ(drops->status, CallStatus::kServerError);
  EXPECT_EQ(message->status, CallStatus::kServerError);
}

TEST_F(CallCarryTest, EndpointsAreForThoseWhoMayCallThem) {
  Open();
  EndpointOptions options;
  options.callers = {3};
  int runs = 0;
  AddEndpoint(
      b_, "private", [&runs](const Caller&, absl::string_view, Lease, CallResponder) { ++runs; },
      options);
  options.callers = {1, 3};
  AddEndpoint(
      b_, "ours",
      [](const Caller& caller, absl::string_view, Lease, CallResponder responder) {
        EXPECT_EQ(caller.node, 1u);
        EXPECT_FALSE(caller.provisional);
        std::move(responder).Reply("in");
      },
      options);
  const Outcome* const refused = Call("private", "");
  const Outcome* const let_in = Call("ours", "");
  cluster_.RunFor(10);
  EXPECT_EQ(refused->status, CallStatus::kPermissionDenied);
  EXPECT_EQ(let_in->response, "in");
  EXPECT_EQ(runs, 0);
  for (const EndpointStatus& endpoint : b_->Describe().endpoints) {
    EXPECT_EQ(endpoint.refused, endpoint.name == "private" ? 1u : 0u);
  }
}

TEST_F(CallCarryTest, ProvisionalNodesMayCallWhatSaysSo) {
  a_ = cluster_.Add(1);
  b_ = cluster_.Add(2);
  b_->raft.unknown_peer = UnknownPeerVerdict::kProvisional;
  const EndpointHandler answer = [](const Caller&, absl::string_view, Lease,
                                    CallResponder responder) { std::move(responder).Reply("in"); };
  EndpointOptions options;
  AddEndpoint(b_, "members", answer, options);
  options.provisional = true;
  AddEndpoint(b_, "join", answer, options);
  a_->AddPeer(2);
  a_->Start();
  b_->Start();
  ASSERT_TRUE(cluster_.RunUntil([&] { return a_->Describe(2).state == PeerState::kUp; }));
  const Outcome* const members = Call("members", "");
  const Outcome* const join = Call("join", "");
  cluster_.RunFor(10);
  EXPECT_EQ(members->status, CallStatus::kPermissionDenied);
  EXPECT_EQ(join->status, CallStatus::kOk);
}

TEST_F(CallCarryTest, AppendsAreAnsweredInTheOrderOfTheCalls) {
  Open();
  std::vector<const Outcome*> calls;
  for (uint64_t i = 0; i < 5; ++i) calls.push_back(CallAppend(i));
  const Outcome* const other_group = CallAppend(0, /*group=*/9);
  cluster_.RunFor(10);
  ASSERT_EQ(kept_.size(), 6u);
  EXPECT_EQ(b_->Describe(1).calls_served, 6u);
  for (const size_t at : {4, 2, 5, 1}) Answer(at, 100 + at);
  cluster_.RunFor(10);
  EXPECT_EQ(order_, std::vector<const Outcome*>{other_group});
  std::move(*kept_[0]).Fail(CallStatus::kRequestError, "a gap");
  kept_[0].reset();
  cluster_.RunFor(10);
  EXPECT_EQ(order_.size(), 4u);
  Answer(3, 103);
  cluster_.RunFor(10);
  ASSERT_EQ(order_.size(), 6u);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(order_[1 + i], calls[i]);
  EXPECT_EQ(calls[0]->status, CallStatus::kRequestError);
  EXPECT_EQ(calls[0]->text, "a gap");
  for (size_t i = 1; i < 5; ++i) {
    EXPECT_EQ(calls[i]->type, MessageType::kAppResp);
    EXPECT_EQ(calls[i]->index, 100 + i);
  }
}

// After the first, an append and its answer take no more bytes than without a call.
TEST_F(CallCarryTest, CallsOfAppendsTakeNoMoreBytesThanSends) {
  Open();
  b_->raft.on_call_append = [](NodeId, GroupId, const MessageView& message,
                               CallResponder responder) {
    std::move(responder).Reply(TestMessage(MessageType::kAppResp, message.index + 1));
  };
  b_->raft.on_message = [&](NodeId, GroupId group, const MessageView& message, Lease*) {
    if (group != 1) return;
    b_->Send(1, 1, TestMessage(MessageType::kAppResp, message.index + 1));
  };
  const auto bytes = [&] {
    uint64_t sum = 0;
    for (const MessageType type : {MessageType::kApp, MessageType::kAppResp}) {
      sum += a_->Describe(2).codec_sent[static_cast<int>(type)].bytes +
             b_->Describe(1).codec_sent[static_cast<int>(type)].bytes;
    }
    return sum;
  };
  const auto take = [&](bool call, uint64_t first) {
    for (uint64_t i = first; i < first + 3; ++i) {
      call ? void(CallAppend(i)) : void(a_->Send(2, 1, TestAppend(i).view()));
      cluster_.RunFor(10);
    }
    const uint64_t before = bytes();
    for (uint64_t i = first + 3; i < first + 50; ++i) {
      call ? void(CallAppend(i)) : void(a_->Send(2, 1, TestAppend(i).view()));
      cluster_.RunFor(10);
    }
    return bytes() - before;
  };
  const uint64_t sends = take(false, 1);
  EXPECT_EQ(take(true, 1), sends);
  EXPECT_EQ(order_.size(), 50u);
}

}  // namespace
}  // namespace hawser
