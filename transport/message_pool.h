#ifndef HAWSER_TRANSPORT_MESSAGE_POOL_H_
#define HAWSER_TRANSPORT_MESSAGE_POOL_H_

// Accepted messages that wait to be sent, and the memory they wait in.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "base/mutex.h"
#include "codec/message_view.h"
#include "transport/lane.h"
#include "transport/ownership.h"
#include "transport/types.h"

namespace hawser {

class MessageStore;
class PeerGate;
struct OutgoingCall;

// What a message is to calls.
enum class CallRole : uint8_t {
  kNone,
  kCall,    // A Call.
  kAppend,  // A CallAppend.
  kAnswer,  // To either.
};

// Nobody but who waits for the answer hears of its loss.
inline bool IsUntold(CallRole role) { return role == CallRole::kCall || role == CallRole::kAnswer; }

// One accepted message. Owned by the pool it came from; lent to a queue.
struct QueuedMessage {
  QueuedMessage* next = nullptr;
  QueuedMessage* previous = nullptr;  // in its SendQueue only
  PeerGate* gate = nullptr;
  MessageView view;
  Hold hold;
  GroupId group = 0;
  uint64_t payload_bytes = 0;
  int64_t accepted_ns = 0;
  Lane lane = Lane::kUrgent;
  CallRole role = CallRole::kNone;
  // Of a CallAppend and the message that answers it: the number that travels with it.
  uint64_t call = 0;
  // Of a Call and CallAppend: who waits. The peer's, once it is in its queue.
  OutgoingCall* caller = nullptr;
  // Frames whose link reads the payload where it is: the Hold stays until it no longer does.
  uint32_t pins = 0;
  bool left = false;  // Nothing but pins keep it.
  MessageStore* store = nullptr;
  // From the pool that other threads share.
  bool shared = false;
  uint8_t size_class = 0;
  // Behind this struct: room for the copies.
  char* room() { return reinterpret_cast<char*>(this + 1); }
};

// Payload of a message: entry data, context, snapshot, nested and unknown bytes.
uint64_t PayloadBytesOfAny(const MessageView& message);
inline uint64_t PayloadBytes(const MessageView& message) {
  if (message.entries.size() != 1 || message.snapshot != nullptr || !message.responses.empty()) {
    return PayloadBytesOfAny(message);
  }
  const EntryView& entry = message.entries[0];
  return entry.data.size() + entry.unknown_fields.size() + message.context.size() +
         message.unknown_fields.size();
}

// Bytes that the structs behind a message take: entries, snapshot, responses.
size_t StructBytes(const MessageView& message);

// Copies `message` to `*copy`: its structs to `structs` (StructBytes, aligned as by malloc), and to
// `payload` (PayloadBytes) the bytes that it points at; nullptr: it goes on pointing at them.
void CopyMessage(const MessageView& message, char* structs, char* payload, MessageView* copy);

// Makes QueuedMessages: the structs are always copied, the bytes where there is no Hold.
//
// Two per Transport: one for the polling thread, one (under a lock) for all others. Memory comes
// in powers of two and is kept; copies over 1 MiB are freed again.
class MessagePool {
 public:
  explicit MessagePool(bool shared) : shared_(shared) {}
  ~MessagePool();
  MessagePool(const MessagePool&) = delete;
  MessagePool& operator=(const MessagePool&) = delete;

  // nullptr when there is no memory.
  QueuedMessage* Make(const MessageView& message, Hold hold);
  // Takes back a message; its Hold must have been released.
  void Free(QueuedMessage* message) {
    if (message->size_class >= kKeptClasses) return std::free(message);
    message->next = std::exchange(free_[message->size_class], message);
  }

 private:
  static constexpr int kClasses = 32;
  static constexpr size_t kSmallestBytes = 512;
  static constexpr int kKeptClasses = 12;  // 512 B << 11 = 1 MiB

  const bool shared_;
  QueuedMessage* free_[kKeptClasses] = {};  // by `next`
};

// The two pools of a transport and the choice between them.
//
// Threads: MakeShared, and Free of what it made, on any; all else on the polling thread.
class MessageStore {
 public:
  QueuedMessage* MakeLocal(const MessageView& message, Hold hold) {
    return local_.Make(message, hold);
  }
  QueuedMessage* MakeShared(const MessageView& message, Hold hold) {
    MutexLock lock(&mu_);
    return shared_.Make(message, hold);
  }
  // The Hold that this returns must be released, on the polling thread, when a link no longer reads
  // the message's payload.
  Hold Pin(QueuedMessage* message) {
    ++message->pins;
    message->store = this;
    return {&MessageStore::Unpin, message};
  }
  // Gives back a message that is done with, and releases its Hold; now or with the last pin.
  void Release(QueuedMessage* message) {
    message->left = true;
    if (message->pins != 0) return;
    if (!message->hold.empty()) message->hold.release(message->hold.argument);
    Free(message);
  }
  void Free(QueuedMessage* message) {
    if (!message->shared) {
      local_.Free(message);
      return;
    }
    MutexLock lock(&mu_);
    shared_.Free(message);
  }

 private:
  static void Unpin(void* argument) {
    auto* const message = static_cast<QueuedMessage*>(argument);
    if (--message->pins == 0 && message->left) message->store->Release(message);
  }

  MessagePool local_{false};
  Mutex mu_;
  MessagePool shared_ ABSL_GUARDED_BY(mu_){true};
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_MESSAGE_POOL_H_
