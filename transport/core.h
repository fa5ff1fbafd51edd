#ifndef HAWSER_TRANSPORT_CORE_H_
#define HAWSER_TRANSPORT_CORE_H_

// One node's peers and sessions: everything of the transport that runs on the loop thread.

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "transport/answer_path.h"
#include "transport/endpoints.h"
#include "transport/hello.h"
#include "transport/link.h"
#include "transport/link_selector.h"
#include "transport/link_ticket.h"
#include "transport/message_pool.h"
#include "transport/options.h"
#include "transport/peer_directory.h"
#include "transport/peer_gate.h"
#include "transport/planted_bug.h"
#include "transport/raft_handler.h"
#include "transport/recording/link_tap.h"
#include "transport/status.h"
#include "transport/transitions.h"

namespace hawser {

class Peer;
class Session;

// The middle of the house: owns Peers and Sessions and runs them when it is told what time it is.
//
// One per Transport, made by it. It reads no clock and starts no thread: the caller gives `now` at
// the start of each turn, links tell what arrived. Simulation runs many of them on fake links.
// Threads: loop thread only.
class Core {
 public:
  // All must outlive the core.
  struct Parts {
    const Options* options;
    RaftHandler* handler;
    PeerDirectory* directory;
    LinkProvider* provider;  // gRPC
    MessageStore* messages;
    uint64_t incarnation;
    AnswerHost* answers;
    LinkProvider* rdma_provider = nullptr;       // nullptr: there is none.
    PlantedBug planted_bug = PlantedBug::kNone;  // Tests only.
    // Why there is none, and in words.
    LinkReason rdma_obstacle = LinkReason::kNoRdmaHere;
    std::string rdma_absent;
    LinkTap* tap = nullptr;          // Sees every frame; nullptr: nobody does.
    Endpoints* endpoints = nullptr;  // nullptr: there are none.
  };

  explicit Core(const Parts& parts);
  ~Core();

  // Begins to dial. Before it, peers may be added.
  void Start(int64_t now_ns);

  void AddPeer(PeerGate* gate, std::vector<std::string> addresses);
  // Also the end of a drain.
  void UpdatePeer(PeerGate* gate, std::vector<std::string> addresses);
  // The gate lets nobody in; the links close once nothing is left.
  void DrainPeer(PeerGate* gate);
  void RemovePeer(PeerGate* gate);
  // Keeps what is sent to the peer on links of `kind`; kNone: on the best there is.
  void PinLink(PeerGate* gate, LinkKind kind);

  // Takes an accepted message; its gate was entered.
  void Enqueue(QueuedMessage* message);

  // The caller of `call` hears kCancelled, unless it has heard something before.
  void Cancel(CallId call);

  // The time of this turn; call before links tell anything.
  void set_now(int64_t now_ns) { now_ns_ = now_ns; }
  int64_t now_ns() const { return now_ns_; }

  // Sends what is queued and what is due, runs timers, takes away what is closed. The end of
  // each turn.
  void FinishTurn();

  // When FinishTurn must run next even if nothing happens.
  int64_t next_deadline_ns() const { return next_deadline_ns_; }

  // True when no message is queued or in flight anywhere.
  bool Quiet() const;

  // Ends everything: streams are told, all messages lost(stopped). No callback but Holds and the
  // ends of calls.
  void Shutdown();

  void Describe(TransportStatus* status) const;

  // --- For peers and sessions ---

