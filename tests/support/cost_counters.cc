#include "tests/support/cost_counters.h"

#include <dlfcn.h>
#include <pthread.h>

#include <cstddef>
#include <utility>

#include "absl/base/config.h"

namespace {

bool counting = false;
hawser::Costs counted;

}  // namespace

#if !defined(ABSL_HAVE_ADDRESS_SANITIZER) && !defined(ABSL_HAVE_THREAD_SANITIZER)
#define HAWSER_COUNTS_COSTS 1

extern "C" {
void* __libc_malloc(size_t size);                // NOLINT: glibc's name
void* __libc_calloc(size_t count, size_t size);  // NOLINT
void* __libc_realloc(void* block, size_t size);  // NOLINT

void* malloc(size_t size) {
  counted.allocations += counting;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  counted.allocations += counting;
  return __libc_calloc(count, size);
}
void* realloc(void* block, size_t size) {
  counted.allocations += counting;
  return __libc_realloc(block, size);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  using Lock = int (*)(pthread_mutex_t*);
  static const Lock real = reinterpret_cast<Lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  counted.locks += counting;
  return real(mutex);
}
}
#endif

namespace hawser {

bool CountsCosts() {
#ifdef HAWSER_COUNTS_COSTS
  return true;
#else
  return false;
#endif
}

void CountCosts(bool on) { counting = on; }

Costs TakeCosts() {
  counting = false;
  return std::exchange(counted, Costs());
}

}  // namespace hawser
