#ifndef HAWSER_BENCH_LIBRAFT_COMMIT_MEMBER_H_
#define HAWSER_BENCH_LIBRAFT_COMMIT_MEMBER_H_

// One server of libraft in a process of its own, over Hawser or over libraft's own TCP.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/libraft/libraft.h"

namespace hawser::bench {

struct CommitOptions {
  raft_id id = 0;                      // 1 leads.
  std::vector<std::string> addresses;  // Of servers 1, 2, ...
  std::string directory;
  bool hawser = false;      // Else libraft's TCP.
  bool memory_log = false;  // An append is done in the loop's next turn; else raft_uv writes it.
  size_t entry_bytes = 64;
  double seconds = 2;  // Each phase.
  int depth = 64;      // Of the second phase; the first has 1.
};

// What the leader saw.
struct CommitResult {
  double p50_us = 0;  // Depth 1: from raft_apply to its callback.
  double p99_us = 0;
  double commits_per_second = 0;  // With `depth` proposals under way.
  int elections = 0;              // While it was measured.
};

// Runs the server: the leader until both phases are measured, the others until they are killed.
absl::StatusOr<CommitResult> RunCommitMember(const CommitOptions& options);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_LIBRAFT_COMMIT_MEMBER_H_
