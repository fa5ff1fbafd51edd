// Calls of a FakeNode: what the front door does with them.

#include <utility>

#include "base/check.h"
#include "tests/support/fake_node.h"
#include "transport/call_message.h"
#include "transport/peer_calls.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

}  // namespace

CallId FakeNode::StartCall(NodeId node, QueuedMessage* queued, int64_t deadline_ms, CallDone done) {
  auto call = std::make_unique<OutgoingCall>();
  const CallId id = call->id = last_call_;
  call->append = queued->role == CallRole::kAppend;
  call->group = queued->group;
  if (deadline_ms != 0) call->deadline_ns = network_->now_ns() + deadline_ms * kMs;
  call->done = std::move(done);
  core_->set_now(network_->now_ns());
  queued->gate = directory_.Find(node);
  const SendResult entered = !running_ ? SendResult::kStopped
                             : queued->gate == nullptr
                                 ? SendResult::kUnknownPeer
                                 : queued->gate->TryEnter(queued->lane, queued->payload_bytes);
  if (entered != SendResult::kAccepted) {
    messages_.Release(queued);
    core_->Complete(std::move(call->done), CallStatus::kNotSent, SendResultName(entered));
  } else {
    queued->caller = call.release();
    core_->Enqueue(queued);
  }
  loop_->set_unsent();
  return id;
}

CallId FakeNode::Call(NodeId node, absl::string_view endpoint, absl::string_view request,
                      int64_t deadline_ms, CallDone done, Lane lane) {
  EntryView entry;
  QueuedMessage* const queued = messages_.MakeLocal(
      ViewOf(CallRequest{++last_call_, static_cast<uint64_t>(deadline_ms), endpoint, request},
             &entry),
      Hold());
  HAWSER_CHECK(queued != nullptr);
  queued->lane = lane;
  queued->role = CallRole::kCall;
  return StartCall(node, queued, deadline_ms, std::move(done));
}

CallId FakeNode::CallAppend(NodeId node, GroupId group, const MessageView& message, Hold hold,
                            int64_t deadline_ms, CallDone done) {
  MessageView of_call = message;
  of_call.zero_fields |= kCallBit;
  QueuedMessage* const queued = messages_.MakeLocal(of_call, hold);
  HAWSER_CHECK(queued != nullptr);
  ++last_call_;
  queued->group = group;
  queued->lane = Lane::kAppend;
  queued->role = CallRole::kAppend;
  return StartCall(node, queued, deadline_ms, std::move(done));
}

}  // namespace hawser
