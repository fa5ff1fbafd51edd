// Runs the simulation for a range of seeds, or shows what one of them does.
//
//   simulate --seeds=1..20000 --jobs=2
//   simulate --seed=17 --trace
//   simulate --bug=CreditLeaked
//   simulate --bug=all

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/log.h"
#include "tests/sim/seed_runner.h"
#include "tests/sim/simulation.h"

ABSL_FLAG(std::string, seeds, "1..1000", "runs these, FROM..TO");
ABSL_FLAG(uint64_t, seed, 0, "runs this one only, in this process");
ABSL_FLAG(bool, trace, false, "with --seed: prints what happens");
ABSL_FLAG(
    std::string, bug, "None",
    "breaks this promise on purpose (transport/planted_bug.h) and says how many seeds it takes "
    "to find it, from 1 to the last of --seeds at most; all: each of them");
ABSL_FLAG(int32_t, jobs, 2, "processes at a time");

namespace {

int Fail(const std::string& text) {
  std::fprintf(stderr, "simulate: %s\n", text.c_str());
  return 2;
}

int RunOne(uint64_t seed, hawser::PlantedBug bug, bool trace) {
  hawser::Scenario scenario = hawser::DrawScenario(seed);
  scenario.planted_bug = bug;
  if (trace) std::printf("%s\n", hawser::DescribeScenario(scenario).c_str());
  const hawser::SimResult result = hawser::Simulation(scenario, trace).Run();
  std::printf("seed %" PRIu64 ": %s\n", seed, result.ok ? "ok" : result.failure.c_str());
  return result.ok ? 0 : 1;
}

int RunMany(const hawser::SeedRun& run) {
  const hawser::SeedRunResult result = hawser::RunSeeds(run);
  std::printf("%s", hawser::DescribeRun(result).c_str());
  if (result.failures == 0) return 0;
  std::printf("seed %" PRIu64 " failed: %s\n  %s\n", result.failed_seed, result.failure.c_str(),
              hawser::ReplayCommand(result.failed_seed, run.planted_bug).c_str());
  return 1;
}

// Succeeds when all are found.
int SearchBugs(const std::vector<hawser::PlantedBug>& bugs, uint64_t seeds_max) {
  bool found = true;
  std::printf("%s", hawser::BugTableHead().c_str());
  for (const hawser::PlantedBug bug : bugs) {
    const hawser::SeedRunResult result = hawser::SearchBug(bug, seeds_max);
    std::printf("%s", hawser::BugTableLine(bug, result).c_str());
    if (result.failures == 0) {
      found = false;
    } else {
      std::printf("    %s\n", hawser::ReplayCommand(result.failed_seed, bug).c_str());
    }
    std::fflush(stdout);
  }
  return found ? 0 : 1;
}

// None, one or all of them.
std::vector<hawser::PlantedBug> BugsNamed(const std::string& name) {
  std::vector<hawser::PlantedBug> bugs;
  for (int i = 0; i < hawser::kPlantedBugCount; ++i) {
    const auto bug = static_cast<hawser::PlantedBug>(i);
    const bool all = name == "all" && bug != hawser::PlantedBug::kNone;
    if (all || name == hawser::PlantedBugName(bug)) bugs.push_back(bug);
  }
  return bugs;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Simulates clusters from seeds and checks every promise.");
  absl::ParseCommandLine(argc, argv);
  const bool trace = absl::GetFlag(FLAGS_trace);
  if (!trace) hawser::SetLogSink([](absl::string_view) {});

  const std::vector<hawser::PlantedBug> bugs = BugsNamed(absl::GetFlag(FLAGS_bug));
  if (bugs.empty()) return Fail(absl::StrCat("no bug is called ", absl::GetFlag(FLAGS_bug)));
  if (const uint64_t seed = absl::GetFlag(FLAGS_seed)) return RunOne(seed, bugs.front(), trace);

  hawser::SeedRun run;
  const std::pair<std::string, std::string> ends =
      absl::StrSplit(absl::GetFlag(FLAGS_seeds), absl::MaxSplits("..", 1));
  if (!absl::SimpleAtoi(ends.first, &run.first_seed) ||
      !absl::SimpleAtoi(ends.second, &run.last_seed) || run.first_seed > run.last_seed) {
    return Fail("--seeds is FROM..TO");
  }
  if (bugs.front() != hawser::PlantedBug::kNone) return SearchBugs(bugs, run.last_seed);
  run.jobs = absl::GetFlag(FLAGS_jobs);
  return RunMany(run);
}
