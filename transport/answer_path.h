#ifndef HAWSER_TRANSPORT_ANSWER_PATH_H_
#define HAWSER_TRANSPORT_ANSWER_PATH_H_

// The way of an answer from any thread to the peer whose call it answers.

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "codec/message_codec.h"
#include "transport/call.h"
#include "transport/message_pool.h"

namespace hawser {

// The loop thread, for who may be on another one.
class AnswerHost {
 public:
  virtual bool OnLoopThread() const = 0;
  // Something was queued, on the loop thread, perhaps outside of a turn.
  virtual void SetUnsent() = 0;
  // Runs `command` there; false when it never will.
  virtual bool Post(std::function<void()> command) = 0;

 protected:
  ~AnswerHost() = default;
};

// Copies an answer into a message and brings it to the loop thread.
//
// One per Peer, made by it; responders keep it alive, also after the peer and the transport.
// Threads: Answer on any; the rest on the loop thread.
class AnswerPath final : public CallResponder::Sink,
                         public std::enable_shared_from_this<AnswerPath> {
 public:
  // Who gets the answers, on the loop thread.
  class Taker {
   public:
    // The call is named as when the path gave its responder. `answer` becomes the taker's.
    virtual void OnAnswer(uint64_t call, QueuedMessage* answer) = 0;

   protected:
    ~Taker() = default;
  };

  AnswerPath(const CodecLimits& limits, AnswerHost* host, MessageStore* messages, Taker* taker)
      : limits_(limits), host_(host), messages_(messages), taker_(taker) {}

  // No answer comes any more.
  void Detach();

  void Answer(uint64_t call, CallStatus status, absl::string_view bytes,
              const MessageView* message) override;

 private:
  QueuedMessage* Make(CallStatus status, absl::string_view bytes, const MessageView* message,
                      bool here) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const CodecLimits limits_;
  Mutex mu_;
  AnswerHost* const host_;
  MessageStore* const messages_;
  Taker* taker_ ABSL_GUARDED_BY(mu_);  // With it go host and messages.
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_ANSWER_PATH_H_
