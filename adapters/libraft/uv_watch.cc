#include "adapters/libraft/uv_watch.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/check.h"

namespace hawser::libraft {
namespace {

epoll_event Watching(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return event;
}

}  // namespace

absl::StatusOr<std::unique_ptr<UvWatch>> UvWatch::Create(int backend_fd,
                                                         std::function<void()> wake) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int stop_fd = eventfd(0, EFD_CLOEXEC);
  epoll_event stop = Watching(stop_fd, EPOLLIN);
  epoll_event backend = Watching(backend_fd, EPOLLONESHOT);
  if (epoll_fd < 0 || stop_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, stop_fd, &stop) != 0 ||
      epoll_ctl(epoll_fd, EPOLL_CTL_ADD, backend_fd, &backend) != 0) {
    const absl::Status status = absl::ErrnoToStatus(errno, "no descriptor to watch libuv with");
    if (epoll_fd >= 0) close(epoll_fd);
    if (stop_fd >= 0) close(stop_fd);
    return status;
  }
  return std::unique_ptr<UvWatch>(new UvWatch(backend_fd, epoll_fd, stop_fd, std::move(wake)));
}

UvWatch::UvWatch(int backend_fd, int epoll_fd, int stop_fd, std::function<void()> wake)
    : backend_fd_(backend_fd),
      epoll_fd_(epoll_fd),
      stop_fd_(stop_fd),
      wake_(std::move(wake)),
      thread_([this] { Run(); }) {}

UvWatch::~UvWatch() {
  const uint64_t one = 1;
  HAWSER_CHECK(write(stop_fd_, &one, sizeof(one)) == sizeof(one));
  thread_.join();
  close(stop_fd_);
  close(epoll_fd_);
}

bool UvWatch::Arm() {
  if (!armed_.exchange(true)) {
    epoll_event backend = Watching(backend_fd_, EPOLLIN | EPOLLONESHOT);
    HAWSER_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, backend_fd_, &backend) == 0);
  }
  // What the loop left unread makes the thread wake too, but later.
  pollfd backend = {backend_fd_, POLLIN, 0};
  return poll(&backend, 1, 0) == 0;
}

void UvWatch::Run() {
  while (true) {
    epoll_event event;
    const int count = epoll_wait(epoll_fd_, &event, 1, -1);
    if (count < 0) continue;  // A signal.
    if (event.data.fd == stop_fd_) return;
    armed_.store(false);
    wake_();
  }
}

}  // namespace hawser::libraft
