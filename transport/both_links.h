#ifndef HAWSER_TRANSPORT_BOTH_LINKS_H_
#define HAWSER_TRANSPORT_BOTH_LINKS_H_

// gRPC and RDMA behind one door, for the loop: it polls both and sleeps on both.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "transport/link.h"
#include "transport/rdma/rdma_provider.h"
#include "transport/rdma/verbs.h"

namespace hawser {

// The providers of a Transport that has RDMA, as one.
//
// One per Transport, made by it; both providers are borrowed. Without an RDMA link it waits inside
// gRPC, as fast as without RDMA, and looks after RDMA's connection manager now and then. From the
// first RDMA link on it waits on descriptors: those of RDMA, and one that gRPC's watcher makes
// readable; then gRPC is looked into whenever that is, and at least every kGrpcLookNs of spinning.
// Threads: as LinkProvider says.
class BothLinks : public LinkProvider {
 public:
  BothLinks(LinkProvider* grpc, RdmaProvider* rdma, Verbs* verbs)
      : grpc_(grpc), rdma_(rdma), verbs_(verbs) {}
  ~BothLinks() override;

  const std::string& listen_address() const override { return grpc_->listen_address(); }
  void Start(LinkAcceptor* acceptor) override;
  // Links are dialled at the provider of their kind.
  Link* Dial(const std::string& address, LinkEvents* events) override { return nullptr; }
  int Poll(int64_t deadline_ns) override;
  void Wake() override;
  int WaitFd() override;
  void Shutdown() override {}

 private:
  int PollGrpc();
  // Links or a user's descriptor: gRPC's watcher is needed.
  void UseDescriptors();
  // Arms everything; what came meanwhile is handled, and counted.
  int PrepareSleep();
  void Sleep(int64_t deadline_ns);

  LinkProvider* const grpc_;
  RdmaProvider* const rdma_;
  Verbs* const verbs_;
  int grpc_fd_ = -1;
  int wait_fd_ = -1;  // the user's
  int64_t last_grpc_ns_ = 0;
  std::vector<int> descriptors_;
  // From now on descriptors are slept on, never gRPC's queue. Any thread.
  std::atomic<bool> uses_descriptors_{false};
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_BOTH_LINKS_H_
