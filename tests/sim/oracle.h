#ifndef HAWSER_TESTS_SIM_ORACLE_H_
#define HAWSER_TESTS_SIM_ORACLE_H_

// Knows all that was sent, and says which promise of transport.h was broken.

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "tests/sim/scenario.h"
#include "tests/sim/sim_message.h"
#include "tests/sim/sim_trace.h"
#include "transport/ledger.h"
#include "transport/options.h"
#include "transport/ownership.h"
#include "transport/status.h"
#include "transport/transport.h"

namespace hawser {

// What one process sent to one peer, from AddPeer to RemovePeer or its end.
struct SimAccount {
  struct Group {
    uint64_t accepted = 0;
    uint64_t delivered = 0;
    uint64_t reported = 0;
    uint64_t snapshots_delivered = 0;
    uint64_t snapshots_acknowledged = 0;
  };

  uint32_t number = 0;
  uint32_t process = 0;
  NodeId from = 0;
  NodeId to = 0;
  // What Send accepted.
  Tally accepted;
  // What was still on its way to the loop when the account before was closed may come to this one;
  // 0: none was.
  Tally inherited;
  uint32_t heir = 0;
  // The peer's handler returned for it.
  Tally delivered;
  std::array<Tally, kLossReasonCount> reported;
  bool told_empty = false;  // The last report was empty, and the peer was not up since.
  // Heartbeats that a newer one may have replaced.
  uint64_t superseded_max = 0;
  absl::flat_hash_map<uint64_t, const SimMessage*> last_heartbeat;  // by group and term
  absl::flat_hash_map<GroupId, Group> groups;
  // As the ledger said last.
  PeerState state = PeerState::kIdle;
  Ledger ledger;
  Tally handed_over;
  uint64_t incarnation = 0;
  uint32_t send_epoch = 0;
  uint32_t credit_units_left = 0;
  uint64_t switches = 0;
  uint64_t fallbacks = 0;
};

// How often what was seen.
struct SimCounts {
  uint64_t accepted = 0;
  uint64_t refused = 0;
  uint64_t delivered = 0;
  uint64_t delivered_bytes = 0;
  // By lane; how long a message took from Send to its delivery at most.
  std::array<uint64_t, kLaneCount> delivered_in{};
  std::array<int64_t, kLaneCount> longest_ns{};
  uint64_t acknowledged = 0;
  uint64_t acknowledged_bytes = 0;
  uint64_t superseded = 0;
  uint64_t reports = 0;
  std::array<uint64_t, kLossReasonCount> lost{};
  uint64_t switches = 0;
  uint64_t fallbacks = 0;
  // Of one peer, at a moment.
  uint64_t leased_bytes_max = 0;
  uint64_t queued_bytes_max = 0;
  uint64_t in_flight_bytes_max = 0;
};

// What a process keeps of one peer.
struct SimLeases {
  uint64_t buffers = 0;
  uint64_t urgent_bytes = 0;
};

// One per simulation; owns the messages. Every method that hears of something checks it; the first
// broken promise is kept in failure().
class Oracle {
 public:
  Oracle(const Scenario& scenario, const SimTrace* trace) : scenario_(scenario), trace_(trace) {}
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  void Fail(std::string text);

  // --- Sending ---

  uint32_t OpenAccount(uint32_t process, NodeId from, NodeId to);
  // With the last status if the process has stopped; nullptr: the peer was removed.
  void CloseAccount(uint32_t account, const PeerStatus* last);
  // Before Send: a message of that account, still to be drawn.
  SimMessage* NewMessage(uint32_t account);
  Hold HoldOf(SimMessage* message);
  void OnSent(SimMessage* message, SendResult result, int64_t now_ns);

  // --- What handlers hear ---

  // nullptr: nobody sent that.
  SimMessage* OnMessage(uint32_t process, NodeId node, NodeId from, GroupId group,
                        const MessageView& view, int64_t now_ns);
  void OnReturned(SimMessage* message);
  void OnUnreachable(uint32_t account, const LossReport& report);
  void OnSnapshotAcknowledged(uint32_t account, GroupId group);

  // --- What processes show ---

  // After each turn of the process.
  void Check(uint32_t account, const PeerStatus& status);
  // So much is leased that it matters what: CheckLeases is to be told.
  bool LeasesMuch(const PeerStatus& status) const;
  void CheckLeases(uint32_t account, const PeerStatus& status, const SimLeases& leases);
  // When everything has come to rest.
  void CheckSettled(uint32_t account, const PeerStatus& status);
  // Nothing runs any more.
  void CheckEnd();

  const SimAccount& account(uint32_t number) const { return accounts_[number]; }
  const SimCounts& counts() const { return counts_; }

 private:
  static void Release(void* argument);
  std::string Name(const SimAccount& account) const;
  std::string Name(const SimMessage& message) const;
  void CheckLedger(const SimAccount& account, const PeerStatus& status);
  void CheckReports(const SimAccount& account, const PeerStatus& status);
  uint64_t LeasedBytesMax() const;
  void CheckMemory(const SimAccount& account, const PeerStatus& status);
  void CountHeartbeat(SimAccount* account, const SimMessage& message);

  const Scenario& scenario_;
  const SimTrace* const trace_;
  std::string failure_;
  std::deque<SimMessage> messages_;  // by number - 1
  std::deque<SimAccount> accounts_;
  absl::flat_hash_map<uint64_t, uint64_t> last_delivered_;  // number, by stream
  absl::flat_hash_map<uint64_t, uint32_t> closed_;          // the last account, by process and peer
  SimCounts counts_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_ORACLE_H_
