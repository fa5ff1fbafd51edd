#ifndef HAWSER_TRANSPORT_LEDGER_H_
#define HAWSER_TRANSPORT_LEDGER_H_

// Where every accepted message is: the account that makes loss impossible to hide.

#include <array>
#include <cstdint>

#include "absl/types/span.h"
#include "transport/types.h"

namespace hawser {

// Why an accepted message was given up.
enum class LossReason : uint8_t {
  kLinkLost = 0,       // On its way when the link failed; whether it arrived is unknown.
  kPeerRestarted = 1,  // On its way to a process that is gone.
  kBehindGap = 2,      // Queued behind a lost message of its group.
  kExpired = 3,        // Waited too long for a link; an answer: its call ended meanwhile.
  kStopped = 4,        // The transport was stopped first.
  kPeerRemoved = 5,    // The peer was removed first.
  kOverPeerLimit = 6,  // Larger than the peer takes, which was not known at Send.
};

inline constexpr int kLossReasonCount = 7;

// "link_lost" and so on, as in metrics and docs.
const char* LossReasonName(LossReason reason);

// The account of one peer. One per peer, owned by it; copies are shown to admin and tests.
//
// A message moves: accepted -> queued -> in flight -> acknowledged, or leaves queued or in flight
// for superseded or lost. Bytes are payload bytes.
// Threads: loop thread only (messages still on their way from another thread's Send are in
// PeerStatus::handed_over, not here).
// Invariant (Balanced): accepted = queued + in_flight + acknowledged + superseded + lost, by
// count and by bytes.
struct Ledger {
  Tally accepted;
  Tally queued;
  Tally in_flight;
  Tally acknowledged;
  Tally superseded;
  std::array<Tally, kLossReasonCount> lost;

  void Accept(uint64_t bytes);
  void Post(uint64_t bytes) { Post(Tally{1, bytes}); }
  void Post(Tally messages);         // queued -> in flight
  void Acknowledge(uint64_t bytes);  // in flight -> acknowledged
  void Supersede(uint64_t bytes);    // queued -> superseded
  void LoseQueued(uint64_t bytes, LossReason reason);
  void LoseInFlight(uint64_t bytes, LossReason reason);

  Tally lost_total() const;
  bool Balanced() const;
};

// What one group lost in an outage.
struct GroupLoss {
  GroupId group = 0;
  uint64_t messages = 0;
  // True when a MsgSnap was among them (etcd: ReportSnapshot with failure).
  bool snapshot = false;
};

// One outage of one peer, told once: before anything of the next epoch is delivered.
struct LossReport {
  std::array<Tally, kLossReasonCount> by_reason;
  // The groups that lost something, each once; valid during the callback.
  absl::Span<const GroupLoss> groups;
  // Nothing was lost: the peer is unreachable all the same.
  bool empty() const;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_LEDGER_H_
