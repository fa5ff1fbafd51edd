#include "adapters/libraft/network_loop.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "base/check.h"

namespace hawser::libraft {
namespace {

// An older uv_backend_timeout does not tell of descriptors that libuv is yet to watch.
static_assert(UV_VERSION_HEX >= 0x012c02, "libuv 1.44.2 or newer is needed");

template <typename Handle>
uv_handle_t* Base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

}  // namespace

absl::Status NetworkLoop::Open(bool libuv_sleeps) {
  const absl::StatusOr<bool> company = HasCompany();
  if (!company.ok()) return company.status();
  if (libuv_sleeps || *company) return LetLibuvSleep();
  auto watch = UvWatch::Create(uv_backend_fd(loop_),
                               [transport = network_->transport()] { transport->Wake(); });
  if (!watch.ok()) return watch.status();
  watch_ = *std::move(watch);
  return absl::OkStatus();
}

absl::StatusOr<bool> NetworkLoop::HasCompany() {
  struct Walk {
    bool found = false;
    absl::Status status;
  } walk;
  const auto look = [](uv_handle_t* handle, void* argument) {
    auto* const walk = static_cast<Walk*>(argument);
    if (uv_handle_get_type(handle) != UV_PREPARE || uv_is_active(handle) == 0) return;
    walk->found = true;
    if (reinterpret_cast<uv_prepare_t*>(handle)->prepare_cb != &NetworkLoop::OnPrepare) return;
    walk->status.Update(static_cast<NetworkLoop*>(handle->data)->LetLibuvSleep());
  };
  uv_walk(loop_, look, &walk);
  if (!walk.status.ok()) return walk.status;
  return walk.found;
}

absl::Status NetworkLoop::LetLibuvSleep() {
  if (poll_ != nullptr || network_->transport() == nullptr) return absl::OkStatus();
  auto poll = std::make_unique<uv_poll_t>();
  const int fd = network_->transport()->WaitFd();
  if (fd < 0 || uv_poll_init(loop_, poll.get(), fd) != 0) {
    return absl::ResourceExhaustedError("no descriptor to sleep on");
  }
  poll_ = poll.release();
  uv_poll_start(poll_, UV_READABLE, [](uv_poll_t*, int, int) {});
  watch_.reset();
  return absl::OkStatus();
}

void NetworkLoop::Start() {
  uv_timer_init(loop_, &timer_);
  uv_prepare_init(loop_, &prepare_);
  prepare_.data = this;
  uv_prepare_start(&prepare_, &NetworkLoop::OnPrepare);
  started_ = true;
}

void NetworkLoop::OnPrepare(uv_prepare_t* prepare) {
  auto* const self = static_cast<NetworkLoop*>(prepare->data);
  if (self->diverted_ == nullptr) return self->Turn();
  self->diverted_();
}

void NetworkLoop::Turn() {
  bool looked = false;
  const bool more = network_->Turn([&] { return SleepUntil(&looked); });
  // A callback may have begun to close it. Before the network has started it has nothing to say.
  if (diverted_ != nullptr || !network_->started()) return;
  const bool slept = watch_ != nullptr;
  if (more || slept) return SleepAtMost(absl::ZeroDuration());
  SleepAtMost(network_->transport()->PollDeadline() - absl::Now());
}

absl::Time NetworkLoop::SleepUntil(bool* looked) {
  if (watch_ == nullptr || diverted_ != nullptr) return absl::InfinitePast();
  uv_update_time(loop_);
  const int rest_ms = uv_backend_timeout(loop_);
  if (rest_ms == 0) return absl::InfinitePast();
  if (std::exchange(*looked, true) ? !watch_->armed() : !watch_->Arm()) {
    return absl::InfinitePast();
  }
  return rest_ms < 0 ? absl::InfiniteFuture() : absl::Now() + absl::Milliseconds(rest_ms);
}

void NetworkLoop::SleepAtMost(absl::Duration rest) {
  const int64_t rest_ms = absl::ToInt64Milliseconds(absl::Ceil(rest, absl::Milliseconds(1)));
  uv_timer_start(
      &timer_, [](uv_timer_t*) {}, std::max<int64_t>(rest_ms, 0), 0);
}

void NetworkLoop::Release() {
  watch_.reset();
  if (started_) uv_close(Base(&timer_), nullptr);
  if (poll_ == nullptr) return;
  uv_close(Base(std::exchange(poll_, nullptr)),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
}

void NetworkLoop::End(std::function<void()> ended) {
  HAWSER_CHECK(started_);
  ended_ = std::move(ended);
  uv_close(Base(&prepare_), [](uv_handle_t* handle) {
    // Whoever is told may destroy this.
    const std::function<void()> ended = std::move(static_cast<NetworkLoop*>(handle->data)->ended_);
    ended();
  });
}

}  // namespace hawser::libraft
