#ifndef HAWSER_BASE_MONOTONIC_H_
#define HAWSER_BASE_MONOTONIC_H_

// The clock that loops run on.

#include <cstdint>

namespace hawser {

// Nanoseconds of CLOCK_MONOTONIC. Only loops, link providers and benchmarks read it; everything
// else is told what time it is.
int64_t MonotonicNs();

}  // namespace hawser

#endif  // HAWSER_BASE_MONOTONIC_H_
