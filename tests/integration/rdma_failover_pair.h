#ifndef HAWSER_TESTS_INTEGRATION_RDMA_FAILOVER_PAIR_H_
#define HAWSER_TESTS_INTEGRATION_RDMA_FAILOVER_PAIR_H_

// Two nodes with gRPC on one network and RDMA on another, and a steady load between them.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "transport/transport.h"

namespace hawser {

// What happened since Reset, in nanoseconds of the steady clock. Read it at any time.
struct FailoverMarks {
  std::atomic<int64_t> detected_ns{0};   // The first RDMA link that closed, at either end.
  std::atomic<int64_t> resumed_ns{0};    // The first delivery after that.
  std::atomic<int64_t> delivered_ns{0};  // The last delivery.
  std::atomic<int64_t> blackout_ns{0};   // The longest time between two deliveries.
};

// Node 1 sends appends to node 2 at a steady pace, which answers each. gRPC is on the loopback
// device, RDMA on the virtual wire of tools/rdma_vm.
//
// One at a time in a process: it takes over the log. Threads: one test's; the load has its own.
// Invariant: appends arrive with rising indices, each at most once (out_of_order() is 0).
class RdmaFailoverPair {
 public:
  explicit RdmaFailoverPair(uint32_t peer_silent_ms);
  ~RdmaFailoverPair();
  RdmaFailoverPair(const RdmaFailoverPair&) = delete;
  RdmaFailoverPair& operator=(const RdmaFailoverPair&) = delete;

  // Waits; looks at the sender's status every few milliseconds, and remembers what it saw.
  bool Until(const std::function<bool(const PeerStatus&)>& done);
  bool UntilOn(LinkKind kind) {
    return Until([kind](const PeerStatus& status) { return status.link == kind; });
  }
  // So many more appends arrive.
  bool Delivers(uint64_t count);
  // Stops the load and waits until nothing is on its way.
  bool Quiesce();

  // Nothing when it was too busy to say.
  PeerStatus status() const {
    const TransportStatus status = sender_->Describe();
    return status.peers.empty() ? PeerStatus() : status.peers[0];
  }
  Transport* sender() { return sender_.get(); }
  Transport* receiver() { return receiver_.get(); }
  FailoverMarks* marks() { return &marks_; }
  void ResetMarks();

  uint64_t accepted() const { return accepted_.load(); }
  uint64_t delivered() const { return receiving_.delivered.load(); }
  uint64_t missing() const { return receiving_.missing.load(); }  // Indices that were passed over.
  uint64_t out_of_order() const { return receiving_.out_of_order.load(); }
  uint64_t told_lost() const { return sending_.told_lost.load(); }
  // "on_rdma: rdma is the better link [rdma]", each once.
  const std::set<std::string>& seen() const { return seen_; }

 private:
  class Sending : public RaftHandler {
   public:
    void OnMessage(NodeId, GroupId, const MessageView&, Lease) override {}
    void OnUnreachable(NodeId node, const LossReport& report) override;
    std::atomic<uint64_t> told_lost{0};
  };
  class Receiving : public RaftHandler {
   public:
    explicit Receiving(FailoverMarks* marks) : marks_(marks) {}
    void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) override;
    void OnUnreachable(NodeId, const LossReport&) override {}
    Transport* transport = nullptr;
    std::atomic<uint64_t> delivered{0};
    std::atomic<uint64_t> missing{0};
    std::atomic<uint64_t> out_of_order{0};

   private:
    FailoverMarks* const marks_;
    uint64_t next_ = 0;
  };

  void Load();

  FailoverMarks marks_;
  Sending sending_;
  Receiving receiving_{&marks_};
  std::unique_ptr<Transport> receiver_;
  std::unique_ptr<Transport> sender_;
  std::set<std::string> seen_;
  std::atomic<uint64_t> accepted_{0};
  std::atomic<bool> stop_{false};
  std::thread load_;
};

int64_t SteadyNs();

}  // namespace hawser

#endif  // HAWSER_TESTS_INTEGRATION_RDMA_FAILOVER_PAIR_H_
