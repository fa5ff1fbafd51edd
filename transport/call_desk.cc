#include "transport/call_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/call_message.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;
// Calls of the other end that are not answered, in calls_max: some may be of epochs that are over,
// and still be worked on.
constexpr uint64_t kServedFactor = 4;
// A caller that waits longer waits for ever.
constexpr uint64_t kTimeMsMax = uint64_t{1} << 40;

}  // namespace

CallDesk::CallDesk(Core* core, Peer* peer, const CodecLimits& limits)
    : core_(core),
      peer_(peer),
      path_(std::make_shared<AnswerPath>(limits, core->answers(), core->messages(), this)) {}

CallDesk::~CallDesk() {
  path_->Detach();
  ForgetServed();
}

void CallDesk::Describe(PeerStatus* status) const {
  status->calls_waiting = calls_.waiting();
  status->calls_served = served_.size();
  status->calls_done = done_;
  status->calls_received = received_;
  status->answers_late = late_;
}

bool CallDesk::TakeLimits(const Hello& hello) {
  constexpr uint64_t kForCalls = kFeatureCalls | kFeaturePredicted;
  calls_max_there_ = (hello.features & kForCalls) == kForCalls ? hello.calls_max : 0;
  message_bytes_max_there_ = hello.message_bytes_max;
  return calls_.size() <= CallsMax();
}

// --- Calls of ours ---

size_t CallDesk::CallsMax() const { return std::min(core_->options().calls_max, calls_max_there_); }

void CallDesk::End(CallDone done, CallStatus status, absl::string_view text) {
  if (!done) return;
  ++done_[static_cast<int>(status)];
  core_->Complete(std::move(done), status, std::string(text));
  core_->MarkDirty(peer_);
}

bool CallDesk::Admit(QueuedMessage* message) {
  PeerCalls::Owned call(message->caller);
  if (calls_.size() >= CallsMax()) {
    message->caller = nullptr;
    End(std::move(call->done), CallStatus::kNotSent,
        calls_max_there_ == 0 ? std::string("the peer takes no calls")
                              : absl::StrCat(calls_.size(), " calls wait for their answer"));
    return false;
  }
  message->caller = calls_.Add(std::move(call));
  if (message->caller->append) message->call = message->caller->number;
  core_->WakeAt(message->caller->deadline_ns);
  return true;
}

void CallDesk::Posted(QueuedMessage* message) {
  if (message->role == CallRole::kAnswer) {
    --answers_queued_;
  } else {
    std::exchange(message->caller, nullptr)->posted = true;
  }
}

void CallDesk::Lost(QueuedMessage* message, LossReason reason) {
  if (message->role == CallRole::kAnswer) {
    --answers_queued_;
    return;
  }
  const PeerCalls::Owned call = calls_.Take(std::exchange(message->caller, nullptr));
  End(std::move(call->done), CallStatus::kNotSent, LossReasonName(reason));
}

void CallDesk::Fail() {
  if (calls_.size() == 0) return;
  for (const PeerCalls::Owned& call : calls_.TakePosted()) {
    End(std::move(call->done), CallStatus::kUnavailable, "the link was lost; executed: unknown");
  }
}

void CallDesk::Expire(int64_t now_ns) {
  while (const CallId call = calls_.Overdue(now_ns)) {
    End(calls_.Tell(call), CallStatus::kDeadlineExceeded, "no answer in time");
  }
}

bool CallDesk::Cancel(CallId call) {
  CallDone done = calls_.Tell(call);
  if (!done) return false;
  End(std::move(done), CallStatus::kCancelled, "cancelled");
  return true;
}

void CallDesk::TakeAnswer(PeerCalls::Owned call, CallResult result) {
  if (call == nullptr || !call->done) {
    ++late_;
    return;
  }
  ++done_[static_cast<int>(result.status)];
  std::move(call->done)(std::move(result));
}

// --- What comes ---

CloseReason CallDesk::Deliver(const DecodedMessage& decoded, uint64_t number, Lane lane,
                              Lease lease) {
  const MessageView& message = decoded.message;
  if (calls_max_there_ == 0) return CloseReason::kBadMessage;
  if (message.type == kCallType) return ServeCall(decoded, lane, std::move(lease));
  if (message.type == kCallAnswerType) return DeliverAnswer(decoded, std::move(lease));
  if (message.type == MessageType::kApp) return ServeAppend(decoded, number, std::move(lease));
  CallResult result;
  result.message = &message;
  result.lease = std::move(lease);
  TakeAnswer(calls_.TakeAnsweredAppend(decoded.group, number), std::move(result));
  return CloseReason::kNone;
}

