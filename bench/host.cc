#include "bench/host.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace hawser::bench {
namespace {

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What follows `key` and a separator in the first line of the file that begins with it.
std::string ValueIn(const char* path, absl::string_view key) {
  const std::string text = ReadFile(path);
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, key)) continue;
    const size_t begin = line.find_first_not_of(" \t:=\"");
    if (begin == absl::string_view::npos) return "";
    return std::string(absl::StripSuffix(absl::StripAsciiWhitespace(line.substr(begin)), "\""));
  }
  return "unknown";
}

// The first line that `command` prints; empty if it fails.
std::string OutputOf(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "re");
  if (pipe == nullptr) return "";
  char line[256] = "";
  const bool read = fgets(line, sizeof(line), pipe) != nullptr;
  const bool succeeded = pclose(pipe) == 0;
  return read && succeeded ? std::string(absl::StripAsciiWhitespace(line)) : "";
}

// `bazel run` tells the work tree; started by hand, it may be the current directory.
std::string WorkTreeCommit() {
  const std::string commit = OutputOf(
      "cd \"${BUILD_WORKSPACE_DIRECTORY:-.}\" && [ -e bench/replicate_main.cc ] && "
      "git describe --always --abbrev=12 --dirty 2>/dev/null");
  return commit.empty() ? "unknown" : commit;
}

absl::Status BringUpLoopback() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  ifreq request = {};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  const int ioctl_errno = errno;
  close(fd);
  return up ? absl::OkStatus() : absl::ErrnoToStatus(ioctl_errno, "bringing up lo");
}

std::string BuildKind() {
  std::vector<std::string> slow;
#ifndef NDEBUG
  slow.push_back("assertions on");
#endif
#ifndef __OPTIMIZE__
  slow.push_back("not optimized");
#endif
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
  slow.push_back("sanitizer");
#endif
  return slow.empty() ? "opt" : absl::StrCat("debug (", absl::StrJoin(slow, ", "), ")");
}

}  // namespace

absl::Status UsePrivateLoopback() {
  const int host_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (host_namespace < 0) return absl::ErrnoToStatus(errno, "/proc/self/ns/net");
  absl::Status status;
  if (unshare(CLONE_NEWNET) != 0) {
    status = absl::ErrnoToStatus(errno, "a network namespace");
  } else if (status = BringUpLoopback(); !status.ok() && setns(host_namespace, CLONE_NEWNET) != 0) {
    status = absl::ErrnoToStatus(errno, "going back to the host's network");
  }
  close(host_namespace);
  return status;
}

absl::StatusOr<uint64_t> LoopbackBytes() {
  const std::string value = ValueIn("/proc/net/dev", "    lo:");
  const std::vector<absl::string_view> fields = absl::StrSplit(value, ' ', absl::SkipEmpty());
  uint64_t bytes;
  if (fields.empty() || !absl::SimpleAtoi(fields[0], &bytes)) {
    return absl::UnavailableError("/proc/net/dev does not count the bytes of lo");
  }
  return bytes;
}

int64_t HostBusyNs() {
  const std::string value = ValueIn("/proc/stat", "cpu ");
  const std::vector<absl::string_view> fields = absl::StrSplit(value, ' ', absl::SkipEmpty());
  // user nice system idle iowait irq softirq steal
  int64_t ticks = 0;
  for (size_t i = 0; i < fields.size() && i < 8; ++i) {
    int64_t field;
    if (i == 3 || i == 4 || !absl::SimpleAtoi(fields[i], &field)) continue;
    ticks += field;
  }
  return ticks * (1'000'000'000 / sysconf(_SC_CLK_TCK));
}

HostDescription DescribeHost() {
  HostDescription host;
  host.cpu_model = ValueIn("/proc/cpuinfo", "model name");
  host.cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  host.memory = ValueIn("/proc/meminfo", "MemTotal");
  host.kernel = absl::StrCat(absl::StripAsciiWhitespace(ReadFile("/proc/sys/kernel/osrelease")));
  host.os = ValueIn("/etc/os-release", "PRETTY_NAME");
  host.date = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  host.commit = WorkTreeCommit();
#ifdef __clang__
  host.compiler = __VERSION__;
#else
  host.compiler = absl::StrCat("gcc ", __VERSION__);
#endif
  host.build = BuildKind();
  return host;
}

bool IsOptimizedBuild() { return BuildKind() == "opt"; }

}  // namespace hawser::bench
