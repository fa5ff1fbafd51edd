#include "tests/sim/seed_runner.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <new>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/check.h"

namespace hawser {
namespace {

constexpr size_t kTextBytes = 600;
constexpr uint64_t kFailedSeedsMax = 20;

// What a child tells its parent. Plain memory that both see.
struct JobReport {
  std::atomic<uint64_t> current_seed{0};  // 0: between two
  uint64_t seeds = 0;
  uint64_t failures = 0;
  uint64_t failed_seeds[kFailedSeedsMax] = {};
  uint64_t failed_seed = 0;
  char failure[kTextBytes] = {};
  SimCounts counts;
  std::array<uint64_t, kSimActionCount> actions{};
  TransitionTable transitions;
  uint64_t turns = 0;
  uint64_t virtual_ms = 0;
};

struct Board {
  std::atomic<uint64_t> next_seed{0};
  std::atomic<bool> stop{false};
};

template <typename T>
T* MakeShared(size_t count) {
  void* memory =
      mmap(nullptr, sizeof(T) * count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  HAWSER_CHECK(memory != MAP_FAILED);
  T* first = static_cast<T*>(memory);
  for (size_t i = 0; i < count; ++i) new (first + i) T();
  return first;
}

void NoteFailure(JobReport* report, uint64_t seed, const std::string& failure) {
  if (report->failures < kFailedSeedsMax) report->failed_seeds[report->failures] = seed;
  ++report->failures;
  if (report->failed_seed != 0 && report->failed_seed < seed) return;
  report->failed_seed = seed;
  std::strncpy(report->failure, failure.c_str(), kTextBytes - 1);
}

template <typename Array>
void AddUp(Array* to, const Array& from) {
  for (size_t i = 0; i < to->size(); ++i) (*to)[i] += from[i];
}

void AddUp(SimCounts* to, const SimCounts& from) {
  to->accepted += from.accepted;
  to->refused += from.refused;
  to->delivered += from.delivered;
  to->delivered_bytes += from.delivered_bytes;
  AddUp(&to->delivered_in, from.delivered_in);
  to->acknowledged += from.acknowledged;
  to->acknowledged_bytes += from.acknowledged_bytes;
  to->superseded += from.superseded;
  to->reports += from.reports;
  AddUp(&to->lost, from.lost);
  to->switches += from.switches;
  to->fallbacks += from.fallbacks;
}

void Work(const SeedRun& run, Board* board, JobReport* report) {
  while (!board->stop.load()) {
    const uint64_t seed = board->next_seed.fetch_add(1);
    if (seed > run.last_seed) return;
    report->current_seed.store(seed);
    Scenario scenario = DrawScenario(seed);
    scenario.planted_bug = run.planted_bug;
    const SimResult result = Simulation(scenario, /*trace=*/false).Run();
    report->current_seed.store(0);
    ++report->seeds;
    AddUp(&report->counts, result.counts);
    AddUp(&report->actions, result.actions);
    report->transitions.Add(result.transitions);
    report->turns += result.turns;
    report->virtual_ms += static_cast<uint64_t>(result.virtual_ms);
    if (result.ok) continue;
    NoteFailure(report, seed, result.failure);
    if (run.until_failure) board->stop.store(true);
  }
}

pid_t StartJob(const SeedRun& run, Board* board, JobReport* report) {
  const pid_t pid = fork();
  HAWSER_CHECK(pid >= 0);
  if (pid != 0) return pid;
  Work(run, board, report);
  _exit(0);
}

}  // namespace

SeedRunResult RunSeeds(const SeedRun& run) {
  const auto begin = std::chrono::steady_clock::now();
  Board* board = MakeShared<Board>(1);
  JobReport* reports = MakeShared<JobReport>(static_cast<size_t>(run.jobs));
  board->next_seed.store(run.first_seed);
  std::vector<pid_t> jobs;
  for (int i = 0; i < run.jobs; ++i) jobs.push_back(StartJob(run, board, &reports[i]));
  for (int i = 0; i < run.jobs; ++i) {
    int status = 0;
    HAWSER_CHECK(waitpid(jobs[i], &status, 0) == jobs[i]);
    const uint64_t seed = reports[i].current_seed.exchange(0);
    if (seed == 0) continue;
    // It died on the way: a check of the product failed.
    ++reports[i].seeds;
    NoteFailure(&reports[i], seed, absl::StrCat("the process died with signal ", WTERMSIG(status)));
    if (run.until_failure) board->stop.store(true);
    jobs[i] = StartJob(run, board, &reports[i]);
    --i;
  }
  SeedRunResult result;
  for (int i = 0; i < run.jobs; ++i) {
    const JobReport& report = reports[i];
    result.seeds += report.seeds;
    result.failures += report.failures;
    result.turns += report.turns;
    result.virtual_ms += report.virtual_ms;
    AddUp(&result.counts, report.counts);
    AddUp(&result.actions, report.actions);
    result.transitions.Add(report.transitions);
    if (report.failed_seed == 0) continue;
    const uint64_t kept = std::min(report.failures, kFailedSeedsMax);
    result.failed_seeds.insert(result.failed_seeds.end(), report.failed_seeds,
                               report.failed_seeds + kept);
    if (result.failed_seed != 0 && result.failed_seed < report.failed_seed) continue;
    result.failed_seed = report.failed_seed;
    result.failure = report.failure;
  }
  std::sort(result.failed_seeds.begin(), result.failed_seeds.end());
  munmap(board, sizeof(Board));
  munmap(reports, sizeof(JobReport) * static_cast<size_t>(run.jobs));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  result.seconds = seconds.count();
  return result;
}

SeedRunResult SearchBug(PlantedBug bug, uint64_t seeds_max) {
  SeedRun run;
  run.planted_bug = bug;
  run.last_seed = seeds_max;
  run.until_failure = true;
  return RunSeeds(run);
}

std::string BugTableHead() {
  return absl::StrFormat("%-18s  %5s  %s\n", "planted bug", "seeds", "what the oracle says");
}

std::string BugTableLine(PlantedBug bug, const SeedRunResult& result) {
  if (result.failures == 0) {
    return absl::StrFormat("%-18s  %5s  not found in %d seeds\n", PlantedBugName(bug), "-",
                           result.seeds);
  }
  return absl::StrFormat("%-18s  %5d  %s\n", PlantedBugName(bug), result.seeds, result.failure);
}

std::string ReplayCommand(uint64_t seed, PlantedBug planted_bug) {
  std::string command = absl::StrCat("bazel run //tests/sim:simulate -- --seed=", seed);
  if (planted_bug != PlantedBug::kNone) {
    absl::StrAppend(&command, " --bug=", PlantedBugName(planted_bug));
  }
  return absl::StrCat(command, " --trace");
}

const char* PlantedBugName(PlantedBug bug) {
  static const char* const kNames[kPlantedBugCount] = {
      "None",         "NoEpochFence",  "PredictorNotReset",  "AckBeforeHandler",
      "CreditLeaked", "SwitchIgnored", "HeartbeatUncounted", "LostWakeup",
      "TieWrong"};
  return kNames[static_cast<int>(bug)];
}

std::string DescribeRun(const SeedRunResult& result) {
  const SimCounts& counts = result.counts;
  std::string text = absl::StrFormat(
      "%d seeds in %.1f s (%.0f a second), %d failed; %.0f s of virtual time, %d turns\n"
      "accepted %d, delivered %d (%d bytes), refused %d, superseded %d, %d outages told, "
      "%d switches, %d fallbacks\nlost:",
      result.seeds, result.seconds, static_cast<double>(result.seeds) / result.seconds,
      result.failures, static_cast<double>(result.virtual_ms) / 1000, result.turns, counts.accepted,
      counts.delivered, counts.delivered_bytes, counts.refused, counts.superseded, counts.reports,
      counts.switches, counts.fallbacks);
  for (int i = 0; i < kLossReasonCount; ++i) {
    absl::StrAppend(&text, " ", LossReasonName(static_cast<LossReason>(i)), "=", counts.lost[i]);
  }
  absl::StrAppend(&text, "\nactions:");
  for (int i = 0; i < kSimActionCount; ++i) {
    absl::StrAppend(&text, " ", SimActionName(static_cast<SimAction>(i)), "=", result.actions[i]);
  }
  absl::StrAppend(&text, "\n", result.transitions.Text());
  if (result.failures > 0) {
    absl::StrAppend(&text, "failed: ", absl::StrJoin(result.failed_seeds, " "), "\n");
  }
  return text;
}

}  // namespace hawser