CloseReason CallDesk::DeliverAnswer(const DecodedMessage& decoded, Lease lease) {
  CallAnswer answer;
  if (!ReadAnswer(decoded.message, &answer)) return CloseReason::kBadMessage;
  // Only a message says that an append went well.
  if (answer.to_append && answer.status == CallStatus::kOk) return CloseReason::kBadMessage;
  CallResult result;
  result.lease = std::move(lease);
  result.status = answer.status;
  (answer.status == CallStatus::kOk ? result.response : result.text) = answer.bytes;
  TakeAnswer(answer.to_append ? calls_.TakeAnsweredAppend(decoded.group, answer.number)
                              : calls_.TakeAnswered(answer.number),
             std::move(result));
  return CloseReason::kNone;
}

bool CallDesk::ServesTooMany() const {
  return served_.size() + answers_queued_ >= kServedFactor * core_->options().calls_max;
}

CloseReason CallDesk::ServeCall(const DecodedMessage& decoded, Lane lane, Lease lease) {
  CallRequest request;
  if (!ReadCall(decoded.message, &request)) return CloseReason::kBadMessage;
  if (ServesTooMany()) return CloseReason::kCallLimit;
  ++received_;
  ServedCalls::Call call;
  call.number = request.number;
  call.lane = lane;
  CallResponder responder(path_, served_.Add(call));
  if (core_->endpoints() == nullptr) {
    std::move(responder).Fail(CallStatus::kUnknownEndpoint, "no such endpoint");
    return CloseReason::kNone;
  }
  const bool endless = request.time_ms == 0 || request.time_ms > kTimeMsMax;
  const int64_t deadline_ns = endless
                                  ? std::numeric_limits<int64_t>::max()
                                  : core_->now_ns() + static_cast<int64_t>(request.time_ms) * kMs;
  core_->endpoints()->Run({peer_->node(), peer_->provisional_until_ns != 0}, request.endpoint,
                          request.bytes, std::move(lease), deadline_ns, std::move(responder));
  return CloseReason::kNone;
}

CloseReason CallDesk::ServeAppend(const DecodedMessage& decoded, uint64_t number, Lease lease) {
  if (ServesTooMany()) return CloseReason::kCallLimit;
  ++received_;
  ServedCalls::Call call;
  call.append = true;
  call.group = decoded.group;
  call.number = number;
  core_->handler()->OnCallAppend(peer_->node(), decoded.group, decoded.message, std::move(lease),
                                 CallResponder(path_, served_.Add(call)));
  return CloseReason::kNone;
}

// --- Answers of ours ---

void CallDesk::OnAnswer(uint64_t call, QueuedMessage* answer) {
  const bool taken =
      served_.Answer(call, answer, [this](const ServedCalls::Call& served) { SendAnswer(served); });
  if (!taken) core_->Release(answer);
}

void CallDesk::ForgetServed() {
  served_.Clear([this](QueuedMessage* answer) { core_->Release(answer); });
}

// The answer, or one in its stead that says what is wrong with it; nullptr: there is no memory.
QueuedMessage* CallDesk::CheckAnswer(const ServedCalls::Call& call) {
  QueuedMessage* const answer = call.answer;
  const bool by_message = answer->view.type != kCallAnswerType;
  const bool ok = by_message || answer->view.log_term == static_cast<uint64_t>(CallStatus::kOk);
  absl::string_view wrong;
  if (ok && by_message != call.append) {
    wrong = call.append ? "an append was answered by bytes" : "a call was answered by a message";
  } else if (MessageEncoder::SizeBound(answer->view) > message_bytes_max_there_) {
    wrong = "the answer is larger than the caller takes";
  }
  if (wrong.empty()) return answer;
  core_->Release(answer);
  EntryView entry;
  const CallAnswer error{call.number, call.append, CallStatus::kServerError, wrong};
  return core_->messages()->MakeLocal(ViewOf(error, &entry), Hold());
}

void CallDesk::SendAnswer(const ServedCalls::Call& call) {
  QueuedMessage* const message = CheckAnswer(call);
  if (message == nullptr) return;
  const size_t size_bound = MessageEncoder::SizeBound(message->view);
  if (message->view.type == kCallAnswerType) {
    message->view.commit = call.number;
    message->view.reject = call.append;
    message->lane = LaneForBytes(call.lane, size_bound);
  } else {
    message->call = call.number;
    message->lane = LaneOf(message->view.type, size_bound);
  }
  message->gate = peer_->gate();
  message->group = call.group;
  message->role = CallRole::kAnswer;
  message->accepted_ns = core_->now_ns();
  message->gate->Enter(message->lane, message->payload_bytes);
  ++answers_queued_;
  peer_->Enqueue(message);
}

}  // namespace hawser
