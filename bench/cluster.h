#ifndef HAWSER_BENCH_CLUSTER_H_
#define HAWSER_BENCH_CLUSTER_H_

// A leader and its followers as processes, and what a phase of replication costs them.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bench/child_process.h"
#include "bench/placement.h"
#include "bench/workload.h"

namespace hawser::bench {

// What one phase did and cost.
struct ClusterResult {
  PhaseResult phase;
  // Of the leader and of all followers together, for everything appended in the phase.
  int64_t leader_cpu_ns = 0;
  int64_t followers_cpu_ns = 0;
  // Both directions, with TCP/IP headers, as the loopback device counts them.
  uint64_t loopback_bytes = 0;
  // Cores' worth of work that others did meanwhile.
  double foreign_cores = 0;
};

// A Cluster is the processes of one measurement, connected and ready.
//
// One at a time in the coordinator. Owns the processes; the destructor ends them.
//
// Threads: the coordinator's.
class Cluster {
 public:
  // Starts the leader and the followers, each on its cores of `plan`, and connects them.
  static absl::StatusOr<std::unique_ptr<Cluster>> Start(const Workload& workload,
                                                        const CorePlan& plan);

  // Runs one phase; an error after `timeout_ms`.
  absl::StatusOr<ClusterResult> RunPhase(const PhaseGoal& goal, int timeout_ms);

  // Ends all processes; an error if one does not end as it should.
  absl::Status Stop();

 private:
  struct Member {
    std::unique_ptr<ChildProcess> process;
    // Received while waiting for another member.
    std::deque<std::string> unread;
  };

  Cluster() = default;

  absl::Status StartMember(const std::string& role, const Workload& workload,
                           const std::vector<int>& cores);
  absl::Status Connect();
  // The next line of `member`, which must begin with `prefix`, without it. An error when any
  // member reports one.
  absl::StatusOr<std::string> Expect(Member* member, absl::string_view prefix, int timeout_ms);
  // Waits until some member says something and stores it; an error if that is one.
  absl::Status ReceiveAny(int timeout_ms);

  Member& leader() { return members_.front(); }

  // The leader, then the followers.
  std::vector<Member> members_;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CLUSTER_H_
