#ifndef HAWSER_TRANSPORT_INBOX_H_
#define HAWSER_TRANSPORT_INBOX_H_

// The one way into the loop thread from any other.

#include <atomic>
#include <functional>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "transport/message_pool.h"

namespace hawser {

// Messages (often, without a lock) and commands (rarely) on their way to the loop thread.
//
// One per Loop. Threads: Push and Post from any; Take and Sleep on the loop thread.
// A push after the loop last looked and before it sleeps is never missed: the loop says that it
// sleeps before it looks, the pusher pushes before it asks whether the loop sleeps.
class Inbox {
 public:
  using Command = std::function<void()>;

  // Both: true when the loop sleeps and must be woken.
  bool Push(QueuedMessage* message) {
    QueuedMessage* head = messages_.load(std::memory_order_relaxed);
    do {
      message->next = head;
    } while (!messages_.compare_exchange_weak(head, message));
    return sleeping_.load();
  }
  bool Post(Command command) {
    {
      MutexLock lock(&mu_);
      commands_.push_back(std::move(command));
      has_commands_.store(true);
    }
    return sleeping_.load();
  }

  // All messages, linked by `next`, in the order of each pusher; nullptr when there are none.
  // Take them before the commands, and handle them after: a message for a peer that a command adds
  // was pushed after it.
  QueuedMessage* TakeMessages() {
    if (messages_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    QueuedMessage* newest_first = messages_.exchange(nullptr);
    QueuedMessage* oldest_first = nullptr;
    while (newest_first != nullptr) {
      QueuedMessage* next = newest_first->next;
      newest_first->next = oldest_first;
      oldest_first = newest_first;
      newest_first = next;
    }
    return oldest_first;
  }

  // Something waits: a message of the loop's thread must not overtake it, be it another thread's
  // message to the same peer or the command that makes or removes that peer.
  bool waiting() const {
    return messages_.load(std::memory_order_relaxed) != nullptr ||
           has_commands_.load(std::memory_order_relaxed);
  }

  std::vector<Command> TakeCommands() {
    std::vector<Command> commands;
    if (!has_commands_.load()) return commands;
    MutexLock lock(&mu_);
    commands.swap(commands_);
    has_commands_.store(false);
    return commands;
  }

  // The loop is about to wait. False: something came, it must not.
  bool Sleep() {
    sleeping_.store(true);
    if (messages_.load() == nullptr && !has_commands_.load()) return true;
    sleeping_.store(false);
    return false;
  }
  void Awake() { sleeping_.store(false, std::memory_order_relaxed); }

 private:
  std::atomic<QueuedMessage*> messages_{nullptr};
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> has_commands_{false};

  Mutex mu_;
  std::vector<Command> commands_ ABSL_GUARDED_BY(mu_);
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_INBOX_H_
