#ifndef HAWSER_BENCH_CONTROL_CHANNEL_H_
#define HAWSER_BENCH_CONTROL_CHANNEL_H_

// How the coordinator and its child processes talk outside of what is measured.

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hawser::bench {

// A ControlChannel is one end of a socket pair that carries short lines of text, each whole.
//
// One per child process, and one within it. Owns its descriptor, which is closed on exec.
//
// Threads: Send() from any; Receive() from one at a time.
class ControlChannel {
 public:
  explicit ControlChannel(int fd) : fd_(fd) {}
  ~ControlChannel();
  ControlChannel(const ControlChannel&) = delete;
  ControlChannel& operator=(const ControlChannel&) = delete;

  // Two connected descriptors.
  static absl::StatusOr<std::pair<int, int>> MakePair();

  absl::Status Send(absl::string_view line);

  // The next line; blocks. An error when the other end is gone.
  absl::StatusOr<std::string> Receive();

  int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CONTROL_CHANNEL_H_
