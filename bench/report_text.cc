// The table, and what is printed around it.

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "bench/contestants.h"
#include "bench/report.h"

namespace hawser::bench {
namespace {

// Above this, others took so much of the cores that the times say little.
constexpr double kNoisyForeignCores = 0.2;

std::string Bytes(size_t bytes) {
  if (bytes >= 1024 && bytes % 1024 == 0) return absl::StrCat(bytes / 1024, " KiB");
  return absl::StrCat(bytes, " B");
}

std::string WorkloadName(const Workload& workload) {
  return absl::StrCat(Bytes(workload.entry_bytes), " depth ", workload.depth);
}

// Three digits that mean something.
std::string Short(double value) {
  if (value >= 100) return absl::StrFormat("%.0f", value);
  if (value >= 10) return absl::StrFormat("%.1f", value);
  return absl::StrFormat("%.2f", value);
}

std::string Goal(const PhaseGoal& goal) {
  if (goal.entries > 0) return absl::StrCat(goal.entries, " entries");
  return absl::StrFormat("%g s", static_cast<double>(goal.duration_ns) / 1e9);
}

std::string FormatRow(const Case& c, const CaseSummary& s) {
  std::string name = c.contestant->name;
  if (c.workload.spin) name += " (spin)";
  const std::string range = absl::StrCat("(", Short(s.min[kP50Us]), "-", Short(s.max[kP50Us]), ")");
  const std::string ratio =
      s.p50_ratio > 0 ? absl::StrFormat("%.2f", s.p50_ratio) : std::string("-");
  return absl::StrFormat("  %-20s %8s %-15s %8s %8s %8s %9s %10.0f %8s %9.0f %6.0f %7s\n", name,
                         Short(s.median[kP50Us]), range, Short(s.median[kP90Us]),
                         Short(s.median[kP99Us]), Short(s.median[kP999Us]), Short(s.max[kMaxUs]),
                         s.median[kEntriesPerSecond], Short(s.median[kCpuSecondsPerMillion]),
                         s.median[kBytesPerEntry], s.max[kDrops], ratio);
}

std::string FormatColumns(const Workload& workload) {
  return absl::StrFormat("\n  %-20s %8s %-15s %8s %8s %8s %9s %10s %8s %9s %6s %7s\n",
                         WorkloadName(workload), "p50 us", "(min-max)", "p90", "p99", "p99.9",
                         "max", "entries/s", "CPU s/M", "B/entry", "drops", "p50 rel");
}

std::string Legend(const RunDescription& run, const ReplicateOptions& options) {
  std::string legend = absl::StrFormat(
      "\nMedians of %d rounds; max is the largest of all. Latency: from the append at the leader "
      "until a majority has it.\nCPU s/M: CPU seconds per million entries, leader and followers. "
      "B/entry: bytes on loopback both ways to %s, TCP/IP\nheaders included%s. p50 rel: p50 over "
      "%s's.\n",
      options.rounds,
      options.followers == 1 ? "1 follower" : absl::StrCat("all ", options.followers, " followers"),
      run.private_loopback ? ""
                           : " (and other programs' loopback traffic: " + run.loopback_note + ")",
      kReferenceContestant);
  if (options.placement != Placement::kSpin) return legend;
  std::vector<std::string> blocking;
  for (const Case& c : options.cases) {
    if (!c.contestant->can_spin && c.workload.depth == options.cases[0].workload.depth &&
        c.workload.entry_bytes == options.cases[0].workload.entry_bytes) {
      blocking.push_back(c.contestant->name);
    }
  }
  if (!blocking.empty()) {
    absl::StrAppend(&legend, "Can't poll, so they block: ", absl::StrJoin(blocking, ", "), ".\n");
  }
  return legend;
}

}  // namespace

std::string FormatHeader(const RunDescription& run, const ReplicateOptions& options) {
  const HostDescription& host = run.host;
  const Workload& workload = options.cases[0].workload;
  std::string header =
      absl::StrCat("hawser replicate: a leader and ", options.followers, " follower",
                   options.followers == 1 ? "" : "s", " as processes on 127.0.0.1\n",
                   "  machine    ", host.cpu_model, ", ", host.cores, " cores, ", host.memory, "; ",
                   host.os, ", kernel ", host.kernel, "\n  date       ", host.date, ", commit ",
                   host.commit, "\n  build      ", host.build, ", ", host.compiler, "; ",
                   run.libraries, "\n  placement  ", PlacementName(options.placement), ": ",
                   PlacementDescription(options.placement), "\n  link       ", options.link, "\n");
  absl::StrAppend(&header, "  messages   ", workload.entries_per_message,
                  " entry each, an answer for every ", workload.ack_every,
                  workload.ack_every == 1 ? "" : " messages", "\n  measured   ", Goal(options.goal),
                  " after ", Goal(options.warm_up), " of warming up, ", options.rounds,
                  " rounds\n");
  const bool shares_core = options.placement == Placement::kSpin && options.core_plan.size() > 2 &&
                           options.core_plan[1] == options.core_plan[2];
  if (shares_core) {
    absl::StrAppend(&header, "  warning    the followers poll on one core and hold each other up: ",
                    "use --followers=1, or more cores\n");
  }
  if (!IsOptimizedBuild()) {
    absl::StrAppend(&header, "  WARNING    not an optimized build: these times mean nothing\n");
  }
  return header;
}

std::string FormatProgress(const ReplicateOptions& options, const Measurement& measurement,
                           size_t done) {
  const Case& c = options.cases[measurement.case_index];
  const Metrics metrics = MetricsOf(measurement.result);
  return absl::StrFormat("[%3d/%d] round %d/%d  %-16s %-16s p50 %s us, %.0f entries/s\n", done,
                         options.cases.size() * static_cast<size_t>(options.rounds),
                         measurement.round, options.rounds, WorkloadName(c.workload),
                         c.contestant->name, Short(metrics[kP50Us]), metrics[kEntriesPerSecond]);
}

std::string FormatTable(const RunDescription& run, const ReplicateOptions& options,
                        const std::vector<CaseSummary>& summaries) {
  std::string table;
  const Workload* last = nullptr;
  double foreign_cores = 0;
  for (const CaseSummary& summary : summaries) {
    const Case& c = options.cases[summary.case_index];
    if (last == nullptr || last->entry_bytes != c.workload.entry_bytes ||
        last->depth != c.workload.depth) {
      absl::StrAppend(&table, FormatColumns(c.workload));
    }
    last = &c.workload;
    absl::StrAppend(&table, FormatRow(c, summary));
    foreign_cores = std::max(foreign_cores, summary.median[kForeignCores]);
  }
  absl::StrAppend(&table, Legend(run, options));
  if (foreign_cores > kNoisyForeignCores) {
    absl::StrAppendFormat(&table,
                          "Other programs used up to %.1f cores meanwhile: the times are worse "
                          "than this machine can.\n",
                          foreign_cores);
  }
  if (!IsOptimizedBuild()) {
    absl::StrAppend(&table, "NOT AN OPTIMIZED BUILD (", run.host.build,
                    "): these times mean nothing.\n");
  }
  return table;
}

}  // namespace hawser::bench
