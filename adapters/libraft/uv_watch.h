#ifndef HAWSER_ADAPTERS_LIBRAFT_UV_WATCH_H_
#define HAWSER_ADAPTERS_LIBRAFT_UV_WATCH_H_

// Tells a thread that sleeps elsewhere that its libuv loop has something to do.

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"

namespace hawser::libraft {

// Watches the descriptor of a libuv loop, in a thread of its own, once each time it is armed.
//
// At most one per raft_io. Threads: all on the loop's, save `wake`, which the watching thread
// calls.
class UvWatch {
 public:
  // `backend_fd` is uv_backend_fd's. ResourceExhausted: no descriptor or thread is to be had.
  static absl::StatusOr<std::unique_ptr<UvWatch>> Create(int backend_fd,
                                                         std::function<void()> wake);
  // After it, `wake` is not called any more.
  ~UvWatch();
  UvWatch(const UvWatch&) = delete;
  UvWatch& operator=(const UvWatch&) = delete;

  // From now on `wake` is called when the descriptor becomes readable. False: it is, already.
  bool Arm();
  // Nothing has come since Arm, or `wake` is about to be called.
  bool armed() const { return armed_.load(); }

 private:
  UvWatch(int backend_fd, int epoll_fd, int stop_fd, std::function<void()> wake);
  void Run();

  const int backend_fd_;
  const int epoll_fd_;
  const int stop_fd_;
  const std::function<void()> wake_;
  std::atomic<bool> armed_{false};
  std::thread thread_;
};

}  // namespace hawser::libraft

#endif  // HAWSER_ADAPTERS_LIBRAFT_UV_WATCH_H_
