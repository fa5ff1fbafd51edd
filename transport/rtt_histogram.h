#ifndef HAWSER_TRANSPORT_RTT_HISTOGRAM_H_
#define HAWSER_TRANSPORT_RTT_HISTOGRAM_H_

// Round trips counted by length: a few hundred bytes, whatever comes. Pure.

#include <algorithm>
#include <array>
#include <cstdint>

namespace hawser {

// Four buckets for each doubling, from 1 us to 16 s: a quantile is at most a quarter too high.
//
// A plain value; copies are shown to admin. Threads: its owner's.
class RttHistogram {
 public:
  static constexpr int kBuckets = 96;

  void Add(int64_t rtt_ns) {
    const int64_t rtt_us = std::max<int64_t>(rtt_ns / 1000, 0);
    min_us_ = count_ == 0 ? rtt_us : std::min(min_us_, rtt_us);
    max_us_ = std::max(max_us_, rtt_us);
    ++buckets_[BucketOf(rtt_us)];
    ++count_;
  }

  uint64_t count() const { return count_; }
  int64_t min_us() const { return min_us_; }  // 0 while nothing was counted.
  int64_t max_us() const { return max_us_; }

  // What `share` (0 to 1) of all took at most; 0 while nothing was counted.
  int64_t QuantileUs(double share) const {
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t seen = 0;
    for (int bucket = 0; bucket < kBuckets; ++bucket) {
      seen += buckets_[bucket];
      if (seen > wanted || (seen == count_ && count_ != 0)) {
        return std::clamp(UpperUs(bucket), min_us_, max_us_);
      }
    }
    return 0;
  }

  // The longest round trip that `bucket` holds, and how many it does.
  static int64_t UpperUs(int bucket) {
    if (bucket < 4) return bucket;
    return (int64_t{5 + bucket % 4} << (bucket / 4 - 1)) - 1;
  }
  uint64_t CountIn(int bucket) const { return buckets_[bucket]; }

 private:
  static int BucketOf(int64_t rtt_us) {
    if (rtt_us < 4) return static_cast<int>(rtt_us);
    const int doubling = 63 - __builtin_clzll(static_cast<uint64_t>(rtt_us));
    const int bucket = (doubling - 1) * 4 + static_cast<int>(rtt_us >> (doubling - 2) & 3);
    return std::min(bucket, kBuckets - 1);
  }

  std::array<uint32_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  int64_t min_us_ = 0;
  int64_t max_us_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RTT_HISTOGRAM_H_
