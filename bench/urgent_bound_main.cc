// bench/urgent_bound: how long a heartbeat takes over a link of a given rate, idle, under bulk and
// under appends; Hawser beside one first-in-first-out stream. docs/benchmarking.md says how.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "bench/net_pair.h"
#include "bench/urgent_bound.h"

ABSL_FLAG(double, seconds, 3, "length of a measurement, of which a fifth is warming up");
ABSL_FLAG(int, rounds, 3, "how often each case is measured; the median is shown");
ABSL_FLAG(int, mbit, 1000, "rate of the link in Mbit/s");

namespace hawser::bench {
namespace {

struct Contestant {
  const char* name;
  void (*answer)(const UrgentBoundCase&);
  UrgentBoundResult (*measure)(const UrgentBoundCase&);
};
constexpr Contestant kContestants[] = {{"hawser", &AnswerWithHawser, &MeasureHawser},
                                       {"fifo", &AnswerWithFifo, &MeasureFifo}};

struct LoadRow {
  const char* name;
  Load load;
  int bound_kib;  // what a heartbeat may have to wait behind, on Hawser
};
constexpr LoadRow kLoads[] = {
    {"idle", Load::kNone, 0}, {"bulk", Load::kBulk, 192}, {"appends", Load::kAppends, 704}};

// Runs one case in two fresh processes, each in a namespace of its own. False: it said why.
bool RunCase(const Contestant& contestant, Load load, UrgentBoundResult* result) {
  UrgentBoundCase c;
  c.load = load;
  c.duration_ns = static_cast<int64_t>(absl::GetFlag(FLAGS_seconds) * 1e9);
  c.here = NetPair::kHere;
  c.there = NetPair::kThere;
  int fds[2];
  if (pipe(fds) != 0) return false;
  const pid_t pid = fork();
  if (pid == 0) {
    auto pair = NetPair::Enter([&] { contestant.answer(c); });
    absl::Status status = pair.status();
    if (status.ok()) status = (*pair)->Shape(absl::StrFormat("%dmbit", absl::GetFlag(FLAGS_mbit)));
    if (!status.ok()) {
      absl::FPrintF(stderr, "urgent_bound: %s\n", status.ToString());
      _exit(1);
    }
    (*pair)->StartOther();
    const UrgentBoundResult measured = contestant.measure(c);
    const bool told = write(fds[1], &measured, sizeof(measured)) == sizeof(measured);
    pair->reset();
    _exit(told ? 0 : 1);
  }
  close(fds[1]);
  const bool told = read(fds[0], result, sizeof(*result)) == sizeof(*result);
  close(fds[0]);
  waitpid(pid, nullptr, 0);
  return told;
}

template <typename T>
T Median(std::vector<UrgentBoundResult> results, T UrgentBoundResult::*member) {
  std::sort(results.begin(), results.end(),
            [member](const auto& a, const auto& b) { return a.*member < b.*member; });
  return results[results.size() / 2].*member;
}

int Main() {
  constexpr size_t kCases = std::size(kContestants) * std::size(kLoads);
  std::vector<std::vector<UrgentBoundResult>> results(kCases);
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    for (size_t i = 0; i < kCases; ++i) {
      UrgentBoundResult result;
      const Contestant& contestant = kContestants[i % std::size(kContestants)];
      if (!RunCase(contestant, kLoads[i / std::size(kContestants)].load, &result)) return 1;
      results[i].push_back(result);
    }
  }
  absl::PrintF(
      "| load | contestant | heartbeats | p50 ms | p99 ms | max ms | load MB/s | aim: p99 at most "
      "|\n");
  absl::PrintF("|---|---|---|---|---|---|---|---|\n");
  const double seconds = absl::GetFlag(FLAGS_seconds) * 4 / 5;
  const double idle_p99_ms = Median(results[0], &UrgentBoundResult::p99_ns) / 1e6;
  for (size_t i = 0; i < kCases; ++i) {
    const LoadRow& load = kLoads[i / std::size(kContestants)];
    const bool hawser = i % std::size(kContestants) == 0;
    const double aim_ms = idle_p99_ms + load.bound_kib * 1024 * 8e-3 / absl::GetFlag(FLAGS_mbit);
    absl::PrintF("| %s | %s | %d | %.3f | %.3f | %.3f | %.1f | %s |\n", load.name,
                 kContestants[i % std::size(kContestants)].name,
                 Median(results[i], &UrgentBoundResult::heartbeats),
                 Median(results[i], &UrgentBoundResult::p50_ns) / 1e6,
                 Median(results[i], &UrgentBoundResult::p99_ns) / 1e6,
                 Median(results[i], &UrgentBoundResult::max_ns) / 1e6,
                 Median(results[i], &UrgentBoundResult::load_bytes) / seconds / 1e6,
                 hawser && load.bound_kib != 0 ? absl::StrFormat("%.3f", aim_ms) : "");
  }
  return 0;
}

}  // namespace
}  // namespace hawser::bench

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::ParseCommandLine(argc, argv);
  return hawser::bench::Main();
}