  // Takes a link that another node dialled.
  LinkEvents* OnAccepted(Link* link);
  Peer* FindPeer(NodeId node) const;
  // Another session with the same node and kind in the hello stage; nullptr when there is none.
  Session* FindRival(const Session* session) const;
  // A session that dials `peer`; its link goes to the provider of `kind`.
  Session* Dial(Peer* peer, LinkKind kind, const std::string& address);
  // Ends all sessions with `node`, also those that are being opened.
  void CloseSessions(NodeId node, CloseReason reason, absl::string_view text);
  // A node of this cluster that is no peer says hello: kNone when Raft admits it for a while.
  CloseReason AdmitUnknown(const Hello& hello);
  // The same over RDMA, with a ticket; nullptr when the ticket makes no sense.
  Session* DialWithTicket(Peer* peer, const TicketParties& parties, const TicketRequest& request,
                          const Ticket& ticket);
  // nullptr: no RDMA, or its links are dialled by address.
  LinkTickets* tickets() const {
    return parts_.rdma_provider == nullptr ? nullptr : parts_.rdma_provider->tickets();
  }
  const std::string& rdma_absent() const { return parts_.rdma_absent; }
  // Sees to it that `peer` is pumped in this turn.
  void MarkDirty(Peer* peer);
  // Sees to it that timers run at `deadline_ns` or before.
  void WakeAt(int64_t deadline_ns) {
    if (deadline_ns < next_deadline_ns_) next_deadline_ns_ = deadline_ns;
  }
  // Gives back a message that is done with: releases its Hold, as soon as no link reads its
  // payload.
  void Release(QueuedMessage* message) { parts_.messages->Release(message); }
  // A link reads the message's payload until what this returns is released.
  Hold Pin(QueuedMessage* message);
  // The same at the end of the turn: not inside the Send that made it superfluous.
  void ReleaseLater(QueuedMessage* message);
  // A call ends so, at the end of the turn.
  void Complete(CallDone done, CallStatus status, std::string text);
  // `peer` withholds credit until its leases are below their limit.
  void AwaitLeases(Peer* peer);
  // Makes the loop take a turn. Any thread.
  void Wake() { parts_.provider->Wake(); }
  // Numbers of epochs and fences rise over all peers, so that a peer that was removed and added
  // again never sees an old one.
  uint32_t NextEpoch() { return ++last_epoch_; }
  uint32_t last_epoch() const { return last_epoch_; }
  uint32_t NextFence() { return ++last_fence_; }
  // Counts a connection that never belonged to a peer.
  void CountRefused(CloseReason reason) { ++refused_[static_cast<int>(reason)]; }

  // The number of a link that is made now, for the tap.
  uint64_t NextLink() { return ++last_link_; }
  LinkTap* tap() const { return parts_.tap; }

  const Options& options() const { return *parts_.options; }
  RaftHandler* handler() const { return parts_.handler; }
  MessageStore* messages() const { return parts_.messages; }
  Endpoints* endpoints() const { return parts_.endpoints; }
  AnswerHost* answers() const { return parts_.answers; }
  uint64_t incarnation() const { return parts_.incarnation; }
  PlantedBug planted_bug() const { return parts_.planted_bug; }
  const std::string& listen_address() const { return parts_.provider->listen_address(); }
  // Where RDMA links are accepted; empty: nowhere.
  const std::vector<std::string>& rdma_addresses() const { return rdma_addresses_; }
  // Why RDMA cannot be used whoever the peer is; kNoLink: it can.
  LinkReason rdma_obstacle() const { return rdma_obstacle_; }
  const SelectorRules& selector_rules() const { return selector_rules_; }
  // For jitter.
  uint32_t Random() { return random_(); }
  TransitionCounts* transitions() { return &transitions_; }

 private:
  void RunTimers();
  void EndProvisional();
  Peer* MakePeer(PeerGate* gate);
  void ReleaseLeft();
  void RunCompletions();
  // Closes the oldest of too many connections that have not said hello.
  void MakeRoomForHello();

  // The end of a call that is not told yet.
  struct Completion {
    CallDone done;
    CallStatus status;
    std::string text;
  };

  const Parts parts_;
  int64_t now_ns_ = 0;
  int64_t next_deadline_ns_;
  uint32_t last_epoch_ = 0;
  uint32_t last_fence_ = 0;
  uint64_t last_link_ = 0;
  bool started_ = false;
  bool stopped_ = false;
  absl::btree_map<NodeId, std::unique_ptr<Peer>> peers_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<std::unique_ptr<Peer>> removed_;  // kept until the end of the turn
  std::vector<Peer*> dirty_;
  std::vector<Peer*> awaiting_leases_;
  QueuedMessage* released_ = nullptr;  // by `next`
  std::vector<Completion> completions_;
  const LinkReason rdma_obstacle_;
  const std::vector<std::string> rdma_addresses_;
  const SelectorRules selector_rules_;
  std::minstd_rand random_;
  TransitionCounts transitions_;
  std::array<uint64_t, kCloseReasonCount> refused_{};
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_CORE_H_
