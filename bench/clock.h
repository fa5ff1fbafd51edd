#ifndef HAWSER_BENCH_CLOCK_H_
#define HAWSER_BENCH_CLOCK_H_

// The benchmarks' clock: one reading costs the same for every contestant.

#include <cstdint>
#include <ctime>

namespace hawser::bench {

// Nanoseconds of CLOCK_MONOTONIC.
inline int64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CLOCK_H_
