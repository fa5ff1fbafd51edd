// libraft_commit: what a commit of libraft takes over Hawser and over libraft's own TCP, in turns.
// docs/libraft.md.

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bench/libraft/commit_cluster.h"
#include "bench/libraft/commit_member.h"
#include "bench/libraft/commit_table.h"
#include "bench/placement.h"

ABSL_FLAG(std::vector<std::string>, transports, (std::vector<std::string>{"hawser", "tcp"}),
          "hawser (on gRPC), rdma (Hawser on RDMA; takes --rdma_addresses), tcp (libraft's own)");
ABSL_FLAG(std::vector<std::string>, logs, (std::vector<std::string>{"memory", "disk"}),
          "memory, disk");
ABSL_FLAG(std::vector<std::string>, entry_bytes, (std::vector<std::string>{"64", "256", "4096"}),
          "multiples of 8");
ABSL_FLAG(std::string, placement, "one", "one (all servers on one core), split or free");
ABSL_FLAG(std::string, directory, "/tmp", "where the servers' logs are");
ABSL_FLAG(double, seconds, 2, "each phase: depth 1, and depth 64");
ABSL_FLAG(double, load_seconds, 0,
          "not 0: one phase of depth 64 that long, with libraft's election timeout (1 s; the "
          "leader's 0.5 s) and snapshots, to count elections; on disk only");
ABSL_FLAG(int, rounds, 3, "how often all take turns");
ABSL_FLAG(std::vector<std::string>, rdma_addresses, {},
          "hosts of RDMA ports; the servers take them in turn");
ABSL_FLAG(int, rdma_spin_us_max, -1, "Hawser's option of that name; -1: its default");
ABSL_FLAG(int, peer_silent_ms, 0, "Hawser's option of that name; 0: its default");
ABSL_FLAG(int, member, 0, "of a server; set by the program itself");
ABSL_FLAG(std::vector<std::string>, addresses, {}, "of a server; set by the program itself");

namespace hawser::bench {
namespace {

int RunMember() {
  CommitOptions options;
  options.id = static_cast<raft_id>(absl::GetFlag(FLAGS_member));
  options.addresses = absl::GetFlag(FLAGS_addresses);
  options.directory = absl::GetFlag(FLAGS_directory);
  options.transport = absl::GetFlag(FLAGS_transports)[0];
  options.memory_log = absl::GetFlag(FLAGS_logs)[0] == "memory";
  options.seconds = absl::GetFlag(FLAGS_seconds);
  options.load_seconds = absl::GetFlag(FLAGS_load_seconds);
  options.peer_silent_ms = static_cast<uint32_t>(absl::GetFlag(FLAGS_peer_silent_ms));
  options.rdma_spin_us_max = absl::GetFlag(FLAGS_rdma_spin_us_max);
  const std::vector<std::string> rdma = absl::GetFlag(FLAGS_rdma_addresses);
  if (!rdma.empty()) options.rdma_address = rdma[(options.id - 1) % rdma.size()];
  if (!absl::SimpleAtoi(absl::GetFlag(FLAGS_entry_bytes)[0], &options.entry_bytes)) return 1;
  const absl::StatusOr<CommitResult> result = RunCommitMember(options);
  if (!result.ok()) {
    std::fprintf(stderr, "server %d: %s\n", absl::GetFlag(FLAGS_member),
                 std::string(result.status().message()).c_str());
    return 1;
  }
  TellCommitResult(*result);
  // Without destructors: handles and callbacks are under way.
  _exit(0);
}

std::vector<std::string> ArgumentsOf(const CommitCase& what) {
  return {
      absl::StrCat("--transports=", what.transport),
      absl::StrCat("--logs=", what.log),
      absl::StrCat("--entry_bytes=", what.entry_bytes),
      absl::StrCat("--seconds=", absl::GetFlag(FLAGS_seconds)),
      absl::StrCat("--load_seconds=", absl::GetFlag(FLAGS_load_seconds)),
      absl::StrCat("--rdma_spin_us_max=", absl::GetFlag(FLAGS_rdma_spin_us_max)),
      absl::StrCat("--peer_silent_ms=", absl::GetFlag(FLAGS_peer_silent_ms)),
      absl::StrCat("--rdma_addresses=", absl::StrJoin(absl::GetFlag(FLAGS_rdma_addresses), ","))};
}

// False: no result.
bool Measure(const CommitCase& what, Placement placement, int round, CommitTable* table) {
  const absl::StatusOr<CommitResult> result =
      RunCommitCluster(ArgumentsOf(what), placement, absl::GetFlag(FLAGS_directory));
  const std::string name = absl::StrCat("round ", round, "  ", what.log, " log, ", what.entry_bytes,
                                        " B, ", what.transport);
  if (!result.ok()) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), std::string(result.status().message()).c_str());
    return false;
  }
  table->Add(what, *result);
  std::printf("%s: p50 %.1f us, p99 %.0f us, %.0f commits/s, %d elections\n", name.c_str(),
              result->p50_us, result->p99_us, result->commits_per_second, result->elections);
  std::fflush(stdout);
  return true;
}

int RunAll() {
  const absl::StatusOr<Placement> placement = ParsePlacement(absl::GetFlag(FLAGS_placement));
  if (!placement.ok()) {
    std::fprintf(stderr, "%s\n", std::string(placement.status().message()).c_str());
    return 2;
  }
  CommitTable table;
  for (int round = 1; round <= absl::GetFlag(FLAGS_rounds); ++round) {
    for (const std::string& log : absl::GetFlag(FLAGS_logs)) {
      for (const std::string& bytes : absl::GetFlag(FLAGS_entry_bytes)) {
        for (const std::string& transport : absl::GetFlag(FLAGS_transports)) {
          if (!Measure({log, bytes, transport}, *placement, round, &table)) return 1;
        }
      }
    }
  }
  // Under load there is one depth, and it has been said all.
  if (absl::GetFlag(FLAGS_load_seconds) == 0) table.Print();
  return 0;
}

}  // namespace
}  // namespace hawser::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Commits of three servers of libraft, over Hawser and over libraft's TCP, in turns.");
  absl::ParseCommandLine(argc, argv);
  return absl::GetFlag(FLAGS_member) > 0 ? hawser::bench::RunMember() : hawser::bench::RunAll();
}
