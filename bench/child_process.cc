#include "bench/child_process.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/self_process.h"

namespace hawser::bench {

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(absl::string_view role,
                                                                  const std::vector<int>& cores) {
  absl::StatusOr<std::pair<int, int>> fds = ControlChannel::MakePair();
  if (!fds.ok()) return fds.status();
  const absl::StatusOr<pid_t> pid = StartSelf({"replicate", absl::StrCat(kMemberArgument, role)},
                                              cores, fds->second, kChildControlFd);
  close(fds->second);
  if (!pid.ok()) {
    close(fds->first);
    return pid.status();
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(role, *pid, fds->first));
}

ChildProcess::~ChildProcess() {
  if (ended_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

absl::Status ChildProcess::Stop(int timeout_ms) {
  if (ended_) return absl::OkStatus();
  control_.Send("stop").IgnoreError();
  int wait_status = 0;
  if (!WaitForEnd(timeout_ms, &wait_status)) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    ended_ = true;
    return absl::DeadlineExceededError(
        absl::StrCat(role_, " did not end within ", timeout_ms, " ms and was killed"));
  }
  ended_ = true;
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return absl::OkStatus();
  return absl::InternalError(
      WIFSIGNALED(wait_status)
          ? absl::StrCat(role_, " ended by signal ", WTERMSIG(wait_status))
          : absl::StrCat(role_, " ended with status ", WEXITSTATUS(wait_status)));
}

bool ChildProcess::WaitForEnd(int timeout_ms, int* wait_status) {
  const int pid_fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pid_fd >= 0) {
    pollfd ended = {pid_fd, POLLIN, 0};
    poll(&ended, 1, timeout_ms);
    close(pid_fd);
    return waitpid(pid_, wait_status, WNOHANG) == pid_;
  }
  // A kernel before 5.3: the control channel closes when the process ends.
  pollfd closed = {control_.fd(), 0, 0};
  if (poll(&closed, 1, timeout_ms) <= 0) return false;
  return waitpid(pid_, wait_status, 0) == pid_;
}

absl::StatusOr<int64_t> ChildProcess::CpuNs() const {
  clockid_t clock;
  timespec cpu;
  if (const int error = clock_getcpuclockid(pid_, &clock); error != 0) {
    return absl::ErrnoToStatus(error, absl::StrCat("CPU clock of the ", role_));
  }
  if (clock_gettime(clock, &cpu) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("CPU clock of the ", role_));
  }
  return int64_t{cpu.tv_sec} * 1'000'000'000 + cpu.tv_nsec;
}

}  // namespace hawser::bench
