#include "bench/control_channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace hawser::bench {
namespace {

constexpr size_t kMaxLineBytes = 4096;

}  // namespace

ControlChannel::~ControlChannel() { close(fd_); }

absl::StatusOr<std::pair<int, int>> ControlChannel::MakePair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    return absl::ErrnoToStatus(errno, "socketpair");
  }
  return std::make_pair(fds[0], fds[1]);
}

absl::Status ControlChannel::Send(absl::string_view line) {
  const absl::string_view sent = line.substr(0, kMaxLineBytes);
  if (send(fd_, sent.data(), sent.size(), MSG_NOSIGNAL) < 0) {
    return absl::ErrnoToStatus(errno, "control channel");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ControlChannel::Receive() {
  std::string line(kMaxLineBytes, '\0');
  ssize_t received;
  do {
    received = recv(fd_, line.data(), line.size(), 0);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return absl::ErrnoToStatus(errno, "control channel");
  if (received == 0) return absl::UnavailableError("the process at the other end is gone");
  line.resize(static_cast<size_t>(received));
  return line;
}

}  // namespace hawser::bench
