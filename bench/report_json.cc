// The JSON report; bench/results_table.py reads it.

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "bench/contestants.h"
#include "bench/report.h"

namespace hawser::bench {
namespace {

// Counts up when a field changes its meaning or goes.
constexpr int kSchemaVersion = 1;

// "name": value, ... of already formatted values.
using Fields = std::vector<std::pair<std::string, std::string>>;

std::string Object(const Fields& fields) {
  return absl::StrCat("{",
                      absl::StrJoin(fields, ", ",
                                    [](std::string* out, const auto& field) {
                                      absl::StrAppend(out, JsonString(field.first), ": ",
                                                      field.second);
                                    }),
                      "}");
}

std::string Lines(const std::vector<std::string>& objects) {
  return absl::StrCat("[\n    ", absl::StrJoin(objects, ",\n    "), "\n  ]");
}

std::string Number(double value) { return absl::StrFormat("%.6g", value); }

const char* Bool(bool value) { return value ? "true" : "false"; }

std::string MetricsObject(const Metrics& metrics) {
  Fields fields;
  for (size_t m = 0; m < kMetricCount; ++m) {
    fields.emplace_back(MetricNames()[m], Number(metrics[m]));
  }
  return Object(fields);
}

Fields CaseFields(const Case& c) {
  return {{"contestant", JsonString(c.contestant->name)},
          {"entry_bytes", absl::StrCat(c.workload.entry_bytes)},
          {"depth", absl::StrCat(c.workload.depth)},
          {"spin", Bool(c.workload.spin)}};
}

std::string HostObject(const HostDescription& host) {
  return Object({{"cpu_model", JsonString(host.cpu_model)},
                 {"cores", absl::StrCat(host.cores)},
                 {"memory", JsonString(host.memory)},
                 {"kernel", JsonString(host.kernel)},
                 {"os", JsonString(host.os)}});
}

std::string BuildObject(const RunDescription& run) {
  return Object({{"kind", JsonString(run.host.build)},
                 {"optimized", Bool(IsOptimizedBuild())},
                 {"compiler", JsonString(run.host.compiler)},
                 {"libraries", JsonString(run.libraries)},
                 {"commit", JsonString(run.host.commit)}});
}

std::string OptionsObject(const RunDescription& run, const ReplicateOptions& options) {
  const Workload& workload = options.cases[0].workload;
  return Object({{"followers", absl::StrCat(options.followers)},
                 {"placement", JsonString(PlacementName(options.placement))},
                 {"link", JsonString(options.link)},
                 {"entries_per_message", absl::StrCat(workload.entries_per_message)},
                 {"ack_every", absl::StrCat(workload.ack_every)},
                 {"entries", absl::StrCat(options.goal.entries)},
                 {"seconds", Number(static_cast<double>(options.goal.duration_ns) / 1e9)},
                 {"rounds", absl::StrCat(options.rounds)},
                 {"private_loopback", Bool(run.private_loopback)},
                 {"reference", JsonString(kReferenceContestant)}});
}

std::string MeasurementObject(const ReplicateOptions& options, const Measurement& measurement) {
  const ClusterResult& result = measurement.result;
  Fields fields = CaseFields(options.cases[measurement.case_index]);
  fields.emplace_back("round", absl::StrCat(measurement.round));
  fields.emplace_back("committed", absl::StrCat(result.phase.committed));
  fields.emplace_back("appended", absl::StrCat(result.phase.appended));
  fields.emplace_back("seconds", Number(static_cast<double>(result.phase.duration_ns) / 1e9));
  fields.emplace_back("leader_cpu_seconds",
                      Number(static_cast<double>(result.leader_cpu_ns) / 1e9));
  fields.emplace_back("followers_cpu_seconds",
                      Number(static_cast<double>(result.followers_cpu_ns) / 1e9));
  fields.emplace_back("metrics", MetricsObject(MetricsOf(result)));
  return Object(fields);
}

std::string SummaryObject(const ReplicateOptions& options, const CaseSummary& summary) {
  Fields fields = CaseFields(options.cases[summary.case_index]);
  fields.emplace_back("rounds", absl::StrCat(summary.rounds));
  fields.emplace_back("median", MetricsObject(summary.median));
  fields.emplace_back("min", MetricsObject(summary.min));
  fields.emplace_back("max", MetricsObject(summary.max));
  fields.emplace_back("p50_ratio", summary.p50_ratio > 0 ? Number(summary.p50_ratio) : "null");
  return Object(fields);
}

}  // namespace

std::string JsonString(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", std::string(1, c));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned>(c));
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

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
  return absl::StrCat(
      "{\n  \"schema_version\": ", kSchemaVersion,  //
      ",\n  \"benchmark\": \"replicate\"",          //
      ",\n  \"command\": ", JsonString(run.command), ",\n  \"date\": ", JsonString(run.host.date),
      ",\n  \"machine\": ", HostObject(run.host), ",\n  \"build\": ", BuildObject(run),
      ",\n  \"options\": ", OptionsObject(run, options),
      ",\n  \"measurements\": ", Lines(measurement_objects),
      ",\n  \"summary\": ", Lines(summary_objects), "\n}\n");
}

}  // namespace hawser::bench
