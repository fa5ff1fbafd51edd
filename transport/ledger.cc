#include "transport/ledger.h"

namespace hawser {

const char* LossReasonName(LossReason reason) {
  switch (reason) {
    case LossReason::kLinkLost:
      return "link_lost";
    case LossReason::kPeerRestarted:
      return "peer_restarted";
    case LossReason::kBehindGap:
      return "behind_gap";
    case LossReason::kExpired:
      return "expired";
    case LossReason::kStopped:
      return "stopped";
    case LossReason::kPeerRemoved:
      return "peer_removed";
    case LossReason::kOverPeerLimit:
      return "over_peer_limit";
  }
  return "unknown";
}

void Ledger::Accept(uint64_t bytes) {
  accepted.Add(bytes);
  queued.Add(bytes);
}

void Ledger::Post(Tally messages) {
  queued.Subtract(messages);
  in_flight.Add(messages);
}

void Ledger::Acknowledge(uint64_t bytes) {
  in_flight.Subtract(bytes);
  acknowledged.Add(bytes);
}

void Ledger::Supersede(uint64_t bytes) {
  queued.Subtract(bytes);
  superseded.Add(bytes);
}

void Ledger::LoseQueued(uint64_t bytes, LossReason reason) {
  queued.Subtract(bytes);
  lost[static_cast<int>(reason)].Add(bytes);
}

void Ledger::LoseInFlight(uint64_t bytes, LossReason reason) {
  in_flight.Subtract(bytes);
  lost[static_cast<int>(reason)].Add(bytes);
}

Tally Ledger::lost_total() const {
  Tally total;
  for (const Tally& tally : lost) total = total + tally;
  return total;
}

bool Ledger::Balanced() const {
  return accepted == queued + in_flight + acknowledged + superseded + lost_total();
}

bool LossReport::empty() const {
  for (const Tally& tally : by_reason) {
    if (tally.messages != 0) return false;
  }
  return true;
}

}  // namespace hawser
