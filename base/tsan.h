#ifndef HAWSER_BASE_TSAN_H_
#define HAWSER_BASE_TSAN_H_

// Orders among our threads that come about in a library which ThreadSanitizer cannot see into.
// Untold, it takes what they order for races; a suppression hides those only once the stacks were
// looked up, which stops a thread for a second and more.

#include "absl/base/config.h"

#if defined(ABSL_HAVE_THREAD_SANITIZER) && !defined(HAWSER_TSAN_EXACT)
#define HAWSER_TSAN_IS_TOLD
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace hawser {

// All that this thread did comes before what any thread does after TsanAcquire(address).
inline void TsanRelease(void* address) {
#ifdef HAWSER_TSAN_IS_TOLD
  __tsan_release(address);
#else
  static_cast<void>(address);
#endif
}

inline void TsanAcquire(void* address) {
#ifdef HAWSER_TSAN_IS_TOLD
  __tsan_acquire(address);
#else
  static_cast<void>(address);
#endif
}

}  // namespace hawser

#endif  // HAWSER_BASE_TSAN_H_
