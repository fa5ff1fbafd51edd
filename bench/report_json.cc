// The JSON report; bench/results_table.py reads it.

#include "absl/strings/str_cat.h"
#include "bench/contestants.h"
#include "bench/json.h"
#include "bench/report.h"

namespace hawser::bench {
namespace {

// Counts up when a field changes its meaning or goes.
constexpr int kSchemaVersion = 1;

std::string MetricsObject(const Metrics& metrics) {
  JsonFields fields;
  for (size_t m = 0; m < kMetricCount; ++m) {
    fields.emplace_back(MetricNames()[m], JsonNumber(metrics[m]));
  }
  return JsonObject(fields);
}

JsonFields CaseFields(const Case& c) {
  return {{"contestant", JsonString(c.contestant->name)},
          {"entry_bytes", absl::StrCat(c.workload.entry_bytes)},
          {"depth", absl::StrCat(c.workload.depth)},
          {"spin", JsonBool(c.workload.spin)}};
}

std::string OptionsObject(const RunDescription& run, const ReplicateOptions& options) {
  const Workload& workload = options.cases[0].workload;
  return JsonObject({{"followers", absl::StrCat(options.followers)},
                     {"placement", JsonString(PlacementName(options.placement))},
                     {"link", JsonString(options.link)},
                     {"entries_per_message", absl::StrCat(workload.entries_per_message)},
                     {"ack_every", absl::StrCat(workload.ack_every)},
                     {"entries", absl::StrCat(options.goal.entries)},
                     {"seconds", JsonNumber(static_cast<double>(options.goal.duration_ns) / 1e9)},
                     {"peer_silent_ms", absl::StrCat(workload.peer_silent_ms)},
                     {"rounds", absl::StrCat(options.rounds)},
                     {"private_loopback", JsonBool(run.private_loopback)},
                     {"reference", JsonString(kReferenceContestant)}});
}

std::string MeasurementObject(const ReplicateOptions& options, const Measurement& measurement) {
  const ClusterResult& result = measurement.result;
  JsonFields fields = CaseFields(options.cases[measurement.case_index]);
  fields.emplace_back("round", absl::StrCat(measurement.round));
  fields.emplace_back("committed", absl::StrCat(result.phase.committed));
  fields.emplace_back("appended", absl::StrCat(result.phase.appended));
  fields.emplace_back("seconds", JsonNumber(static_cast<double>(result.phase.duration_ns) / 1e9));
  fields.emplace_back("leader_cpu_seconds",
                      JsonNumber(static_cast<double>(result.leader_cpu_ns) / 1e9));
  fields.emplace_back("followers_cpu_seconds",
                      JsonNumber(static_cast<double>(result.followers_cpu_ns) / 1e9));
  fields.emplace_back("metrics", MetricsObject(MetricsOf(result)));
  return JsonObject(fields);
}

std::string SummaryObject(const ReplicateOptions& options, const CaseSummary& summary) {
  JsonFields fields = CaseFields(options.cases[summary.case_index]);
  fields.emplace_back("rounds", absl::StrCat(summary.rounds));
  fields.emplace_back("median", MetricsObject(summary.median));
  fields.emplace_back("min", MetricsObject(summary.min));
  fields.emplace_back("max", MetricsObject(summary.max));
  fields.emplace_back("p50_ratio", summary.p50_ratio > 0 ? JsonNumber(summary.p50_ratio) : "null");
  return JsonObject(fields);
}

}  // namespace

std::string FormatJson(const RunDescription& run, const ReplicateOptions& options,
                       const std::vector<Measurement>& measurements,
                       const std::vector<CaseSummary>& summaries) {
  std::vector<std::string> measurement_objects;
  measurement_objects.reserve(measurements.size());
  for (const Measurement& measurement : measurements) {
    measurement_objects.push_back(MeasurementObject(options, measurement));
  }
  std::vector<std::string> summary_objects;
  summary_objects.reserve(summaries.size());
  for (const CaseSummary& summary : summaries) {
    summary_objects.push_back(SummaryObject(options, summary));
  }
  return absl::StrCat("{\n  \"schema_version\": ", kSchemaVersion,  //
                      ",\n  \"benchmark\": \"replicate\"",          //
                      ",\n  \"command\": ", JsonString(run.command),
                      ",\n  \"date\": ", JsonString(run.host.date),
                      ",\n  \"machine\": ", JsonHost(run.host),
                      ",\n  \"build\": ", JsonBuild(run.host, run.libraries),
                      ",\n  \"options\": ", OptionsObject(run, options),
                      ",\n  \"measurements\": ", JsonLines(measurement_objects),
                      ",\n  \"summary\": ", JsonLines(summary_objects), "\n}\n");
}

}  // namespace hawser::bench
