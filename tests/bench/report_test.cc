#include "bench/report.h"

#include <cstdint>
#include <string>
#include <vector>

#include "bench/contestants.h"
#include "bench/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace hawser::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ReplicateOptions TwoContestants() {
  ReplicateFlags flags;
  flags.contestants = {"grpc_sync", "grpc_callback"};
  flags.depth = {"1"};
  return *ParseReplicateOptions(flags, {0, 1});
}

Measurement Measured(size_t case_index, int round, int64_t p50_ns) {
  Measurement measurement;
  measurement.case_index = case_index;
  measurement.round = round;
  PhaseResult& phase = measurement.result.phase;
  phase.committed = 900;
  phase.appended = 1000;
  phase.duration_ns = 500'000'000;
  phase.p50_ns = p50_ns;
  phase.p90_ns = p50_ns * 2;
  phase.p99_ns = p50_ns * 3;
  phase.p999_ns = p50_ns * 4;
  phase.max_ns = p50_ns * 5;
  measurement.result.leader_cpu_ns = 20'000'000;
  measurement.result.followers_cpu_ns = 30'000'000;
  measurement.result.loopback_bytes = 250'000;
  return measurement;
}

std::vector<Measurement> ThreeRounds() {
  return {Measured(0, 1, 20'000), Measured(1, 1, 30'000), Measured(0, 2, 90'000),
          Measured(1, 2, 35'000), Measured(0, 3, 10'000), Measured(1, 3, 50'000)};
}

TEST(SummaryTest, MetricsAreForWhatWasAppended) {
  const Metrics metrics = MetricsOf(Measured(0, 1, 20'000).result);
  EXPECT_DOUBLE_EQ(metrics[kP50Us], 20);
  EXPECT_DOUBLE_EQ(metrics[kMaxUs], 100);
  EXPECT_DOUBLE_EQ(metrics[kEntriesPerSecond], 1800);
  EXPECT_DOUBLE_EQ(metrics[kCpuSecondsPerMillion], 50);
  EXPECT_DOUBLE_EQ(metrics[kBytesPerEntry], 250);
}

TEST(SummaryTest, MediansOfRoundsWithTheirRange) {
  const ReplicateOptions options = TwoContestants();
  const std::vector<CaseSummary> summaries = Summarize(options.cases, ThreeRounds());
  ASSERT_EQ(summaries.size(), 2u);
  EXPECT_EQ(summaries[0].rounds, 3);
  EXPECT_DOUBLE_EQ(summaries[0].median[kP50Us], 20);
  EXPECT_DOUBLE_EQ(summaries[0].min[kP50Us], 10);
  EXPECT_DOUBLE_EQ(summaries[0].max[kP50Us], 90);
  EXPECT_DOUBLE_EQ(summaries[0].p50_ratio, 1);
  EXPECT_DOUBLE_EQ(summaries[1].p50_ratio, 35.0 / 20.0);
}

TEST(SummaryTest, AnEvenNumberOfRoundsTakesTheMiddleOfTheMiddle) {
  const ReplicateOptions options = TwoContestants();
  const std::vector<CaseSummary> summaries =
      Summarize(options.cases, {Measured(1, 1, 10'000), Measured(1, 2, 20'000)});
  ASSERT_EQ(summaries.size(), 1u);
  EXPECT_DOUBLE_EQ(summaries[0].median[kP50Us], 15);
  // The reference did not run.
  EXPECT_DOUBLE_EQ(summaries[0].p50_ratio, 0);
}

TEST(ReportTest, TheTableHasALineForEachContestant) {
  const ReplicateOptions options = TwoContestants();
  const std::string table =
      FormatTable(RunDescription(), options, Summarize(options.cases, ThreeRounds()));
  EXPECT_THAT(table, HasSubstr("64 B depth 1"));
  EXPECT_THAT(table, HasSubstr("grpc_sync"));
  EXPECT_THAT(table, HasSubstr("20.0 (10.0-90.0)"));
  EXPECT_THAT(table, HasSubstr("35.0 (30.0-50.0)"));
  EXPECT_THAT(table, HasSubstr("1.75"));
}

TEST(ReportTest, BytesThatAreNotOnlyOursAreSaid) {
  const ReplicateOptions options = TwoContestants();
  RunDescription run;
  run.loopback_note = "no permission";
  const std::vector<CaseSummary> summaries = Summarize(options.cases, ThreeRounds());
  EXPECT_THAT(FormatTable(run, options, summaries), HasSubstr("no permission"));
  run.private_loopback = true;
  EXPECT_THAT(FormatTable(run, options, summaries), Not(HasSubstr("no permission")));
}

TEST(ReportTest, ANoisyMachineIsSaid) {
  const ReplicateOptions options = TwoContestants();
  std::vector<Measurement> measurements = ThreeRounds();
  EXPECT_THAT(FormatTable(RunDescription(), options, Summarize(options.cases, measurements)),
              Not(HasSubstr("Other programs used")));
  for (Measurement& measurement : measurements) measurement.result.foreign_cores = 0.8;
  EXPECT_THAT(FormatTable(RunDescription(), options, Summarize(options.cases, measurements)),
              HasSubstr("Other programs used up to 0.8 cores"));
}

TEST(ReportTest, PlacementSpinNamesThoseThatBlock) {
  ReplicateFlags flags;
  flags.placement = "spin";
  flags.contestants = {"grpc_sync"};
  const absl::StatusOr<ReplicateOptions> options = ParseReplicateOptions(flags, {0, 1});
  ASSERT_TRUE(options.ok());
  EXPECT_THAT(FormatTable(RunDescription(), *options, {}),
              HasSubstr("Can't poll, so they block: grpc_sync."));
  // Two followers that poll on one core.
  EXPECT_THAT(FormatHeader(RunDescription(), *options), HasSubstr("use --followers=1"));
}

TEST(ReportTest, ProgressSaysWhereItIs) {
  const ReplicateOptions options = TwoContestants();
  EXPECT_EQ(FormatProgress(options, Measured(1, 2, 35'000), 4),
            "[  4/6] round 2/3  64 B depth 1     grpc_callback    p50 35.0 us, 1800 entries/s\n");
}

TEST(ReportTest, JsonStringsAreEscaped) {
  EXPECT_EQ(JsonString("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
}

TEST(ReportTest, JsonHasTheRunAndBothKindsOfNumbers) {
  const ReplicateOptions options = TwoContestants();
  RunDescription run;
  run.host.cpu_model = "A \"CPU\"";
  const std::string json =
      FormatJson(run, options, ThreeRounds(), Summarize(options.cases, ThreeRounds()));
  EXPECT_THAT(json, HasSubstr("\"schema_version\": 1"));
  EXPECT_THAT(json, HasSubstr("\"cpu_model\": \"A \\\"CPU\\\"\""));
  EXPECT_THAT(json, HasSubstr("\"p50_us\": 20"));
  EXPECT_THAT(json, HasSubstr("\"p50_ratio\": 1.75"));
}

}  // namespace
}  // namespace hawser::bench
