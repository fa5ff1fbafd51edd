#ifndef HAWSER_BENCH_CONTESTANT_H_
#define HAWSER_BENCH_CONTESTANT_H_

// One way to carry messages between a leader and its followers: what a contestant implements.
//
// What is sent when, what is answered and what counts as committed is decided by ReplicaLeader
// and ReplicaFollower, for all contestants alike. A contestant only carries messages, and is
// free in threads, locks and buffers. The hot way, from an acknowledgement to the next append,
// lies within the contestant: there is no virtual call in it that another does not have.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bench/replica_leader.h"
#include "bench/workload.h"

namespace hawser::bench {

// Ends the measurement with an error, from any thread; does not return.
using FailFn = std::function<void(const std::string& why)>;

// The leader's end, in the leader's process. Calls come from one thread, in this order: Listen,
// Connect, RunPhase any number of times, the destructor.
class LeaderSide {
 public:
  virtual ~LeaderSide() = default;

  // The loopback port on which followers can dial the leader; 0 if only the leader dials.
  virtual absl::StatusOr<int> Listen() { return 0; }

  // Returns when messages can flow to and from all followers, by their loopback ports.
  virtual absl::Status Connect(const std::vector<int>& follower_ports) = 0;

  // Calls leader->BeginPhase(goal), sends whatever leader->NextMessage() says to the follower
  // it says, tells leader->OnAppResp() of each answer, and returns when leader->Idle().
  virtual void RunPhase(const PhaseGoal& goal, ReplicaLeader* leader) = 0;

  // Messages refused or lost since the start. Those that cannot lose any say 0.
  virtual uint64_t drops() const { return 0; }
};

// The follower's end, in a follower's process. Stop() may come from any thread at any time
// after Listen(); all else from one thread: Listen, Connect, Serve, the destructor.
class FollowerSide {
 public:
  virtual ~FollowerSide() = default;

  // The loopback port, chosen by the kernel, on which the leader can dial this follower.
  virtual absl::StatusOr<int> Listen() = 0;

  // `leader_port` is what LeaderSide::Listen() said. Does not wait for the leader, who dials
  // only when all followers have returned from here.
  virtual absl::Status Connect(int leader_port) { return absl::OkStatus(); }

  // Shows each append to a ReplicaFollower and answers as it says, until Stop().
  virtual void Serve() = 0;
  virtual void Stop() = 0;
};

// A contestant's name and how to make its two ends.
struct Contestant {
  const char* name;
  const char* description;
  // Whether its waits can be busy polling (placement spin).
  bool can_spin;
  // Whether it uses a Hawser link (the others bring their own).
  bool uses_link;
  std::unique_ptr<LeaderSide> (*make_leader)(const Workload& workload, FailFn fail);
  // `node` is the follower's own id.
  std::unique_ptr<FollowerSide> (*make_follower)(const Workload& workload, uint64_t node,
                                                 FailFn fail);
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CONTESTANT_H_
