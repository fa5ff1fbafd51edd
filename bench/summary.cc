#include "bench/summary.h"

#include <algorithm>

#include "absl/strings/string_view.h"
#include "bench/contestants.h"

namespace hawser::bench {
namespace {

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

bool SameButContestant(const Workload& a, const Workload& b) {
  return a.entry_bytes == b.entry_bytes && a.depth == b.depth;
}

void AddRatios(const std::vector<Case>& cases, std::vector<CaseSummary>* summaries) {
  for (CaseSummary& summary : *summaries) {
    for (const CaseSummary& reference : *summaries) {
      const Case& reference_case = cases[reference.case_index];
      if (absl::string_view(reference_case.contestant->name) == kReferenceContestant &&
          SameButContestant(reference_case.workload, cases[summary.case_index].workload) &&
          reference.median[kP50Us] > 0) {
        summary.p50_ratio = summary.median[kP50Us] / reference.median[kP50Us];
      }
    }
  }
}

}  // namespace

const std::array<const char*, kMetricCount>& MetricNames() {
  static const std::array<const char*, kMetricCount> names = {"p50_us",
                                                              "p90_us",
                                                              "p99_us",
                                                              "p999_us",
                                                              "max_us",
                                                              "entries_per_second",
                                                              "cpu_seconds_per_million_entries",
                                                              "bytes_per_entry",
                                                              "drops",
                                                              "foreign_cores"};
  return names;
}

Metrics MetricsOf(const ClusterResult& result) {
  const PhaseResult& phase = result.phase;
  const double appended = static_cast<double>(std::max<uint64_t>(phase.appended, 1));
  const double seconds = static_cast<double>(std::max<int64_t>(phase.duration_ns, 1)) / 1e9;
  const double cpu_seconds =
      static_cast<double>(result.leader_cpu_ns + result.followers_cpu_ns) / 1e9;
  Metrics metrics;
  metrics[kP50Us] = static_cast<double>(phase.p50_ns) / 1e3;
  metrics[kP90Us] = static_cast<double>(phase.p90_ns) / 1e3;
  metrics[kP99Us] = static_cast<double>(phase.p99_ns) / 1e3;
  metrics[kP999Us] = static_cast<double>(phase.p999_ns) / 1e3;
  metrics[kMaxUs] = static_cast<double>(phase.max_ns) / 1e3;
  metrics[kEntriesPerSecond] = static_cast<double>(phase.committed) / seconds;
  metrics[kCpuSecondsPerMillion] = cpu_seconds / appended * 1e6;
  metrics[kBytesPerEntry] = static_cast<double>(result.loopback_bytes) / appended;
  metrics[kDrops] = static_cast<double>(phase.drops);
  metrics[kForeignCores] = result.foreign_cores;
  return metrics;
}

std::vector<CaseSummary> Summarize(const std::vector<Case>& cases,
                                   const std::vector<Measurement>& measurements) {
  std::vector<CaseSummary> summaries;
  for (size_t i = 0; i < cases.size(); ++i) {
    std::array<std::vector<double>, kMetricCount> values;
    for (const Measurement& measurement : measurements) {
      if (measurement.case_index != i) continue;
      const Metrics metrics = MetricsOf(measurement.result);
      for (size_t m = 0; m < kMetricCount; ++m) values[m].push_back(metrics[m]);
    }
    if (values[0].empty()) continue;
    CaseSummary summary;
    summary.case_index = i;
    summary.rounds = static_cast<int>(values[0].size());
    for (size_t m = 0; m < kMetricCount; ++m) {
      summary.median[m] = Median(values[m]);
      summary.min[m] = *std::min_element(values[m].begin(), values[m].end());
      summary.max[m] = *std::max_element(values[m].begin(), values[m].end());
    }
    summaries.push_back(summary);
  }
  AddRatios(cases, &summaries);
  return summaries;
}

}  // namespace hawser::bench
