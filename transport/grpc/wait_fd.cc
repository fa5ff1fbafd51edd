#include "transport/grpc/wait_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

namespace hawser {

std::unique_ptr<WaitFdWatcher> WaitFdWatcher::Create(grpc::CompletionQueue* queue) {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) return nullptr;
  return std::unique_ptr<WaitFdWatcher>(new WaitFdWatcher(queue, fd));
}

WaitFdWatcher::WaitFdWatcher(grpc::CompletionQueue* queue, int fd)
    : queue_(queue), fd_(fd), thread_([this] { Run(); }) {}

WaitFdWatcher::~WaitFdWatcher() {
  {
    MutexLock lock(&mu_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
  close(fd_);
}

void WaitFdWatcher::Run() {
  while (true) {
    {
      MutexLock lock(&mu_);
      while (!armed_ && !stopped_) changed_.Wait(&mu_);
      if (stopped_) return;
    }
    Event event;
    if (!queue_->Next(&event.tag, &event.ok)) return;
    MutexLock lock(&mu_);
    taken_.push_back(event);
    armed_ = false;
    waiting_.store(false, std::memory_order_release);
    const uint64_t one = 1;
    HAWSER_CHECK(write(fd_, &one, sizeof(one)) == sizeof(one));
  }
}

void WaitFdWatcher::Arm() {
  MutexLock lock(&mu_);
  if (armed_) return;
  // What was taken but not yet fetched keeps the descriptor readable.
  if (!taken_.empty()) return;
  armed_ = true;
  waiting_.store(true, std::memory_order_release);
  changed_.NotifyAll();
}

void WaitFdWatcher::Take(std::vector<Event>* events) {
  MutexLock lock(&mu_);
  events->swap(taken_);
  taken_.clear();
  if (events->empty()) return;
  uint64_t count;
  const ssize_t read_bytes = read(fd_, &count, sizeof(count));
  HAWSER_CHECK(read_bytes == sizeof(count));
}

}  // namespace hawser
