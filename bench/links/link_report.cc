#include "bench/links/link_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/json.h"

namespace hawser::bench {
namespace {

// Counts up when a field changes its meaning or goes.
constexpr int kSchemaVersion = 1;

struct Summary {
  LinkMetrics median{};
  LinkMetrics min{};
  LinkMetrics max{};
};

Summary Summarize(const LinkRun& run, const std::vector<LinkMeasurement>& measurements,
                  size_t case_index) {
  Summary summary;
  for (size_t m = 0; m < kLinkMetricCount; ++m) {
    std::vector<double> values;
    for (const LinkMeasurement& measurement : measurements) {
      if (measurement.case_index != case_index) continue;
      values.push_back(LinkMetricsOf(run.cases[case_index], measurement.result)[m]);
    }
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    summary.median[m] = values[values.size() / 2];
    summary.min[m] = values.front();
    summary.max[m] = values.back();
  }
  return summary;
}

std::string Bytes(size_t bytes) {
  if (bytes >= 1024 && bytes % 1024 == 0) return absl::StrCat(bytes / 1024, " KiB");
  return absl::StrCat(bytes, " B");
}

// Three digits that mean something.
std::string Short(double value) {
  if (value >= 100) return absl::StrFormat("%.0f", value);
  if (value >= 10) return absl::StrFormat("%.1f", value);
  return absl::StrFormat("%.2f", value);
}

std::string CaseName(const LinkCase& c) {
  return absl::StrCat(c.kind == LinkKind::kRdma
                          ? absl::StrCat("rdma ", c.slot_bytes / 1024, "K slots")
                          : std::string("grpc"),
                      ", ", WaitingName(c.waiting), ", ", Bytes(c.message_bytes));
}

std::string PingPongRow(const LinkCase& c, const Summary& s) {
  return absl::StrFormat(
      "  %-32s %8s %8s %-17s %8s %9s %8s %8s\n", CaseName(c), Short(s.min[kLinkMinUs]),
      Short(s.median[kLinkP50Us]),
      absl::StrCat("(", Short(s.min[kLinkP50Us]), "-", Short(s.max[kLinkP50Us]), ")"),
      Short(s.median[kLinkP99Us]), Short(s.max[kLinkMaxUs]), Short(s.median[kLinkCpuUs]),
      Short(s.median[kLinkWakes]));
}

std::string StreamRow(const LinkCase& c, const Summary& s) {
  return absl::StrFormat(
      "  %-32s %8s %-17s %10s %8s %8s %9s %8s\n", CaseName(c), Short(s.median[kLinkMbPerSecond]),
      absl::StrCat("(", Short(s.min[kLinkMbPerSecond]), "-", Short(s.max[kLinkMbPerSecond]), ")"),
      Short(s.median[kLinkMessagesPerSecond]), Short(s.median[kLinkCpuUs]),
      Short(s.median[kLinkFrames]), Short(s.median[kLinkDoorbells]), Short(s.median[kLinkWakes]));
}

JsonFields CaseFields(const LinkCase& c) {
  return {{"link", JsonString(c.kind == LinkKind::kRdma ? "rdma" : "grpc")},
          {"test", JsonString(LinkTestName(c.test))},
          {"wait", JsonString(WaitingName(c.waiting))},
          {"bytes", absl::StrCat(c.message_bytes)},
          {"slot_bytes", absl::StrCat(c.slot_bytes)}};
}

std::string MetricsObject(const LinkMetrics& metrics) {
  JsonFields fields;
  for (size_t m = 0; m < kLinkMetricCount; ++m) {
    fields.emplace_back(LinkMetricNames()[m], JsonNumber(metrics[m]));
  }
  return JsonObject(fields);
}

}  // namespace

const std::array<const char*, kLinkMetricCount>& LinkMetricNames() {
  static const std::array<const char*, kLinkMetricCount> names = {"min_us",
                                                                  "p50_us",
                                                                  "p99_us",
                                                                  "max_us",
                                                                  "messages_per_second",
                                                                  "mb_per_second",
                                                                  "cpu_us_per_message",
                                                                  "frames_per_message",
                                                                  "doorbells_per_message",
                                                                  "wakes_per_message"};
  return names;
}

LinkMetrics LinkMetricsOf(const LinkCase& c, const LinkResult& result) {
  const double seconds = static_cast<double>(result.duration_ns) / 1e9;
  // A round trip is a message of each end.
  const auto messages = static_cast<double>(std::max<uint64_t>(result.messages, 1));
  LinkMetrics metrics{};
  metrics[kLinkMinUs] = static_cast<double>(result.min_ns) / 1e3;
  metrics[kLinkP50Us] = static_cast<double>(result.p50_ns) / 1e3;
  metrics[kLinkP99Us] = static_cast<double>(result.p99_ns) / 1e3;
  metrics[kLinkMaxUs] = static_cast<double>(result.max_ns) / 1e3;
  metrics[kLinkMessagesPerSecond] = static_cast<double>(result.messages) / seconds;
  metrics[kLinkMbPerSecond] =
      metrics[kLinkMessagesPerSecond] * static_cast<double>(c.message_bytes) / 1e6;
  metrics[kLinkCpuUs] = static_cast<double>(result.cpu_ns) / 1e3 / messages;
  metrics[kLinkFrames] = static_cast<double>(result.frames) / messages;
  metrics[kLinkDoorbells] = static_cast<double>(result.doorbells) / messages;
  metrics[kLinkWakes] = static_cast<double>(result.wakes) / messages;
  return metrics;
}

const char* WaitingName(Waiting waiting) {
  switch (waiting) {
    case Waiting::kSpin:
      return "spin";
    case Waiting::kSleep:
      return "sleep";
    case Waiting::kAdapt:
      return "adapt";
  }
  return "";
}

const char* LinkTestName(LinkTest test) {
  return test == LinkTest::kPingPong ? "pingpong" : "stream";
}

std::string FormatLinkHeader(const LinkRun& run) {
  const HostDescription& host = run.host;
  std::string header = absl::StrCat(
      "hawser link_pingpong: links alone, between two processes, ", run.cases[0].here, " and ",
      run.cases[0].there, "\n  machine    ", host.cpu_model, ", ", host.cores, " cores, ",
      host.memory, "; ", host.os, ", kernel ", host.kernel, "\n  date       ", host.date,
      ", commit ", host.commit, "\n  build      ", host.build, ", ", host.compiler,
      "\n  measured   ", absl::StrFormat("%g", static_cast<double>(run.cases[0].duration_ns) / 1e9),
      " s each after a fifth of that, ", run.rounds, " rounds\n");
  if (!IsOptimizedBuild()) {
    absl::StrAppend(&header, "  WARNING    not an optimized build: these times mean nothing\n");
  }
  return header;
}

std::string FormatLinkProgress(const LinkRun& run, const LinkMeasurement& m, size_t done) {
  const LinkCase& c = run.cases[m.case_index];
  const LinkMetrics metrics = LinkMetricsOf(c, m.result);
  const bool pingpong = c.test == LinkTest::kPingPong;
  return absl::StrFormat("[%3d/%d] round %d/%d  %s %s: %s %s\n", done,
                         run.cases.size() * static_cast<size_t>(run.rounds), m.round, run.rounds,
                         LinkTestName(c.test), CaseName(c),
                         Short(metrics[pingpong ? kLinkP50Us : kLinkMbPerSecond]),
                         pingpong ? "us" : "MB/s");
}

std::string FormatLinkTable(const LinkRun& run, const std::vector<LinkMeasurement>& measurements) {
  std::string pingpong;
  std::string stream;
  for (size_t i = 0; i < run.cases.size(); ++i) {
    const LinkCase& c = run.cases[i];
    const Summary summary = Summarize(run, measurements, i);
    if (c.test == LinkTest::kPingPong) {
      absl::StrAppend(&pingpong, PingPongRow(c, summary));
    } else {
      absl::StrAppend(&stream, StreamRow(c, summary));
    }
  }
  std::string table;
  if (!pingpong.empty()) {
    absl::StrAppend(&table,
                    absl::StrFormat("\n  %-32s %8s %8s %-17s %8s %9s %8s %8s\n", "one way, us",
                                    "min", "p50", "(min-max)", "p99", "max", "CPU us", "wakes"),
                    pingpong);
  }
  if (!stream.empty()) {
    absl::StrAppend(
        &table,
        absl::StrFormat("\n  %-32s %8s %-17s %10s %8s %8s %9s %8s\n", "stream", "MB/s", "(min-max)",
                        "messages/s", "CPU us", "frames", "doorbells", "wakes"),
        stream);
  }
  return absl::StrCat(table, "\nMedians of ", run.rounds,
                      " rounds; min and max of all. A ping-pong's time is half of its round trip. "
                      "CPU us: of both ends,\na message (a round trip is one). Frames, doorbells, "
                      "wakes: of the measuring end, a message, on RDMA.\n");
}

std::string FormatLinkJson(const LinkRun& run, const std::vector<LinkMeasurement>& measurements) {
  std::vector<std::string> rows;
  for (const LinkMeasurement& m : measurements) {
    const LinkCase& c = run.cases[m.case_index];
    JsonFields fields = CaseFields(c);
    fields.emplace_back("round", absl::StrCat(m.round));
    fields.emplace_back("messages", absl::StrCat(m.result.messages));
    fields.emplace_back("metrics", MetricsObject(LinkMetricsOf(c, m.result)));
    rows.push_back(JsonObject(fields));
  }
  std::vector<std::string> summaries;
  for (size_t i = 0; i < run.cases.size(); ++i) {
    const Summary summary = Summarize(run, measurements, i);
    JsonFields fields = CaseFields(run.cases[i]);
    fields.emplace_back("median", MetricsObject(summary.median));
    fields.emplace_back("min", MetricsObject(summary.min));
    fields.emplace_back("max", MetricsObject(summary.max));
    summaries.push_back(JsonObject(fields));
  }
  const LinkCase& c = run.cases[0];
  const std::string options =
      JsonObject({{"seconds", JsonNumber(static_cast<double>(c.duration_ns) / 1e9)},
                  {"rounds", absl::StrCat(run.rounds)},
                  {"here", JsonString(c.here)},
                  {"there", JsonString(c.there)}});
  return absl::StrCat(
      "{\n  \"schema_version\": ", kSchemaVersion,
      ",\n  \"benchmark\": \"link_pingpong\",\n  \"command\": ", JsonString(run.command),
      ",\n  \"date\": ", JsonString(run.host.date), ",\n  \"machine\": ", JsonHost(run.host),
      ",\n  \"build\": ", JsonBuild(run.host, ""), ",\n  \"options\": ", options,
      ",\n  \"measurements\": ", JsonLines(rows), ",\n  \"summary\": ", JsonLines(summaries),
      "\n}\n");
}

}  // namespace hawser::bench
