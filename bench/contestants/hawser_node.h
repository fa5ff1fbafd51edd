#ifndef HAWSER_BENCH_CONTESTANTS_HAWSER_NODE_H_
#define HAWSER_BENCH_CONTESTANTS_HAWSER_NODE_H_

// What the leader's and the follower's end of the Hawser contestants share.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "admin/admin_server.h"
#include "bench/workload.h"
#include "transport/options.h"
#include "transport/raft_handler.h"
#include "transport/transport.h"

namespace hawser::bench {

// A HawserNode is a started Transport, driven as the contestant wants it.
//
// One per member process; the handler must outlive it.
//
// Threads: the member's; in LoopMode::kPoll that is the one that polls.
class HawserNode {
 public:
  HawserNode(const Workload& workload, NodeId node, LoopMode mode)
      : workload_(workload), node_(node), mode_(mode) {}
  ~HawserNode() { Stop(); }

  // Starts the transport on a port that the kernel chose; the port.
  absl::StatusOr<int> Listen(RaftHandler* handler);
  void Stop();

  // A peer, kept on RDMA if the workload says so.
  absl::Status AddPeer(uint64_t node, std::vector<std::string> addresses);
  // Waits until what is sent to peers goes over RDMA, if it is to.
  absl::Status WaitForRdma();

  // Polls until `done`, which is asked after each turn and each Wake().
  // REQUIRES: polls().
  void PollUntil(const std::function<bool()>& done);
  // Makes PollUntil ask again. Any thread.
  void Wake();

  // From here on what goes wrong is told by callbacks, and that peers leave is no news.
  void StopLogging();

  bool polls() const { return mode_ == LoopMode::kPoll; }
  Transport& transport() { return *transport_; }

 private:
  absl::Status ServeAdmin();

  const Workload workload_;
  const NodeId node_;
  const LoopMode mode_;
  bool uses_rdma_ = false;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<admin::AdminServer> admin_;  // Only if the workload names an address.
};

// "127.0.0.1:7001".
std::string LoopbackAddress(int port);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CONTESTANTS_HAWSER_NODE_H_
