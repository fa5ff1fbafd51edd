// bench/replicate: how fast a leader gets entries to a majority, over Hawser and over plain gRPC.
//
//     bazel run -c opt //bench:replicate
//
// docs/benchmarking.md says what is measured and how to read it.

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "bench/baselines/grpc_server.h"
#include "bench/child_process.h"
#include "bench/cluster.h"
#include "bench/host.h"
#include "bench/member.h"
#include "bench/replicate_options.h"
#include "bench/report.h"
#include "bench/summary.h"

ABSL_FLAG(int, followers, 2, "followers, each a process");
ABSL_FLAG(std::vector<std::string>, entry_bytes, std::vector<std::string>({"64"}),
          "bytes of data in an entry; a list");
ABSL_FLAG(std::vector<std::string>, depth, std::vector<std::string>({"1", "16", "256"}),
          "entries appended and not yet committed; a list");
ABSL_FLAG(int64_t, entries, 0, "entries to commit in each measurement; 0: as --seconds says");
ABSL_FLAG(double, seconds, 0.5, "how long each measurement takes");
ABSL_FLAG(int, rounds, 3, "measurements of each kind, interleaved");
ABSL_FLAG(std::vector<std::string>, contestants, {}, "which ways to replicate; default: all");
ABSL_FLAG(std::string, placement, "one", "which process runs where: one, split, spin or free");
ABSL_FLAG(std::string, link, "auto",
          "what Hawser travels on: auto, grpc, or rdma:ADDRESS,... (members take them in turn)");
ABSL_FLAG(int, entries_per_message, 1, "entries in each append message");
ABSL_FLAG(int, ack_every, 1, "a follower answers every so many messages");
ABSL_FLAG(int, groups, 1, "Raft groups that Hawser's contestants deal the log out to, in turn");
ABSL_FLAG(std::string, record, "",
          "directory for recordings of all links of Hawser's leaders (docs/recordings.md); the "
          "times are then no results");
ABSL_FLAG(int, peer_silent_ms, 0,
          "how long Hawser's nodes bear silence before they give a peer up; 0: the default of "
          "Options. For machines that stop for longer, as emulated ones do");
ABSL_FLAG(
    std::string, admin_address, "",
    "where the admin server of Hawser's leader listens, as 127.0.0.1:7101; the followers' are "
    "on the ports above it. Then hawserctl can look on (docs/operating.md)");
ABSL_FLAG(std::string, json, "", "file to write all results to");
ABSL_FLAG(bool, progress, true, "say each measurement on stderr");
ABSL_FLAG(bool, allow_debug_build, false, "run, and mark the results, though not optimized");
ABSL_FLAG(double, timeout_seconds, 60, "how much longer than planned a measurement may take");

