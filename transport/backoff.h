#ifndef HAWSER_TRANSPORT_BACKOFF_H_
#define HAWSER_TRANSPORT_BACKOFF_H_

// When to dial again: exponential, bounded, with jitter. Pure.

#include <algorithm>
#include <cstdint>

namespace hawser {

// One per peer and kind of link. The delay doubles from min to max; each is drawn from [delay/2,
// delay], so that nodes that lost each other at one moment do not come back at one moment.
class Backoff {
 public:
  Backoff(int64_t min_ns, int64_t max_ns, uint64_t seed)
      : min_ns_(min_ns), max_ns_(max_ns), next_ns_(min_ns), random_(seed | 1) {}

  // The delay before the next try.
  int64_t Next() {
    const int64_t delay_ns = next_ns_;
    next_ns_ = std::min(max_ns_, next_ns_ * 2);
    return Draw(delay_ns);
  }
  // The longest delay at once: somebody must change something before a try can succeed.
  int64_t Longest() {
    next_ns_ = max_ns_;
    return Draw(max_ns_);
  }
  // A try succeeded.
  void Reset() { next_ns_ = min_ns_; }

 private:
  int64_t Draw(int64_t delay_ns) {
    return delay_ns / 2 +
           static_cast<int64_t>(Random() % (static_cast<uint64_t>(delay_ns) / 2 + 1));
  }

  // xorshift64 (Marsaglia 2003).
  uint64_t Random() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
  }

  int64_t min_ns_;
  int64_t max_ns_;
  int64_t next_ns_;
  uint64_t random_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_BACKOFF_H_
