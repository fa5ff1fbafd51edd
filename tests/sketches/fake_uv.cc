#include "tests/sketches/fake_uv.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/time/clock.h"

namespace foreign {
namespace {

constexpr int kLongestSleepMs = 1000;

uv_loop_t* LoopOf(void* state) { return static_cast<uv_loop_t*>(state); }

}  // namespace

int uv_loop_t::SleepMs() const {
  absl::Duration rest = absl::Milliseconds(kLongestSleepMs);
  for (const auto& [handle, timer] : timers) rest = std::min(rest, timer.due - absl::Now());
  rest = absl::Ceil(std::max(rest, absl::ZeroDuration()), absl::Milliseconds(1));
  return closed.empty() ? static_cast<int>(absl::ToInt64Milliseconds(rest)) : 0;
}

void uv_loop_t::RunOnce() {
  const auto due = timers;
  for (const auto& [handle, timer] : due) {
    if (timer.due > absl::Now()) continue;
    timers.erase(handle);
    timer.cb(handle);
  }
  const auto to_prepare = prepares;
  for (const auto& [handle, cb] : to_prepare) {
    if (prepares.count(handle) != 0) cb(handle);
  }
  std::vector<pollfd> fds;
  std::vector<std::pair<uv_poll_t*, Descriptor>> watched(descriptors.begin(), descriptors.end());
  fds.reserve(watched.size());
  for (const auto& [handle, descriptor] : watched) fds.push_back({descriptor.fd, POLLIN, 0});
  if (::poll(fds.data(), fds.size(), SleepMs()) > 0) {
    for (size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].revents != 0) watched[i].second.cb(watched[i].first, 0, UV_READABLE);
    }
  }
  for (const auto& close : std::exchange(closed, {})) close();
}

bool uv_loop_t::RunUntil(const std::function<bool()>& done, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  while (!done()) {
    if (absl::Now() > deadline) return false;
    RunOnce();
  }
  return true;
}

void* raft_malloc(size_t size) { return std::malloc(size); }
void raft_free(void* memory) { std::free(memory); }

int uv_prepare_init(uv_loop_t* loop, uv_prepare_t* handle) {
  handle->state = loop;
  return 0;
}

int uv_prepare_start(uv_prepare_t* handle, void (*cb)(uv_prepare_t* handle)) {
  LoopOf(handle->state)->prepares[handle] = cb;
  return 0;
}

int uv_timer_init(uv_loop_t* loop, uv_timer_t* handle) {
  handle->state = loop;
  return 0;
}

int uv_timer_start(uv_timer_t* handle, void (*cb)(uv_timer_t* handle), uint64_t timeout_ms,
                   uint64_t repeat_ms) {
  const uint64_t bounded_ms = std::min<uint64_t>(timeout_ms, 1u << 30);
  LoopOf(handle->state)->timers[handle] = {
      absl::Now() + absl::Milliseconds(static_cast<int64_t>(bounded_ms)), cb};
  return 0;
}

int uv_poll_init(uv_loop_t* loop, uv_poll_t* handle, int fd) {
  handle->state = loop;
  loop->descriptors[handle] = {fd, nullptr};
  return 0;
}

int uv_poll_start(uv_poll_t* handle, int events, void (*cb)(uv_poll_t*, int status, int events)) {
  LoopOf(handle->state)->descriptors[handle].cb = cb;
  return 0;
}

void uv_close(uv_handle_t* handle, void (*cb)(uv_handle_t* handle)) {
  uv_loop_t* loop = LoopOf(handle->state);
  loop->prepares.erase(static_cast<uv_prepare_t*>(handle));
  loop->timers.erase(static_cast<uv_timer_t*>(handle));
  loop->descriptors.erase(static_cast<uv_poll_t*>(handle));
  if (cb != nullptr) loop->closed.emplace_back([handle, cb] { cb(handle); });
}

}  // namespace foreign
