#include "bench/libraft/commit_cluster.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "bench/self_process.h"

namespace hawser::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kServers = 3;

// Ports that were free a moment ago.
std::vector<std::string> FreeAddresses() {
  std::vector<std::string> addresses;
  std::vector<int> sockets;
  for (int i = 0; i < kServers; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0) {
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    }
    sockets.push_back(fd);
    addresses.push_back(absl::StrCat("127.0.0.1:", ntohs(address.sin_port)));
  }
  for (const int fd : sockets) close(fd);
  return addresses;
}

// The servers that were started, which it kills.
class Servers {
 public:
  ~Servers() {
    for (const pid_t pid : pids_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }

  // Server 1 has `output` as its standard output.
  absl::Status Start(const std::vector<std::string>& arguments, const CorePlan& plan,
                     const std::string& directory, int output) {
    const std::string addresses = absl::StrJoin(FreeAddresses(), ",");
    // The leader comes last: it finds the others.
    for (int id = kServers; id >= 1; --id) {
      const std::string own = absl::StrCat(directory, "/", id);
      fs::create_directory(own);
      std::vector<std::string> all = {"libraft_commit"};
      all.insert(all.end(), arguments.begin(), arguments.end());
      all.push_back(absl::StrCat("--member=", id));
      all.push_back(absl::StrCat("--addresses=", addresses));
      all.push_back(absl::StrCat("--directory=", own));
      const absl::StatusOr<pid_t> pid =
          StartSelf(all, plan[id - 1], id == 1 ? output : STDERR_FILENO, STDOUT_FILENO);
      if (!pid.ok()) return pid.status();
      pids_.push_back(*pid);
    }
    return absl::OkStatus();
  }

 private:
  std::vector<pid_t> pids_;
};

std::string ReadAll(int fd) {
  std::string all;
  char bytes[256];
  ssize_t count = 0;
  while ((count = read(fd, bytes, sizeof bytes)) > 0) all.append(bytes, count);
  return all;
}

}  // namespace

void TellCommitResult(const CommitResult& result) {
  std::printf("%f %f %f %d\n", result.p50_us, result.p99_us, result.commits_per_second,
              result.elections);
  std::fflush(stdout);
}

absl::StatusOr<CommitResult> RunCommitCluster(const std::vector<std::string>& arguments,
                                              Placement placement, const std::string& directory) {
  const absl::StatusOr<CorePlan> plan = PlanCores(placement, kServers - 1, AllowedCores());
  if (!plan.ok()) return plan.status();
  std::string own = directory + "/libraft_commit_XXXXXX";
  int pipe_ends[2];
  if (mkdtemp(&own[0]) == nullptr) return absl::ErrnoToStatus(errno, own);
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  std::string line;
  {
    Servers servers;
    const absl::Status started = servers.Start(arguments, *plan, own, pipe_ends[1]);
    close(pipe_ends[1]);
    if (started.ok()) line = ReadAll(pipe_ends[0]);
    close(pipe_ends[0]);
    if (!started.ok()) return started;
  }
  fs::remove_all(own);
  CommitResult result;
  const std::vector<std::string> numbers = absl::StrSplit(line, absl::ByAnyChar(" \n"));
  if (numbers.size() >= 4 && absl::SimpleAtod(numbers[0], &result.p50_us) &&
      absl::SimpleAtod(numbers[1], &result.p99_us) &&
      absl::SimpleAtod(numbers[2], &result.commits_per_second) &&
      absl::SimpleAtoi(numbers[3], &result.elections)) {
    return result;
  }
  return absl::InternalError("the leader ended without a result");
}

}  // namespace hawser::bench
