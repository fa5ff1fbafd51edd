#ifndef HAWSER_TESTS_SIM_SIM_PROCESS_H_
#define HAWSER_TESTS_SIM_SIM_PROCESS_H_

// One process of a simulated cluster: a node with the handler that the oracle listens through.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "tests/sim/oracle.h"
#include "tests/sim/scenario.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_timers.h"
#include "tests/sim/sim_trace.h"
#include "tests/sim/transition_table.h"
#include "tests/support/fake_link.h"
#include "tests/support/fake_node.h"

namespace hawser {

// What all processes of a simulation share.
struct SimWorld {
  SimWorld(const Scenario& drawn, bool trace_on)
      : scenario(drawn),
        random(drawn.seed ^ 0x5eed),
        trace(&network, trace_on),
        oracle(scenario, &trace) {}

  const Scenario scenario;
  SimRandom random;
  FakeNetwork network;
  SimTrace trace;
  SimTimers timers;
  TransitionTable transitions;  // of the processes that have ended
  Oracle oracle;
  // Things still go wrong; afterwards nobody says more than it is told to.
  bool troubled = false;
};

// A life of a node: from its start to its end, with one incarnation.
//
// Owned by the Simulation; it stays when the process has ended, for leases that outlive it.
class SimProcess : public RaftHandler {
 public:
  // Listens at `address`; starts at once, with `peers`.
  SimProcess(SimWorld* world, uint32_t number, NodeId id, const std::string& address,
             const std::vector<NodeId>& peers);
  ~SimProcess() override;

  uint32_t number() const { return number_; }
  NodeId id() const { return id_; }
  const std::string& address() const { return address_; }
  bool alive() const { return node_ != nullptr; }
  FakeNode* node() { return node_.get(); }

  // Ends it, with last words or without.
  void End(bool kill);

  void AddPeer(NodeId peer);
  // `for_good`: it is refused at the door until it is added again.
  void RemovePeer(NodeId peer, bool for_good);
  void PinLink(NodeId peer, LinkKind kind);
  // It is a peer, or a node that came by itself and may talk for a while.
  bool HasPeer(NodeId peer) const { return accounts_.contains(peer); }
  bool IsMember(NodeId peer) const { return HasPeer(peer) && !provisional_.contains(peer); }
  // Every peer's account is at rest.
  bool AtRest() const;
  void CheckSettled();
  // For people.
  std::string DescribePeers() const;

  // Sends up to `count` messages.
  void SendSome(NodeId to, int count, bool from_outside);
  // Sends from outside inside the next callback, or just before it sleeps.
  void SendLater(NodeId to, int count, bool in_callback);
  void SendKind(NodeId to, SimKind kind, bool from_outside);

  // --- Driving ---

  int64_t NextTurnNs() const;
  uint64_t NextTurnOrder() const { return node_->NextTurnOrder(); }
  void Turn();
  void Pause(int64_t until_ns) { paused_until_ns_ = until_ns; }
  void set_handler_ns(int64_t handler_ns) { handler_ns_ = handler_ns; }
  void HoldLeases(int64_t until_ns) { hold_until_ns_ = until_ns; }
  // It is itself again: awake, quick, and says no more than it is told to.
  void Calm();
  // Gives back what is leased of all messages, or of one.
  void ReleaseLeases();
  void ReleaseLease(uint64_t message_number);

  // RaftHandler.
  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) override;
  void OnUnreachable(NodeId peer, const LossReport& report) override;
  void OnSnapshotAcknowledged(NodeId peer, GroupId group) override;
  void OnWritable(NodeId peer) override;
  void OnPeerChange(NodeId peer, bool up, LinkKind link, CloseReason reason) override;
  void OnRefused(NodeId peer, CloseReason reason, absl::string_view text) override;
  UnknownPeerVerdict OnUnknownPeer(NodeId peer, absl::Span<const std::string> addresses) override;
  bool IsRemoved(NodeId peer) override { return removed_.contains(peer); }

 private:
  // A message that the handler keeps.
  struct Kept {
    const SimMessage* message = nullptr;
    Lease lease;
    MessageView view;
    std::vector<EntryView> entries;
    SnapshotView snapshot;
  };
  struct Later {
    NodeId to = 0;
    int count = 0;
  };

  void Keep(const SimMessage* message, const MessageView& view, Lease lease);
  void SendDue(std::vector<Later>* later);
  SimKind DrawKind();
  bool Answers();
  SimLeases LeasesOf(NodeId peer) const;
  void CheckAccounts();
  void CheckAwake();
  // Provisional peers go by themselves.
  void CloseExpelled();

  SimWorld* const world_;
  const uint32_t number_;
  const NodeId id_;
  const std::string address_;
  std::unique_ptr<FakeNode> node_;
  absl::btree_map<NodeId, uint32_t> accounts_;
  absl::btree_set<NodeId> provisional_;
  absl::btree_set<NodeId> removed_;                   // from the cluster, as far as it knows
  absl::flat_hash_map<uint64_t, SimStream> streams_;  // by peer and group
  int64_t paused_until_ns_ = 0;
  int64_t busy_until_ns_ = 0;
  int64_t handler_ns_ = 0;
  int64_t hold_until_ns_ = 0;
  absl::btree_map<uint64_t, std::unique_ptr<Kept>> leases_;  // by message number
  std::vector<Later> in_callback_;
  std::vector<Later> before_sleep_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_SIM_PROCESS_H_
