#ifndef HAWSER_TESTS_SUPPORT_FAKE_NODE_H_
#define HAWSER_TESTS_SUPPORT_FAKE_NODE_H_

// Whole nodes on a FakeNetwork, and the driver that moves virtual time for them.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_link.h"
#include "tests/support/recording_raft.h"
#include "transport/answer_path.h"
#include "transport/call.h"
#include "transport/core.h"
#include "transport/endpoints.h"
#include "transport/loop.h"
#include "transport/message_pool.h"
#include "transport/options.h"
#include "transport/peer_directory.h"
#include "transport/planted_bug.h"
#include "transport/status.h"
#include "transport/transport.h"

namespace hawser {

// Where node `id` listens on a FakeNetwork.
std::string FakeAddress(NodeId id);

// Options of node `id` of the cluster "test".
Options FakeOptions(NodeId id);

// Somebody on the network whom a FakeCluster drives.
class FakeParty {
 public:
  virtual ~FakeParty() = default;

  // Handles one event that is due, or timers.
  virtual void Turn() = 0;
  // When Turn has something to do, and which of several at one moment was caused first.
  virtual int64_t NextTurnNs() const = 0;
  virtual uint64_t NextTurnOrder() const = 0;
  virtual void CheckInvariants() const {}
};

// The links of one node, of either kind, as its Loop sees them.
//
// Poll handles one event of whichever kind is due first. Wake makes a turn due now.
class FakeLinks : public LinkProvider {
 public:
  // `rdma` may be nullptr. Both are borrowed.
  FakeLinks(FakeProvider* grpc, FakeProvider* rdma) : grpc_(grpc), rdma_(rdma) {}

  // LinkProvider. A sleeper on its descriptor is woken by Wake, as a real one is.
  const std::string& listen_address() const override { return grpc_->listen_address(); }
  void Start(LinkAcceptor* acceptor) override;
  Link* Dial(const std::string& address, LinkEvents* events) override;
  int Poll(int64_t deadline_ns) override;
  void Wake() override { woken_ = true; }
  int WaitFd() override { return 0; }
  void Shutdown() override;

  void Crash();
  FakeProvider* First() const;
  bool woken() const { return woken_; }
  void Awake() { woken_ = false; }

  // Runs when the loop has said that it sleeps, before it does: what other threads do just then.
  std::function<void()> before_sleep;

 private:
  FakeProvider* const grpc_;
  FakeProvider* const rdma_;
  bool woken_ = false;
};

// How a FakeNode differs from the usual one.
struct FakeNodeParts {
  // Empty: its FakeAddress.
  std::string address;
  // Has RDMA too, at the address with "/rdma" behind it.
  bool rdma = false;
  // nullptr: the node's own OneThreadRaft. Borrowed.
  RaftHandler* handler = nullptr;
  PlantedBug planted_bug = PlantedBug::kNone;
};

// A Core and its Loop with all that a Transport puts around them: handler, gates, messages, links.
//
// The Loop is the real one in LoopMode::kPoll, as a host runs it that sleeps on WaitFd; only the
// clock is the network's. A turn takes no time.
class FakeNode : public FakeParty, private LoopClock, private AnswerHost {
 public:
  FakeNode(FakeNetwork* network, const Options& options, uint64_t incarnation,
           const FakeNodeParts& parts = {});
  // Kills the process if neither Stop nor Kill was called.
  ~FakeNode() override;

  void Start();
  // As Transport::Stop without patience: all is lost(stopped), peers are told. Inside a turn: at
  // its end.
  void Stop();
  // The process dies without a word.
  void Kill();
  bool running() const { return running_; }

  // A peer at its FakeAddress, or `addresses`.
  void AddPeer(NodeId node);
  void AddPeer(NodeId node, std::vector<std::string> addresses);
  void RemovePeer(NodeId node);
  void UpdatePeer(NodeId node, std::vector<std::string> addresses);
  void DrainPeer(NodeId node);
  void PinLink(NodeId node, LinkKind kind);
  // The same from another thread, or inside a callback: done by the next turn.
  void PostAddPeer(NodeId node, std::vector<std::string> addresses);
  void PostRemovePeer(NodeId node);
  void PostDrainPeer(NodeId node);
  void PostUpdatePeer(NodeId node, std::vector<std::string> addresses);

