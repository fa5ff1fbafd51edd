#ifndef HAWSER_BENCH_WORKLOAD_H_
#define HAWSER_BENCH_WORKLOAD_H_

// What one measurement does: who replicates, what, and how far ahead.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hawser::bench {

// A message never carries more than this: gRPC's own limit for a received message is 4 MiB.
inline constexpr size_t kMaxMessageBytes = size_t{2} << 20;
// Answers that a follower has sent and the leader not yet read must fit into HTTP/2's first
// window (64 KiB): a follower that blocks in answering stops reading.
inline constexpr int kMaxDepth = 2048;
inline constexpr int kMaxFollowers = 8;

// The leader is node 1; follower i (from 0) is node i + 2.
inline constexpr uint64_t kLeaderNode = 1;
inline constexpr uint64_t FollowerNode(int follower) { return static_cast<uint64_t>(follower) + 2; }

// The term of everything sent.
inline constexpr uint64_t kTerm = 1;

// What every process of a measurement is told. A plain value.
struct Workload {
  std::string contestant;
  int followers = 2;
  size_t entry_bytes = 64;
  // Entries appended and not yet committed.
  int depth = 1;
  int entries_per_message = 1;
  // A follower answers each ack_every-th message (and so all before it).
  int ack_every = 1;
  // Busy polling, by those that can.
  bool spin = false;
  // What Hawser travels on: "auto", "grpc", or "rdma:" and the addresses that nodes take in turn.
  std::string link = "auto";
  // Raft groups that Hawser's own contestants deal the log out to.
  int groups = 1;
  // Where Hawser's leaders record their links; empty: nowhere. No spaces.
  std::string record;
  // How long Hawser's nodes bear silence (Options::peer_silent_ms); 0: its default.
  int peer_silent_ms = 0;
  // Where the admin server of Hawser's leader listens, "127.0.0.1:7101"; follower i (from 0) has
  // its own i + 1 ports above. Empty: there are none.
  std::string admin_address;

  // A follower that answered later than the leader can send would stop both: at most the
  // number of messages that may be outstanding.
  int effective_ack_every() const;
};

// How long to go on: until `entries` are committed, or, if that is 0, for `duration_ns`.
struct PhaseGoal {
  uint64_t entries = 0;
  int64_t duration_ns = 0;
};

// What a leader reports of one phase.
struct PhaseResult {
  // Committed within the phase, and so in the percentiles and the rate.
  uint64_t committed = 0;
  // All that were appended in it, and acknowledged by every follower before it ended.
  uint64_t appended = 0;
  int64_t duration_ns = 0;
  int64_t p50_ns = 0;
  int64_t p90_ns = 0;
  int64_t p99_ns = 0;
  int64_t p999_ns = 0;
  int64_t max_ns = 0;
  // Messages that the contestant refused or lost.
  uint64_t drops = 0;
};

// One line each, for the control channel; the parsers refuse anything else.
std::string Encode(const Workload& workload);
std::string Encode(const PhaseGoal& goal);
std::string Encode(const PhaseResult& result);
absl::StatusOr<Workload> ParseWorkload(absl::string_view line);
absl::StatusOr<PhaseGoal> ParsePhaseGoal(absl::string_view line);
absl::StatusOr<PhaseResult> ParsePhaseResult(absl::string_view line);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_WORKLOAD_H_
