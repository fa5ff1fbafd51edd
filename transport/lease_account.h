#ifndef HAWSER_TRANSPORT_LEASE_ACCOUNT_H_
#define HAWSER_TRANSPORT_LEASE_ACCOUNT_H_

// What a peer's leases pin: the count that limits receive memory.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "base/mutex.h"

namespace hawser {

// The bytes of all buffers of one peer that somebody still leases.
//
// One per Peer, shared with the buffers charged to it, which may outlive the peer. A buffer is
// charged once, whole, when its frame was consumed and a lease on it was kept; it is taken off the
// account when its last lease goes.
// Threads: Charge, AtLimit, BeyondWindows and Await on the loop thread, Uncharge on any, Detach on
// the loop thread.
class LeaseAccount {
 public:
  // `wake` makes the loop take a turn; called from any thread.
  LeaseAccount(uint64_t bytes_max, std::function<void()> wake)
      : bytes_max_(bytes_max), wake_(std::move(wake)) {}

  void Charge(uint64_t bytes) {
    bytes_.fetch_add(bytes);
    largest_ = std::max(largest_, bytes);
  }
  void Uncharge(uint64_t bytes) {
    const uint64_t left = bytes_.fetch_sub(bytes) - bytes;
    if (left < bytes_max_ && awaited_.load() && awaited_.exchange(false)) Wake();
  }

  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // From here on appends are copied out to blocks of their own size.
  bool OverHalf() const { return bytes() > bytes_max_ / 2; }
  // Credit for APPEND and BULK stops.
  bool AtLimit() const { return bytes_.load() >= bytes_max_; }

  // More than any window that was granted below the limit can bring: `windows_bytes` are those of
  // the links that a peer can have at one time. Links that are made again and again bring more.
  bool BeyondWindows(uint64_t windows_bytes) const {
    return bytes_.load() >= bytes_max_ + windows_bytes + largest_;
  }

  // The loop waits for the account to fall below the limit. False: it is already.
  bool Await() {
    awaited_.store(true);
    return AtLimit();
  }

  // The peer is gone; nobody is woken any more.
  void Detach() {
    MutexLock lock(&mu_);
    wake_ = nullptr;
  }

 private:
  void Wake() {
    MutexLock lock(&mu_);
    if (wake_) wake_();
  }

  const uint64_t bytes_max_;
  std::atomic<uint64_t> bytes_{0};
  std::atomic<bool> awaited_{false};
  uint64_t largest_ = 0;  // Of all charges; loop thread.

  Mutex mu_;
  std::function<void()> wake_ ABSL_GUARDED_BY(mu_);
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_LEASE_ACCOUNT_H_
