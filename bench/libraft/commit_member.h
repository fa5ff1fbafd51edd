#ifndef HAWSER_BENCH_LIBRAFT_COMMIT_MEMBER_H_
#define HAWSER_BENCH_LIBRAFT_COMMIT_MEMBER_H_

// One server of libraft in a process of its own, over Hawser or over libraft's own TCP.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/libraft/libraft.h"

namespace hawser::bench {

struct CommitOptions {
  raft_id id = 0;                      // 1 leads.
  std::vector<std::string> addresses;  // Of servers 1, 2, ...
  std::string directory;
  std::string transport;      // hawser, rdma, or tcp for libraft's own.
  std::string rdma_address;   // This server's RDMA port.
  int rdma_spin_us_max = -1;  // -1: the default of Options.
  uint32_t peer_silent_ms{};  // 0: the default of Options.
  bool memory_log = false;    // An append is done in the loop's next turn; else raft_uv writes it.
  size_t entry_bytes = 64;
  double seconds = 2;       // Each phase.
  double load_seconds = 0;  // Not 0: one phase that long instead, of `depth`, with snapshots.
  int depth = 64;           // Of the second phase; the first has 1.
};

// What the leader saw.
struct CommitResult {
  double p50_us = 0;  // From raft_apply to its callback; depth 1, or that of the load.
  double p99_us = 0;
  double commits_per_second = 0;  // With `depth` proposals under way.
  int elections = 0;              // While it was measured; under load it ends with one.
};

// Runs the server: the leader until both phases are measured, the others until they are killed.
absl::StatusOr<CommitResult> RunCommitMember(const CommitOptions& options);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_LIBRAFT_COMMIT_MEMBER_H_
