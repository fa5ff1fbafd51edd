// bench/link_pingpong: latency and throughput of a link alone, RDMA's and gRPC's, between two
// processes. docs/benchmarking.md says what is measured and how to read it.
//
//     bazel run -c opt //bench:link_pingpong -- --link=rdma,grpc --addresses=10.77.0.1,10.77.0.2

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "bench/control_channel.h"
#include "bench/links/link_report.h"
#include "bench/links/measure.h"
#include "bench/placement.h"
#include "transport/frame.h"

ABSL_FLAG(std::vector<std::string>, link, std::vector<std::string>({"grpc"}),
          "which links: rdma, grpc; a list");
ABSL_FLAG(std::vector<std::string>, addresses, std::vector<std::string>({"127.0.0.1", "127.0.0.1"}),
          "IP addresses of the measuring and the answering end; for rdma those of RDMA devices");
ABSL_FLAG(std::vector<std::string>, test, std::vector<std::string>({"pingpong", "stream"}),
          "pingpong (latency), stream (throughput); a list");
ABSL_FLAG(std::vector<std::string>, wait, std::vector<std::string>({"spin", "sleep"}),
          "how both ends wait: spin, sleep, adapt (as the product does by default); a list");
ABSL_FLAG(std::vector<std::string>, bytes, std::vector<std::string>({"64", "8192", "65536"}),
          "bytes of a message on the link, 32 to 1 MiB; a list");
ABSL_FLAG(std::vector<std::string>, slot_bytes, std::vector<std::string>({"8192"}),
          "RDMA's slots: 8192, 16384, 65536; a list");
ABSL_FLAG(std::vector<std::string>, cores, {},
          "cores of the measuring and the answering end; default: wherever the scheduler wants");
ABSL_FLAG(double, seconds, 0.5, "how long each measurement takes");
ABSL_FLAG(int, rounds, 3, "measurements of each kind, interleaved");
ABSL_FLAG(std::string, json, "", "file to write all results to");
ABSL_FLAG(bool, progress, true, "say each measurement on stderr");
ABSL_FLAG(bool, allow_debug_build, false, "run, and mark the results, though not optimized");

