// libraft_commit: what a commit of libraft takes over Hawser and over libraft's own TCP, in turns.
// docs/libraft.md.

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "bench/libraft/commit_member.h"
#include "bench/placement.h"

ABSL_FLAG(std::vector<std::string>, transports, (std::vector<std::string>{"hawser", "tcp"}),
          "hawser, tcp (libraft's own)");
ABSL_FLAG(std::vector<std::string>, logs, (std::vector<std::string>{"memory", "disk"}),
          "memory, disk");
ABSL_FLAG(std::vector<std::string>, entry_bytes, (std::vector<std::string>{"64", "256", "4096"}),
          "multiples of 8");
ABSL_FLAG(std::string, placement, "one", "one (all servers on one core) or free");
ABSL_FLAG(std::string, directory, "/tmp", "where the servers' logs are");
ABSL_FLAG(double, seconds, 2, "each phase: depth 1, and depth 64");
ABSL_FLAG(int, rounds, 3, "how often all take turns");
ABSL_FLAG(int, member, 0, "of a server; set by the program itself");
ABSL_FLAG(std::vector<std::string>, addresses, {}, "of a server; set by the program itself");

namespace hawser::bench {
namespace {

constexpr int kServers = 3;

struct Case {
  std::string transport;
  std::string log;
  std::string entry_bytes;
};

int RunMember() {
  CommitOptions options;
  options.id = static_cast<raft_id>(absl::GetFlag(FLAGS_member));
  options.addresses = absl::GetFlag(FLAGS_addresses);
  options.directory = absl::GetFlag(FLAGS_directory);
  options.hawser = absl::GetFlag(FLAGS_transports)[0] == "hawser";
  options.memory_log = absl::GetFlag(FLAGS_logs)[0] == "memory";
  options.seconds = absl::GetFlag(FLAGS_seconds);
  if (!absl::SimpleAtoi(absl::GetFlag(FLAGS_entry_bytes)[0], &options.entry_bytes)) return 1;
  const absl::StatusOr<CommitResult> result = RunCommitMember(options);
  if (!result.ok()) {
    std::fprintf(stderr, "server %d: %s\n", absl::GetFlag(FLAGS_member),
                 std::string(result.status().message()).c_str());
    return 1;
  }
  std::printf("%f %f %f %d\n", result->p50_us, result->p99_us, result->commits_per_second,
              result->elections);
  std::fflush(stdout);
  // Without destructors: handles and callbacks are under way.
  _exit(0);
}

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

// Starts this program as a server; its standard output is `output`.
pid_t StartServer(const Case& what, int id, const std::string& addresses,
                  const std::string& directory, int output) {
  const std::vector<std::string> arguments = {
      "/proc/self/exe",
      absl::StrCat("--member=", id),
      absl::StrCat("--addresses=", addresses),
      absl::StrCat("--directory=", directory),
      absl::StrCat("--transports=", what.transport),
      absl::StrCat("--logs=", what.log),
      absl::StrCat("--entry_bytes=", what.entry_bytes),
      absl::StrCat("--seconds=", absl::GetFlag(FLAGS_seconds))};
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const bool one_core = absl::GetFlag(FLAGS_placement) == "one";
  const int core = AllowedCores()[0];
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  if (one_core) BindToCores({core});
  execv(argv[0], argv.data());
  _exit(127);
}

// False: the leader did not come to an end.
bool Measure(const Case& what, CommitResult* result) {
  namespace fs = std::filesystem;
  std::string directory = absl::GetFlag(FLAGS_directory) + "/libraft_commit_XXXXXX";
  int pipe_ends[2];
  if (mkdtemp(&directory[0]) == nullptr || pipe2(pipe_ends, O_CLOEXEC) != 0) return false;
  const std::string addresses = absl::StrJoin(FreeAddresses(), ",");
  std::vector<pid_t> servers;
  for (int id = kServers; id >= 1; --id) {
    const std::string own = absl::StrCat(directory, "/", id);
    fs::create_directory(own);
    servers.push_back(
        StartServer(what, id, addresses, own, id == 1 ? pipe_ends[1] : STDERR_FILENO));
  }
  close(pipe_ends[1]);
  std::string line;
  char bytes[256];
  ssize_t count = 0;
  while ((count = read(pipe_ends[0], bytes, sizeof bytes)) > 0) line.append(bytes, count);
  close(pipe_ends[0]);
  for (const pid_t server : servers) {
    kill(server, SIGKILL);
    waitpid(server, nullptr, 0);
  }
  fs::remove_all(directory);
  const std::vector<std::string> numbers = absl::StrSplit(line, absl::ByAnyChar(" \n"));
  return numbers.size() >= 4 && absl::SimpleAtod(numbers[0], &result->p50_us) &&
         absl::SimpleAtod(numbers[1], &result->p99_us) &&
         absl::SimpleAtod(numbers[2], &result->commits_per_second) &&
         absl::SimpleAtoi(numbers[3], &result->elections);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

using Key = std::tuple<std::string, std::string, std::string>;  // log, bytes, transport

void PrintTable(const std::map<Key, std::vector<CommitResult>>& results,
                const std::vector<Key>& order) {
  std::printf(
      "\n| log | entry | transport | p50 us, depth 1 | p99 us | commits/s, depth 64 | min-max | "
      "elections |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const Key& key : order) {
    std::vector<double> p50s;
    std::vector<double> p99s;
    std::vector<double> rates;
    int elections = 0;
    for (const CommitResult& result : results.at(key)) {
      p50s.push_back(result.p50_us);
      p99s.push_back(result.p99_us);
      rates.push_back(result.commits_per_second);
      elections += result.elections;
    }
    std::printf("| %s | %s B | %s | %.1f | %.0f | %.0f | %.0f-%.0f | %d |\n",
                std::get<0>(key).c_str(), std::get<1>(key).c_str(), std::get<2>(key).c_str(),
                Median(p50s), Median(p99s), Median(rates),
                *std::min_element(rates.begin(), rates.end()),
                *std::max_element(rates.begin(), rates.end()), elections);
  }
}

int RunAll() {
  std::map<Key, std::vector<CommitResult>> results;
  std::vector<Key> order;
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    for (const std::string& log : absl::GetFlag(FLAGS_logs)) {
      for (const std::string& bytes : absl::GetFlag(FLAGS_entry_bytes)) {
        for (const std::string& transport : absl::GetFlag(FLAGS_transports)) {
          CommitResult result;
          if (!Measure({transport, log, bytes}, &result)) {
            std::fprintf(stderr, "%s, %s, %s bytes: no result\n", transport.c_str(), log.c_str(),
                         bytes.c_str());
            return 1;
          }
          const Key key(log, bytes, transport);
          if (results[key].empty()) order.push_back(key);
          results[key].push_back(result);
          std::printf("round %d  %s log, %s B, %s: p50 %.1f us, p99 %.0f us, %.0f commits/s\n",
                      round + 1, log.c_str(), bytes.c_str(), transport.c_str(), result.p50_us,
                      result.p99_us, result.commits_per_second);
          std::fflush(stdout);
        }
      }
    }
  }
  PrintTable(results, order);
  return 0;
}

}  // namespace
}  // namespace hawser::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Commits of three servers of libraft, over Hawser and over libraft's TCP, in turns.");
  absl::ParseCommandLine(argc, argv);
  return absl::GetFlag(FLAGS_member) > 0 ? hawser::bench::RunMember() : hawser::bench::RunAll();
}
