#ifndef HAWSER_TESTS_SUPPORT_RESIDENT_BYTES_H_
#define HAWSER_TESTS_SUPPORT_RESIDENT_BYTES_H_

// How much memory the test's process takes.

#include <cstddef>

#include "absl/base/config.h"

namespace hawser {

// Whether a sanitizer's allocator keeps what was freed.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
inline constexpr bool kFreedIsKept = true;
#else
inline constexpr bool kFreedIsKept = false;
#endif

// Of this process; 0 when that cannot be read.
size_t ResidentBytes();

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_RESIDENT_BYTES_H_
