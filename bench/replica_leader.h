#ifndef HAWSER_BENCH_REPLICA_LEADER_H_
#define HAWSER_BENCH_REPLICA_LEADER_H_

// The leader's half of replication, the same for every contestant: what to send, what is
// committed, how long that took.

#include <array>
#include <cstdint>
#include <vector>

#include "bench/latency_histogram.h"
#include "bench/workload.h"

namespace hawser::bench {

// A follower that is further behind than this, beyond the depth, holds the leader up: else a
// contestant could win by leaving one follower behind.
inline constexpr int kMaxLagMessages = 256;

// One MsgApp: entries first_index .. first_index + entries_per_message - 1.
struct AppendRange {
  uint64_t first_index = 0;
  uint64_t commit = 0;
};

// A ReplicaLeader keeps `depth` entries outstanding: it appends one when one commits, says what
// each follower has to be sent, and records how long each entry took from its append to its
// commit. An entry is committed when a majority of the cluster has it: the leader, and as many
// followers as still are needed by their MsgAppResp. It stores no entry, only indices and times.
//
// One per leader process; lives through all phases, so that indices go on. Does no I/O and
// reads no clock; allocates nothing after construction.
//
// Threads: none of its own; the contestant keeps calls apart.
// Invariant: committed <= last index; sent to a follower <= last index.
class ReplicaLeader {
 public:
  explicit ReplicaLeader(const Workload& workload);

  // Starts a phase at `now_ns`: entries from here on are measured. The first ones are ready to
  // be sent when this returns.
  // REQUIRES: Idle().
  void BeginPhase(const PhaseGoal& goal, int64_t now_ns);

  // What to send to `follower` next; false when it has been given all there is.
  bool NextMessage(int follower, AppendRange* range);

  // True when NextMessage() has something for `follower`.
  bool HasMessage(int follower) const { return next_index_[follower] <= last_index_; }

  // `follower` has everything up to `index`. May commit entries and append new ones. False when
  // it claims more than it was sent: the contestant is broken.
  bool OnAppResp(int follower, uint64_t index, int64_t now_ns);

  // True when the phase's goal is reached and every follower has answered what it was sent: the
  // phase's whole work is done, by everyone.
  bool Idle() const;

  // What the last phase measured; `drops` is the contestant's to fill in.
  PhaseResult Result() const;

  int followers() const { return followers_; }
  int entries_per_message() const { return static_cast<int>(entries_per_message_); }

 private:
  void Commit(int64_t now_ns);
  void AppendWhatFits(int64_t now_ns);
  uint64_t MajorityIndex() const;
  int64_t& StartOf(uint64_t index) { return start_ns_[index & start_mask_]; }

  const int followers_;
  const uint64_t depth_;
  const uint64_t entries_per_message_;
  const uint64_t ack_every_;
  const uint64_t max_lag_;

  uint64_t last_index_ = 0;
  uint64_t committed_ = 0;
  std::array<uint64_t, kMaxFollowers> next_index_;
  std::array<uint64_t, kMaxFollowers> match_index_;
  // When each outstanding entry was appended; a ring.
  std::vector<int64_t> start_ns_;
  uint64_t start_mask_;

  PhaseGoal goal_;
  bool appending_ = false;
  uint64_t first_of_phase_ = 1;
  int64_t begin_ns_ = 0;
  int64_t end_ns_ = 0;
  LatencyHistogram latencies_;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_REPLICA_LEADER_H_