namespace hawser::bench {
namespace {

constexpr int kMinBytes = 32;
constexpr int kMaxBytes = 1 << 20;

template <typename T>
struct Choice {
  const char* name;
  T value;
};
constexpr Choice<LinkKind> kLinks[] = {{"rdma", LinkKind::kRdma}, {"grpc", LinkKind::kGrpc}};
constexpr Choice<LinkTest> kTests[] = {{"pingpong", LinkTest::kPingPong},
                                       {"stream", LinkTest::kStream}};
constexpr Choice<Waiting> kWaits[] = {
    {"spin", Waiting::kSpin}, {"sleep", Waiting::kSleep}, {"adapt", Waiting::kAdapt}};

[[noreturn]] void Complain(absl::string_view what) {
  std::fprintf(stderr, "link_pingpong: %s\n", absl::StrCat(what).c_str());
  std::exit(1);
}

template <typename T, size_t kCount>
std::vector<T> Choose(absl::string_view flag, const std::vector<std::string>& words,
                      const Choice<T> (&choices)[kCount]) {
  std::vector<T> values;
  for (const std::string& word : words) {
    const size_t before = values.size();
    for (const Choice<T>& choice : choices) {
      if (word == choice.name) values.push_back(choice.value);
    }
    if (values.size() == before) Complain(absl::StrCat("--", flag, ": there is no '", word, "'"));
  }
  if (values.empty()) Complain(absl::StrCat("--", flag, " is empty"));
  return values;
}

std::vector<int> Numbers(absl::string_view flag, const std::vector<std::string>& words, int least,
                         int most) {
  std::vector<int> numbers;
  for (const std::string& word : words) {
    int number;
    if (!absl::SimpleAtoi(word, &number) || number < least || number > most) {
      Complain(absl::StrCat("--", flag, ": '", word, "' is not ", least, " to ", most));
    }
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<LinkCase> CasesOf() {
  const std::vector<std::string> addresses = absl::GetFlag(FLAGS_addresses);
  if (addresses.size() != 2) Complain("--addresses: give two, as in 10.77.0.1,10.77.0.2");
  const std::vector<int> slots =
      Numbers("slot_bytes", absl::GetFlag(FLAGS_slot_bytes), 8192, 65536);
  if (slots.empty()) Complain("--slot_bytes is empty");
  LinkCase c;
  c.here = addresses[0];
  c.there = addresses[1];
  c.duration_ns = static_cast<int64_t>(absl::GetFlag(FLAGS_seconds) * 1e9);
  std::vector<LinkCase> cases;
  for (const LinkTest test : Choose("test", absl::GetFlag(FLAGS_test), kTests)) {
    for (const int bytes : Numbers("bytes", absl::GetFlag(FLAGS_bytes), kMinBytes, kMaxBytes)) {
      for (const Waiting waiting : Choose("wait", absl::GetFlag(FLAGS_wait), kWaits)) {
        for (const LinkKind kind : Choose("link", absl::GetFlag(FLAGS_link), kLinks)) {
          for (const int slot : slots) {
            c.test = test;
            c.message_bytes = static_cast<size_t>(bytes);
            c.waiting = waiting;
            c.kind = kind;
            c.slot_bytes = static_cast<uint32_t>(slot);
            // gRPC has none.
            if (kind == LinkKind::kRdma || slot == slots[0]) cases.push_back(c);
          }
        }
      }
    }
  }
  return cases;
}

// Starts `body` in a process that ends with this one.
template <typename Body>
pid_t Fork(const std::vector<int>& cores, size_t end, Body body) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (end < cores.size() && !BindToCores({cores[end]})) Complain("--cores: no such core");
  const absl::Status status = body();
  if (!status.ok()) std::fprintf(stderr, "link_pingpong: %s\n", status.ToString().c_str());
  _exit(status.ok() ? 0 : 1);
}

bool EndedWell(pid_t pid) {
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// In two fresh processes, so that no measurement warms the next one up. False: they said why.
bool Measure(const LinkCase& c, const std::vector<int>& cores, LinkResult* result) {
  absl::StatusOr<std::pair<int, int>> fds = ControlChannel::MakePair();
  int results[2];
  if (!fds.ok() || pipe(results) != 0) Complain("no descriptors");
  const pid_t answering = Fork(cores, 1, [&] {
    close(fds->first);
    ControlChannel other(fds->second);
    return RunAnswering(c, &other);
  });
  const pid_t measuring = Fork(cores, 0, [&]() -> absl::Status {
    close(fds->second);
    ControlChannel other(fds->first);
    absl::StatusOr<LinkResult> measured = RunMeasuring(c, &other, answering);
    if (!measured.ok()) return measured.status();
    if (write(results[1], &*measured, sizeof(*measured)) == sizeof(*measured)) {
      return absl::OkStatus();
    }
    return absl::InternalError("the result cannot be told");
  });
  close(fds->first);
  close(fds->second);
  close(results[1]);
  const bool told = read(results[0], result, sizeof(*result)) == sizeof(*result);
  close(results[0]);
  const bool measured = EndedWell(measuring);
  if (!measured) kill(answering, SIGKILL);
  return EndedWell(answering) && measured && told;
}

int Main(const std::vector<std::string>& command) {
  if (!IsOptimizedBuild() && !absl::GetFlag(FLAGS_allow_debug_build)) {
    Complain(
        "this is not an optimized build, its times would mean nothing: build with 'bazel run -c "
        "opt //bench:link_pingpong', or give --allow_debug_build");
  }
  LinkRun run;
  run.host = DescribeHost();
  run.command = absl::StrJoin(command, " ");
  run.rounds = absl::GetFlag(FLAGS_rounds);
  run.cases = CasesOf();
  const std::vector<int> cores = Numbers("cores", absl::GetFlag(FLAGS_cores), 0, 4095);
  std::fputs(FormatLinkHeader(run).c_str(), stdout);
  std::fflush(stdout);
  std::vector<LinkMeasurement> measurements;
  for (int round = 1; round <= run.rounds; ++round) {
    for (size_t i = 0; i < run.cases.size(); ++i) {
      LinkMeasurement measurement = {i, round, {}};
      if (!Measure(run.cases[i], cores, &measurement.result)) return 1;
      measurements.push_back(measurement);
      if (!absl::GetFlag(FLAGS_progress)) continue;
      std::fputs(FormatLinkProgress(run, measurement, measurements.size()).c_str(), stderr);
    }
  }
  std::fputs(FormatLinkTable(run, measurements).c_str(), stdout);
  std::string path = absl::GetFlag(FLAGS_json);
  if (path.empty()) return 0;
  // `bazel run` starts programs elsewhere than where the user is.
  const char* const directory = std::getenv("BUILD_WORKING_DIRECTORY");
  if (directory != nullptr && !absl::StartsWith(path, "/"))
    path = absl::StrCat(directory, "/", path);
  std::ofstream json(path);
  json << FormatLinkJson(run, measurements) << std::flush;
  if (!json) Complain(absl::StrCat("--json: can't write ", path));
  return 0;
}

}  // namespace
}  // namespace hawser::bench

int main(int argc, char** argv) {
  // Debian's Abseil looks for lock cycles at each lock, and gRPC locks by it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::SetProgramUsageMessage(
      "Measures links alone, RDMA's and gRPC's, between two processes. See docs/benchmarking.md.");
  const std::vector<std::string> command(argv, argv + argc);
  absl::ParseCommandLine(argc, argv);
  return hawser::bench::Main(command);
}
