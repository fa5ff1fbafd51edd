#include "bench/net_pair.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace hawser::bench {
namespace {

constexpr char kIp[] = "/usr/sbin/ip ";
constexpr char kTc[] = "/usr/sbin/tc ";

absl::Status Run(const std::string& command) {
  const std::string quiet = command + " >/dev/null 2>&1";
  if (std::system(quiet.c_str()) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("\"", command, "\" failed"));
}

void WriteFile(const char* path, const std::string& text) {
  if (FILE* file = std::fopen(path, "w")) {
    std::fputs(text.c_str(), file);
    std::fclose(file);
  }
}

// A namespace of our own; without root, inside a user namespace where we are.
absl::Status EnterNamespace() {
  if (unshare(CLONE_NEWNET) == 0) return absl::OkStatus();
  const uid_t uid = getuid();
  const gid_t gid = getgid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("no network namespace: ", std::strerror(errno)));
  }
  WriteFile("/proc/self/setgroups", "deny");
  WriteFile("/proc/self/uid_map", absl::StrCat("0 ", uid, " 1"));
  WriteFile("/proc/self/gid_map", absl::StrCat("0 ", gid, " 1"));
  return absl::OkStatus();
}

// The second process: tells that it has its namespace, waits for the start, runs.
[[noreturn]] void RunOther(const std::function<void()>& other, int ready_fd, int start_fd) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  char byte = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
  if (write(ready_fd, &byte, 1) == 1 && read(start_fd, &byte, 1) == 1) other();
  _exit(0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<NetPair>> NetPair::Enter(const std::function<void()>& other) {
  if (absl::Status status = EnterNamespace(); !status.ok()) return status;
  int ready[2];
  int start[2];
  if (pipe(ready) != 0 || pipe(start) != 0) return absl::UnavailableError("no pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    close(start[1]);
    RunOther(other, ready[1], start[0]);
  }
  close(ready[1]);
  close(start[0]);
  std::unique_ptr<NetPair> pair(new NetPair(pid));
  pair->start_fd_ = start[1];
  char byte = 'n';
  const bool answered = read(ready[0], &byte, 1) == 1;
  close(ready[0]);
  if (!answered || byte != 'y') {
    return absl::PermissionDeniedError("the second process has no network namespace");
  }
  absl::Status status =
      Run(absl::StrCat(kIp, "link add here type veth peer name there netns ", pid));
  for (const char* command :
       {"link set lo up", "link set here up", "addr add 10.77.0.1/24 dev here"}) {
    if (status.ok()) status = pair->Here(absl::StrCat(kIp, command));
  }
  for (const char* command :
       {"link set lo up", "link set there up", "addr add 10.77.0.2/24 dev there"}) {
    if (status.ok()) status = pair->There(absl::StrCat(kIp, command));
  }
  if (!status.ok()) return status;
  return pair;
}

NetPair::~NetPair() {
  close(start_fd_);
  kill(other_, SIGKILL);
  waitpid(other_, nullptr, 0);
}

void NetPair::StartOther() {
  const char byte = 'g';
  if (write(start_fd_, &byte, 1) != 1) std::perror("the second process cannot be started");
}

absl::Status NetPair::Here(const std::string& command) const { return Run(command); }

absl::Status NetPair::There(const std::string& command) const {
  return Run(absl::StrCat("/usr/bin/nsenter -t ", other_, " -n ", command));
}

absl::Status NetPair::Shape(const std::string& rate) {
  // No packet is lost: the queue is longer than what either end has on its way.
  const std::string tbf = absl::StrCat(" root tbf rate ", rate, " burst 64kb limit 64mb");
  absl::Status status = Here(absl::StrCat(kTc, "qdisc replace dev here", tbf));
  if (status.ok()) status = There(absl::StrCat(kTc, "qdisc replace dev there", tbf));
  return status;
}

// A queue with room for no packet.
absl::Status NetPair::CutFromHere() {
  return Here(absl::StrCat(kTc, "qdisc replace dev here root bfifo limit 1"));
}

absl::Status NetPair::CutFromThere() {
  return There(absl::StrCat(kTc, "qdisc replace dev there root bfifo limit 1"));
}

absl::Status NetPair::Mend() {
  absl::Status status = Here(absl::StrCat(kTc, "qdisc replace dev here root pfifo"));
  if (status.ok()) status = There(absl::StrCat(kTc, "qdisc replace dev there root pfifo"));
  return status;
}

}  // namespace hawser::bench
