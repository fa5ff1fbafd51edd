#include "bench/self_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "bench/placement.h"

namespace hawser::bench {
namespace {

constexpr int kExecFailed = 127;

// In the child: only calls that are allowed between fork and exec.
[[noreturn]] void BecomeMember(pid_t parent, int fd, int child_fd, const std::vector<int>& cores,
                               char* const* arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kExecFailed);
  if (!BindToCores(cores)) _exit(kExecFailed);
  if (fd == child_fd) {
    fcntl(fd, F_SETFD, 0);
  } else if (dup2(fd, child_fd) < 0) {
    _exit(kExecFailed);
  }
  execv("/proc/self/exe", arguments);
  _exit(kExecFailed);
}

}  // namespace

absl::StatusOr<pid_t> StartSelf(const std::vector<std::string>& arguments,
                                const std::vector<int>& cores, int fd, int child_fd) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) BecomeMember(parent, fd, child_fd, cores, argv.data());
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  return pid;
}

}  // namespace hawser::bench
