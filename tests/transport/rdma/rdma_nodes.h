#ifndef HAWSER_TESTS_TRANSPORT_RDMA_RDMA_NODES_H_
#define HAWSER_TESTS_TRANSPORT_RDMA_RDMA_NODES_H_

// Two whole nodes whose messages travel on a FakeFabric, for tests that count what a message costs.

#include <functional>
#include <memory>
#include <string>

#include "tests/support/plain_link.h"
#include "tests/transport/rdma/fake_nic.h"
#include "transport/both_links.h"
#include "transport/core.h"
#include "transport/loop.h"
#include "transport/message_pool.h"
#include "transport/peer_directory.h"
#include "transport/raft_handler.h"
#include "transport/rdma/rdma_provider.h"

namespace hawser {

// Counts what comes.
class MessageCounter : public RaftHandler {
 public:
  void OnMessage(NodeId, GroupId, const MessageView& message, Lease) override {
    ++messages;
    if (on_message) on_message(message);
  }
  void OnUnreachable(NodeId, const LossReport&) override { ++outages; }

  uint64_t messages = 0;
  uint64_t outages = 0;
  std::function<void(const MessageView&)> on_message;
};

// A node as a host runs it that polls: core, loop, RDMA on a fake NIC, and a plain link in gRPC's
// place.
class RdmaNode {
 public:
  RdmaNode(NodeId id, const LoopClock* clock, FakeNic* fake_nic, const std::string& address);

  // Knows the other one, and wants to send on RDMA.
  void Start(NodeId peer);
  void Send(const MessageView& message, Hold hold = {});
  void Turn() { loop_->Turn(0); }
  void RemovePeer();
  // Before either node is destroyed.
  void Stop() { loop_->RunDown(0); }
  PeerStatus Status() const;

  FakeNic* const nic;
  MessageCounter raft;
  PlainProvider grpc;
  std::unique_ptr<RdmaProvider> rdma;

 private:
  const Options options_;
  std::unique_ptr<BothLinks> both_;
  PeerDirectory directory_;
  MessageStore messages_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<Loop> loop_;
  PeerGate* gate_ = nullptr;
};

// Nodes 1 and 2, sending to each other on RDMA once constructed.
class RdmaNodes final : private LoopClock {
 public:
  RdmaNodes();
  ~RdmaNodes();

  // Time goes on by `us`, and each node has a turn.
  void Turns(int64_t us = 5);

  FakeFabric fabric;
  RdmaNode a;
  RdmaNode b;

 private:
  int64_t NowNs() const override { return fabric.now_ns(); }
};

}  // namespace hawser

#endif  // HAWSER_TESTS_TRANSPORT_RDMA_RDMA_NODES_H_
