// Runs the simulation for a range of seeds, or shows what one of them does.
//
//   simulate --seeds=1..20000 --jobs=2
//   simulate --seed=17 --trace
//   simulate --seeds=1..500 --bug=CreditLeaked

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
ABSL_FLAG(std::string, bug, "None", "breaks this promise on purpose (transport/planted_bug.h)");
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

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Simulates clusters from seeds and checks every promise.");
  absl::ParseCommandLine(argc, argv);
  const bool trace = absl::GetFlag(FLAGS_trace);
  if (!trace) hawser::SetLogSink([](absl::string_view) {});

  hawser::SeedRun run;
  bool known = false;
  for (int i = 0; i < hawser::kPlantedBugCount; ++i) {
    const auto bug = static_cast<hawser::PlantedBug>(i);
    if (absl::GetFlag(FLAGS_bug) != hawser::PlantedBugName(bug)) continue;
    run.planted_bug = bug;
    known = true;
  }
  if (!known) return Fail(absl::StrCat("no bug is called ", absl::GetFlag(FLAGS_bug)));
  if (const uint64_t seed = absl::GetFlag(FLAGS_seed)) return RunOne(seed, run.planted_bug, trace);

  const std::pair<std::string, std::string> ends =
      absl::StrSplit(absl::GetFlag(FLAGS_seeds), absl::MaxSplits("..", 1));
  if (!absl::SimpleAtoi(ends.first, &run.first_seed) ||
      !absl::SimpleAtoi(ends.second, &run.last_seed) || run.first_seed > run.last_seed) {
    return Fail("--seeds is FROM..TO");
  }
  run.jobs = absl::GetFlag(FLAGS_jobs);
  return RunMany(run);
}
