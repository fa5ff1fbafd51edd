#ifndef HAWSER_BENCH_LIBRAFT_COMMIT_CLUSTER_H_
#define HAWSER_BENCH_LIBRAFT_COMMIT_CLUSTER_H_

// Three servers of libraft, a process each.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/libraft/commit_member.h"
#include "bench/placement.h"

namespace hawser::bench {

// Starts the servers, which are this program with `arguments` and their own (--member, --addresses,
// --directory), waits for the leader's result and kills them. `directory` is where they put their
// logs meanwhile.
absl::StatusOr<CommitResult> RunCommitCluster(const std::vector<std::string>& arguments,
                                              Placement placement, const std::string& directory);

// How a server tells its result.
void TellCommitResult(const CommitResult& result);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_LIBRAFT_COMMIT_CLUSTER_H_
