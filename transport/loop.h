#ifndef HAWSER_TRANSPORT_LOOP_H_
#define HAWSER_TRANSPORT_LOOP_H_

// The loop: its order of work, its clock, and the thread that may run it.

#include <atomic>
#include <cstdint>
#include <thread>

#include "transport/core.h"
#include "transport/inbox.h"
#include "transport/link.h"
#include "transport/options.h"

namespace hawser {

// Where a Loop takes the time from. Threads: any.
class LoopClock {
 public:
  virtual int64_t NowNs() const = 0;

 protected:
  ~LoopClock() = default;
};

// Runs a Core: turn by turn, in the user's thread or in its own.
//
// One per Transport. A turn: what other threads handed over, what is queued and due, then what
// links have to say, then what that caused to be sent. The only place that reads the clock for
// the core.
// Threads: Turn on one thread at a time; OnLoopThread, Submit and Run from any.
class Loop : public LinkAcceptor {
 public:
  // `clock` nullptr: the monotonic clock.
  Loop(const Options& options, Core* core, LinkProvider* provider,
       const LoopClock* clock = nullptr);
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Messages of other threads are not queued yet, or commands not done; what is sent now must line
  // up behind them. Loop thread.
  bool InboxWaits() const { return taking_inbox_ || inbox_.waiting(); }
  // The calling thread is the one that runs callbacks.
  bool OnLoopThread() const {
    return std::this_thread::get_id() == thread_id_.load(std::memory_order_relaxed);
  }
  // Inside a turn, on its thread.
  bool InTurn() const { return OnLoopThread() && in_turn_; }

  // Begins to accept and dial, and starts the thread in LoopMode::kThread.
  void Start();

  // Hands a message over. Any thread but the loop's.
  void Submit(QueuedMessage* message) {
    if (inbox_.Push(message)) provider_->Wake();
  }
  // Runs `command` in the next turn.
  void Post(Inbox::Command command) {
    if (inbox_.Post(std::move(command))) provider_->Wake();
  }

  // One turn, waiting for work until `deadline_ns`; returns the number of link events.
  int Turn(int64_t deadline_ns);

  // When Turn must be called even if no link has anything to say.
  int64_t NextDeadlineNs() const;

  // A descriptor that is readable when Turn has work; -1 when there is none. Polling thread, or
  // before the first turn.
  int WaitFd();

  // A message was queued by the loop's thread outside of a turn.
  void set_unsent() { unsent_ = true; }

  // Goes on turning until all is acknowledged or `deadline_ns` has passed, then ends everything.
  // On the loop's thread, or on any when none runs.
  void RunDown(int64_t deadline_ns);

  // Makes the thread run down and waits for it. Once, not on the loop thread.
  void StopThread(int64_t deadline_ns);
  bool has_thread() const { return thread_.joinable(); }

  // Called inside a turn: its end runs down.
  void StopAtEndOfTurn(int64_t deadline_ns);
  bool ended() const { return ended_.load(); }

 private:
  LinkEvents* OnAccepted(Link* link) override { return core_->OnAccepted(link); }
  void BeforeEvents() override;
  int64_t NowNs() const;
  void TakeInbox();
  // Says that the loop sleeps; false when something came since it last looked.
  bool MaySleep();
  int WaitForLinks(int64_t deadline_ns);
  void RunThread();

  const int64_t spin_ns_;
  const LoopMode mode_;
  Core* const core_;
  LinkProvider* const provider_;
  const LoopClock* const clock_;
  Inbox inbox_;
  std::atomic<std::thread::id> thread_id_{};
  std::atomic<int64_t> stop_deadline_ns_{-1};  // -1: go on
  std::atomic<bool> ended_{false};
  std::thread thread_;

  // Loop thread only.
  bool in_turn_ = false;
  bool taking_inbox_ = false;
  bool unsent_ = false;
  bool sleeps_on_fd_ = false;  // between turns, so others must wake the descriptor
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_LOOP_H_