namespace hawser::bench {
namespace {

// `bazel run` starts programs elsewhere than where the user is.
std::string WhereTheUserIs(const std::string& path) {
  const char* const directory = std::getenv("BUILD_WORKING_DIRECTORY");
  if (directory == nullptr || absl::StartsWith(path, "/")) return path;
  return absl::StrCat(directory, "/", path);
}

ReplicateFlags FlagsAsGiven() {
  ReplicateFlags flags;
  flags.followers = absl::GetFlag(FLAGS_followers);
  flags.entry_bytes = absl::GetFlag(FLAGS_entry_bytes);
  flags.depth = absl::GetFlag(FLAGS_depth);
  flags.entries = absl::GetFlag(FLAGS_entries);
  flags.seconds = absl::GetFlag(FLAGS_seconds);
  flags.rounds = absl::GetFlag(FLAGS_rounds);
  flags.contestants = absl::GetFlag(FLAGS_contestants);
  flags.placement = absl::GetFlag(FLAGS_placement);
  flags.link = absl::GetFlag(FLAGS_link);
  flags.entries_per_message = absl::GetFlag(FLAGS_entries_per_message);
  flags.ack_every = absl::GetFlag(FLAGS_ack_every);
  flags.groups = absl::GetFlag(FLAGS_groups);
  flags.record =
      absl::GetFlag(FLAGS_record).empty() ? "" : WhereTheUserIs(absl::GetFlag(FLAGS_record));
  flags.peer_silent_ms = absl::GetFlag(FLAGS_peer_silent_ms);
  flags.admin_address = absl::GetFlag(FLAGS_admin_address);
  flags.timeout_seconds = absl::GetFlag(FLAGS_timeout_seconds);
  return flags;
}

int Complain(absl::string_view what) {
  std::fprintf(stderr, "replicate: %s\n", absl::StrCat(what).c_str());
  return 1;
}

// Each measurement that records has a directory of its own.
absl::Status MakeRecordDirectory(int round, Workload* workload) {
  if (workload->record.empty()) return absl::OkStatus();
  absl::StrAppend(&workload->record, "/", workload->contestant, "-", workload->entry_bytes,
                  "B-depth", workload->depth, "-round", round);
  if (mkdir(workload->record.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("--record: can't make ", workload->record, ": ", std::strerror(errno)));
}

absl::StatusOr<Measurement> Measure(const ReplicateOptions& options, size_t case_index, int round) {
  Workload workload = options.cases[case_index].workload;
  if (absl::Status made = MakeRecordDirectory(round, &workload); !made.ok()) return made;
  absl::StatusOr<std::unique_ptr<Cluster>> cluster = Cluster::Start(workload, options.core_plan);
  if (!cluster.ok()) return cluster.status();
  absl::StatusOr<ClusterResult> warm = (*cluster)->RunPhase(options.warm_up, options.timeout_ms);
  if (!warm.ok()) return warm.status();
  absl::StatusOr<ClusterResult> result = (*cluster)->RunPhase(options.goal, options.timeout_ms);
  if (!result.ok()) return result.status();
  if (absl::Status stopped = (*cluster)->Stop(); !stopped.ok()) return stopped;
  return Measurement{case_index, round, *result};
}

// All rounds; a message on stderr and nothing on failure.
std::vector<Measurement> MeasureAll(const ReplicateOptions& options) {
  std::vector<Measurement> measurements;
  for (int round = 1; round <= options.rounds; ++round) {
    for (size_t i = 0; i < options.cases.size(); ++i) {
      absl::StatusOr<Measurement> measurement = Measure(options, i, round);
      if (!measurement.ok()) {
        const Workload& workload = options.cases[i].workload;
        Complain(absl::StrCat(workload.contestant, ", ", workload.entry_bytes, " B, depth ",
                              workload.depth, ", round ", round, ": ",
                              measurement.status().message()));
        return {};
      }
      measurements.push_back(*measurement);
      if (!absl::GetFlag(FLAGS_progress)) continue;
      std::fputs(FormatProgress(options, *measurement, measurements.size()).c_str(), stderr);
    }
  }
  return measurements;
}

// Bytes on the loopback device are counted best where nobody else has any; but RDMA devices stay
// in the namespace of the host.
absl::Status Isolate(absl::string_view link) {
  if (!absl::GetFlag(FLAGS_admin_address).empty()) {
    return absl::FailedPreconditionError("with --admin_address others are to look on");
  }
  if (!absl::StartsWith(link, "rdma:")) return UsePrivateLoopback();
  return absl::FailedPreconditionError("RDMA devices are in the network namespace of the host");
}

RunDescription DescribeRun(const std::vector<std::string>& command, absl::string_view link) {
  RunDescription run;
  run.host = DescribeHost();
  run.libraries = BaselineLibraryVersions();
  run.command = absl::StrJoin(command, " ");
  const absl::Status isolated = Isolate(link);
  run.private_loopback = isolated.ok();
  run.loopback_note = absl::StrCat(isolated.message());
  return run;
}

int Replicate(const std::vector<std::string>& command) {
  if (!IsOptimizedBuild() && !absl::GetFlag(FLAGS_allow_debug_build)) {
    return Complain(
        "this is not an optimized build, its times would mean nothing: build with "
        "'bazel run -c opt //bench:replicate', or give --allow_debug_build");
  }
  absl::StatusOr<ReplicateOptions> options = ParseReplicateOptions(FlagsAsGiven(), AllowedCores());
  if (!options.ok()) return Complain(options.status().message());
  std::ofstream json;
  const std::string json_path = WhereTheUserIs(absl::GetFlag(FLAGS_json));
  if (!absl::GetFlag(FLAGS_json).empty()) {
    json.open(json_path);
    if (!json) return Complain(absl::StrCat("--json: can't write ", json_path));
  }

  const RunDescription run = DescribeRun(command, options->link);
  std::fputs(FormatHeader(run, *options).c_str(), stdout);
  std::fflush(stdout);
  const std::vector<Measurement> measurements = MeasureAll(*options);
  if (measurements.empty()) return 1;
  const std::vector<CaseSummary> summaries = Summarize(options->cases, measurements);
  std::fputs(FormatTable(run, *options, summaries).c_str(), stdout);
  if (!json.is_open()) return 0;
  json << FormatJson(run, *options, measurements, summaries) << std::flush;
  if (!json) return Complain(absl::StrCat("--json: can't write ", json_path));
  std::printf("All results: %s\n", json_path.c_str());
  return 0;
}

}  // namespace
}  // namespace hawser::bench

int main(int argc, char** argv) {
  // Debian's Abseil looks for lock cycles at each lock, and gRPC locks by it: without this the
  // gRPC baselines would be slower than they are.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::string_view role = argc == 2 ? argv[1] : "";
  if (absl::ConsumePrefix(&role, hawser::bench::kMemberArgument)) {
    return hawser::bench::RunMember(role);
  }
  absl::SetProgramUsageMessage(
      "Measures how fast a leader replicates entries to a majority, over Hawser and over plain "
      "gRPC streams, each process on its own. See docs/benchmarking.md.");
  const std::vector<std::string> command(argv, argv + argc);
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    return hawser::bench::Complain(absl::StrCat("what is '", rest[1], "'? See --help"));
  }
  return hawser::bench::Replicate(command);
}
