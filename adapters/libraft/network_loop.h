#ifndef HAWSER_ADAPTERS_LIBRAFT_NETWORK_LOOP_H_
#define HAWSER_ADAPTERS_LIBRAFT_NETWORK_LOOP_H_

// A RaftNetwork and a libuv loop on one thread.

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "adapters/libraft/libraft.h"
#include "adapters/libraft/raft_network.h"
#include "adapters/libraft/uv_watch.h"

namespace hawser::libraft {

// Lets a network work before libuv sleeps (prepare), which is also after whatever woke it, and
// sleeps for both.
//
// It sleeps inside Transport::Poll, where a message needs no other thread: until one comes, or
// libuv's next timer is due, or a UvWatch says that one of libuv's descriptors has something. Then
// libuv looks at its own, and does not sleep. That will not do for a loop with other work to do
// before it sleeps: with prepare handles that were active at Open, as of another raft_io, libuv
// sleeps as ever, with the transport's descriptor among its own (Transport::WaitFd).
//
// One per raft_io. Threads: the loop's.
class NetworkLoop {
 public:
  // Both outlive it.
  NetworkLoop(uv_loop_t* loop, RaftNetwork* network) : loop_(loop), network_(network) {}
  NetworkLoop(const NetworkLoop&) = delete;
  NetworkLoop& operator=(const NetworkLoop&) = delete;

  // Gets what sleeping takes; `libuv_sleeps`: libuv must do it. REQUIRES: the network is open.
  absl::Status Open(bool libuv_sleeps);
  // Begins to work.
  void Start();

  // From now on `work` is done before libuv sleeps, and not the network's.
  void Divert(std::function<void()> work) { diverted_ = std::move(work); }
  // Lets go of the network's transport; it must be done before the network closes.
  void Release();
  // The last call: `ended` comes in the loop's next turn. REQUIRES: Start, Release.
  void End(std::function<void()> ended);

  bool libuv_sleeps() const { return watch_ == nullptr; }

 private:
  static void OnPrepare(uv_prepare_t* prepare);
  // Whether something else on the loop works before it sleeps; other raft_ios let libuv sleep then.
  absl::StatusOr<bool> HasCompany();
  absl::Status LetLibuvSleep();
  void Turn();
  // Until when the network may sleep; `looked`: it may have slept in this turn already.
  absl::Time SleepUntil(bool* looked);
  // Libuv sleeps no longer than that.
  void SleepAtMost(absl::Duration rest);

  uv_loop_t* const loop_;
  RaftNetwork* const network_;
  std::unique_ptr<UvWatch> watch_;
  uv_poll_t* poll_ = nullptr;  // Frees itself: raft_init may fail when it is there.
  uv_prepare_t prepare_{};
  uv_timer_t timer_{};
  bool started_ = false;
  std::function<void()> diverted_;
  std::function<void()> ended_;
};

}  // namespace hawser::libraft

#endif  // HAWSER_ADAPTERS_LIBRAFT_NETWORK_LOOP_H_
