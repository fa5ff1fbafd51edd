#ifndef HAWSER_BENCH_LATENCY_HISTOGRAM_H_
#define HAWSER_BENCH_LATENCY_HISTOGRAM_H_

// Latencies counted in log-linear buckets: percentiles within 0.8 %, a few ns to record.

#include <cstdint>
#include <vector>

namespace hawser::bench {

// A LatencyHistogram counts latencies: 128 buckets for each power of two, up to 2^40 ns (18
// minutes; longer ones count in the last bucket). The maximum is kept exactly.
//
// One per measurement. Owns its buckets (36 KiB); Record() allocates nothing.
//
// Threads: none of its own; the caller keeps calls apart.
class LatencyHistogram {
 public:
  LatencyHistogram();

  // Counts one latency; a negative one counts as 0.
  void Record(int64_t latency_ns);

  void Clear();

  uint64_t count() const { return count_; }
  int64_t max_ns() const { return max_ns_; }

  // The latency that `percent` (0 to 100) of those recorded do not exceed: the upper edge of
  // its bucket, at most max_ns(). 0 when nothing is recorded.
  int64_t PercentileNs(double percent) const;

 private:
  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  int64_t max_ns_ = 0;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_LATENCY_HISTOGRAM_H_
