#ifndef HAWSER_TRANSPORT_GRPC_WAIT_FD_H_
#define HAWSER_TRANSPORT_GRPC_WAIT_FD_H_

// A descriptor to sleep on, for a completion queue that has none.

#include <grpcpp/completion_queue.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace hawser {

// Waits for the next event of a completion queue in a thread of its own and makes a descriptor
// readable when it has one. It hands over that one wake-up (the event's tag) and then rests until
// it is armed again: messages are read and handled by the thread that polls.
//
// At most one per GrpcProvider, made when WaitFd is first called. Threads: Arm and Take on the
// polling thread.
class WaitFdWatcher {
 public:
  // An event that the watcher took from the queue.
  struct Event {
    void* tag;
    bool ok;
  };

  // nullptr when there is no descriptor to be had.
  static std::unique_ptr<WaitFdWatcher> Create(grpc::CompletionQueue* queue);
  // The queue must have been shut down.
  ~WaitFdWatcher();

  int fd() const { return fd_; }

  // Nothing is left to do: from now on the descriptor tells of the next event.
  void Arm();

  // It waits for the next event in the queue: whoever looks there too finds nothing, but disturbs
  // it. Polling thread.
  bool waiting() const { return waiting_.load(std::memory_order_acquire); }

  // Moves what the watcher took to `events` and makes the descriptor silent.
  void Take(std::vector<Event>* events);

 private:
  WaitFdWatcher(grpc::CompletionQueue* queue, int fd);
  void Run();

  grpc::CompletionQueue* const queue_;
  const int fd_;

  Mutex mu_;
  CondVar changed_;
  bool armed_ ABSL_GUARDED_BY(mu_) = true;  // the first sleep may come before the first Poll
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Event> taken_ ABSL_GUARDED_BY(mu_);
  // armed_, for those who do not lock. Set by Arm, cleared by the watcher after it took an event.
  std::atomic<bool> waiting_{true};

  std::thread thread_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_WAIT_FD_H_
