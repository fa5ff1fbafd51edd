#include "bench/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace hawser::bench {
namespace {

constexpr int kSubBucketBits = 7;
constexpr int kLargestPowerOfTwo = 40;
constexpr uint64_t kLargestNs = (uint64_t{1} << kLargestPowerOfTwo) - 1;

// Below 2^7 each value has its bucket; above, the top 8 bits choose it.
size_t BucketOf(uint64_t ns) {
  if (ns < (uint64_t{1} << kSubBucketBits)) return ns;
  const int shift = 63 - __builtin_clzll(ns) - kSubBucketBits;
  return (static_cast<size_t>(shift) << kSubBucketBits) + (ns >> shift);
}

// The largest value that BucketOf() puts into `bucket`.
uint64_t UpperEdgeOf(size_t bucket) {
  if (bucket < (size_t{2} << kSubBucketBits)) return bucket;
  const size_t shift = (bucket >> kSubBucketBits) - 1;
  const uint64_t top_bits = bucket - (shift << kSubBucketBits);
  return ((top_bits + 1) << shift) - 1;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : buckets_(BucketOf(kLargestNs) + 1, 0) {}

void LatencyHistogram::Record(int64_t latency_ns) {
  const int64_t ns = std::max<int64_t>(latency_ns, 0);
  max_ns_ = std::max(max_ns_, ns);
  ++count_;
  ++buckets_[BucketOf(std::min(static_cast<uint64_t>(ns), kLargestNs))];
}

void LatencyHistogram::Clear() {
  std::fill(buckets_.begin(), buckets_.end(), 0);
  count_ = 0;
  max_ns_ = 0;
}

int64_t LatencyHistogram::PercentileNs(double percent) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
  const auto rank =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen < rank) continue;
    if (bucket + 1 == buckets_.size()) return max_ns_;
    return std::min(static_cast<int64_t>(UpperEdgeOf(bucket)), max_ns_);
  }
  return max_ns_;
}

}  // namespace hawser::bench