  // As Transport::Send from the polling thread.
  SendResult Send(NodeId node, GroupId group, const MessageView& message, Hold hold = {});
  // As Transport::Send from another thread, at any moment.
  SendResult SendFromOutside(NodeId node, GroupId group, const MessageView& message,
                             Hold hold = {});

  // As Transport::Call and CallAppend from the polling thread; deadlines are in virtual time from
  // now, 0: none.
  CallId Call(NodeId node, absl::string_view endpoint, absl::string_view request,
              int64_t deadline_ms, CallDone done, Lane lane = Lane::kAppend);
  CallId CallAppend(NodeId node, GroupId group, const MessageView& message, Hold hold,
                    int64_t deadline_ms, CallDone done);
  void Cancel(CallId call) { core_->Cancel(call); }

  // FakeParty.
  void Turn() override;
  int64_t NextTurnNs() const override;
  uint64_t NextTurnOrder() const override;
  void CheckInvariants() const override;

  NodeId id() const { return options_.node_id; }
  const std::string& address() const { return grpc_.listen_address(); }
  const Options& options() const { return options_; }
  // Its loop has something from other threads to look at.
  bool inbox_waits() const { return loop_->InboxWaits(); }
  bool in_turn() const { return loop_->InTurn(); }
  TransportStatus Describe() const;
  PeerStatus Describe(NodeId peer) const;
  Core& core() { return *core_; }
  FakeLinks& links() { return links_; }

  OneThreadRaft raft;
  Endpoints endpoints{[] { return int64_t{0}; }};

 private:
  int64_t NowNs() const override { return network_->now_ns(); }
  // AnswerHost: there is one thread only.
  bool OnLoopThread() const override { return true; }
  void SetUnsent() override { loop_->set_unsent(); }
  bool Post(std::function<void()> command) override { return false; }
  // A message that may be queued, or why not.
  SendResult Check(const MessageView& message, size_t size_bound) const;
  SendResult Enter(NodeId node, const MessageView& message, PeerGate** gate, Lane* lane);
  CallId StartCall(NodeId node, QueuedMessage* queued, int64_t deadline_ms, CallDone done);

  FakeNetwork* const network_;
  const Options options_;
  PeerDirectory directory_;
  MessageStore messages_;
  FakeProvider grpc_;
  std::unique_ptr<FakeProvider> rdma_;
  FakeLinks links_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<Loop> loop_;
  std::vector<NodeId> peers_;
  CallId last_call_ = 0;
  bool running_ = false;
  bool ended_ = false;
};

// Nodes on one network, driven in the order of their events.
//
// Everything happens inside Step, RunUntil and RunFor, on the calling thread; after each step all
// invariants are checked.
class FakeCluster {
 public:
  // A node that is not started; the cluster owns it. A second one of the same id, after the first
  // was killed or stopped, takes its place with another incarnation.
  FakeNode* Add(const Options& options, const FakeNodeParts& parts = {});
  FakeNode* Add(NodeId id) { return Add(FakeOptions(id)); }

  // Drives `party` as well; it must live as long as the cluster runs.
  void Drive(FakeParty* party) { parties_.push_back(party); }
  // Does so no longer.
  void Forget(const FakeParty* party);

  // Adds each to the other's peers, starts both, and waits until both are up.
  bool Connect(FakeNode* a, FakeNode* b);

  // Runs until `done()` holds; false when `within_ms` of virtual time have passed before.
  bool RunUntil(const std::function<bool()>& done, int64_t within_ms = 10000);
  void RunFor(int64_t ms);
  // Runs what is due now, without moving time.
  void Settle();

  int64_t now_ms() const { return network.now_ns() / 1000000; }

  FakeNetwork network;

 private:
  // The next turn of whoever is first, at `until_ns` or before; false when nobody is.
  bool Step(int64_t until_ns);

  uint64_t next_incarnation_ = 1;
  std::vector<std::unique_ptr<FakeNode>> nodes_;
  std::vector<FakeParty*> parties_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_FAKE_NODE_H_
