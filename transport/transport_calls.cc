// Calls at the front door.

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "base/monotonic.h"
#include "transport/call_message.h"
#include "transport/peer_calls.h"
#include "transport/transport_impl.h"

namespace hawser {
namespace {

// What is left until `deadline`, as it is sent; 0: there is none.
uint64_t TimeMs(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return 0;
  return static_cast<uint64_t>(
      std::max<int64_t>(1, absl::ToInt64Milliseconds(deadline - absl::Now())));
}

}  // namespace

void Transport::Impl::Refuse(Hold hold, CallDone done, const char* text) {
  auto shared_done = std::make_shared<CallDone>(std::move(done));
  auto end = [hold, shared_done, text] {
    if (!hold.empty()) hold.release(hold.argument);
    CallResult result;
    result.status = CallStatus::kNotSent;
    result.text = text;
    std::move (*shared_done)(std::move(result));
  };
  if (!Post(end)) end();
}

CallId Transport::Impl::StartCall(NodeId node, Sending sending, const MessageView& message,
                                  Hold hold, absl::Time deadline, CallDone done) {
  auto call = std::make_unique<OutgoingCall>();
  const CallId id = message.type == kCallType ? message.commit : ++last_call_;
  call->id = id;
  call->append = sending.role == CallRole::kAppend;
  call->group = sending.group;
  call->deadline_ns = ToMonotonicNs(deadline);
  call->done = std::move(done);
  sending.caller = call.get();
  SendResult result = SendResult::kStopped;
  if (state_.load(std::memory_order_relaxed) == State::kRunning) {
    PeerGate* const gate = directory_.Find(node);
    result = gate == nullptr ? SendResult::kUnknownPeer : Accept(gate, sending, message, hold);
  }
  if (result != SendResult::kAccepted) {
    Refuse(hold, std::move(call->done), SendResultName(result));
    return id;
  }
  // Now the peer's.
  call.release();  // NOLINT(bugprone-unused-return-value)
  return id;
}

CallId Transport::Impl::Call(NodeId node, absl::string_view endpoint, absl::string_view request,
                             absl::Time deadline, CallDone done, Lane lane) {
  const CallId id = ++last_call_;
  EntryView entry;
  const MessageView message = ViewOf(CallRequest{id, TimeMs(deadline), endpoint, request}, &entry);
  if (!IsEndpointName(endpoint)) {
    Refuse({}, std::move(done), "the name of an endpoint is 1 to 64 bytes");
    return id;
  }
  if (!limits_.Allow(message)) {
    Refuse({}, std::move(done), SendResultName(SendResult::kTooLarge));
    return id;
  }
  Sending sending;
  sending.role = CallRole::kCall;
  sending.lane = LaneForBytes(lane, MessageEncoder::SizeBound(message));
  return StartCall(node, sending, message, {}, deadline, std::move(done));
}

CallId Transport::Impl::CallAppend(NodeId node, GroupId group, const MessageView& message,
                                   Hold hold, absl::Time deadline, CallDone done) {
  SendResult checked = Check(message, MessageEncoder::SizeBound(message));
  if (checked == SendResult::kAccepted && message.type != MessageType::kApp) {
    checked = SendResult::kMalformed;
  }
  if (checked != SendResult::kAccepted) {
    Refuse(hold, std::move(done), SendResultName(checked));
    return ++last_call_;
  }
  MessageView of_call = message;
  of_call.zero_fields |= kCallBit;
  Sending sending;
  sending.group = group;
  sending.role = CallRole::kAppend;
  sending.lane = Lane::kAppend;
  return StartCall(node, sending, of_call, hold, deadline, std::move(done));
}

void Transport::Impl::Cancel(CallId call) {
  if (call == 0) return;
  // Behind the call itself.
  Post([this, call] { Post([this, call] { core_.Cancel(call); }); });
}

absl::Status Transport::Impl::RegisterEndpoint(absl::string_view endpoint, EndpointHandler handler,
                                               EndpointOptions options) {
  if (state_.load() != State::kNew) {
    return absl::FailedPreconditionError("endpoints are registered before Start");
  }
  return endpoints_.Add(endpoint, std::move(handler), std::move(options));
}

}  // namespace hawser
