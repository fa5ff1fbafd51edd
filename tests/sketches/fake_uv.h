#ifndef HAWSER_TESTS_SKETCHES_FAKE_UV_H_
#define HAWSER_TESTS_SKETCHES_FAKE_UV_H_

// A loop that runs what the libraft sketch uses of libuv, in libuv's order.

#include <functional>
#include <map>
#include <vector>

#include "absl/time/time.h"
#include "docs/sketches/foreign_libraft.h"

namespace foreign {

struct uv_loop_t {
  // One turn: due timers, prepare handles, a sleep on the descriptors, closed handles.
  void RunOnce();
  // Turns until `done`; false when that took longer than `patience`.
  bool RunUntil(const std::function<bool()>& done, absl::Duration patience = absl::Seconds(20));

  struct Timer {
    absl::Time due;
    void (*cb)(uv_timer_t*);
  };
  struct Descriptor {
    int fd;
    void (*cb)(uv_poll_t*, int, int);
  };
  std::map<uv_prepare_t*, void (*)(uv_prepare_t*)> prepares;
  std::map<uv_timer_t*, Timer> timers;
  std::map<uv_poll_t*, Descriptor> descriptors;
  std::vector<std::function<void()>> closed;

 private:
  int SleepMs() const;
};

}  // namespace foreign

#endif  // HAWSER_TESTS_SKETCHES_FAKE_UV_H_
