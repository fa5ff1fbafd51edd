#include "transport/answer_path.h"

#include <utility>

#include "base/log.h"
#include "codec/raftpb_wire.h"
#include "transport/call_message.h"

namespace hawser {
namespace {

// A message between two threads: freed if it never arrives.
struct OnItsWay {
  OnItsWay(MessageStore* store, QueuedMessage* made) : messages(store), message(made) {}
  ~OnItsWay() {
    if (message != nullptr) messages->Free(message);
  }
  OnItsWay(const OnItsWay&) = delete;
  OnItsWay& operator=(const OnItsWay&) = delete;

  MessageStore* const messages;
  QueuedMessage* message;
};

}  // namespace

void AnswerPath::Detach() {
  MutexLock lock(&mu_);
  taker_ = nullptr;
}

QueuedMessage* AnswerPath::Make(CallStatus status, absl::string_view bytes,
                                const MessageView* message, bool here) {
  const auto make = [this, here](const MessageView& view) {
    return here ? messages_->MakeLocal(view, Hold()) : messages_->MakeShared(view, Hold());
  };
  if (message != nullptr && IsEncodable(*message) && limits_.Allow(*message)) {
    MessageView of_call = *message;
    of_call.zero_fields |= kCallBit;
    return make(of_call);
  }
  CallAnswer answer;
  EntryView entry;
  answer.status = message != nullptr ? CallStatus::kServerError : status;
  answer.bytes = message != nullptr ? "the answer is a message that cannot be sent" : bytes;
  if (!limits_.Allow(ViewOf(answer, &entry))) {
    answer.status = CallStatus::kServerError;
    answer.bytes = "the answer is larger than message_bytes_max";
  }
  return make(ViewOf(answer, &entry));
}

void AnswerPath::Answer(uint64_t call, CallStatus status, absl::string_view bytes,
                        const MessageView* message) {
  MutexLock lock(&mu_);
  if (taker_ == nullptr) return;
  const bool here = host_->OnLoopThread();
  QueuedMessage* const answer = Make(status, bytes, message, here);
  // Then the caller hears nothing, as if it were lost.
  if (answer == nullptr) return Log("no memory for the answer to a call");
  if (here) {
    taker_->OnAnswer(call, answer);
    return host_->SetUnsent();
  }
  auto on_its_way = std::make_shared<OnItsWay>(messages_, answer);
  host_->Post([self = shared_from_this(), call, on_its_way] {
    MutexLock arrival_lock(&self->mu_);
    if (self->taker_ == nullptr) return;
    self->taker_->OnAnswer(call, std::exchange(on_its_way->message, nullptr));
  });
}

}  // namespace hawser
