#ifndef HAWSER_TESTS_INTEGRATION_RDMA_FIXTURE_H_
#define HAWSER_TESTS_INTEGRATION_RDMA_FIXTURE_H_

// Two transports over real verbs, on two RDMA addresses of this host if it has two.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/wait_until.h"
#include "transport/transport.h"

namespace hawser {

// What tests wait for at most: emulated machines are slow.
inline constexpr std::chrono::seconds kRdmaPatience{60};

// The host's RDMA addresses without ports; empty, and `*why`, when it has none.
std::vector<std::string> RdmaHosts(std::string* why);

// How many descriptors this process has open.
size_t OpenDescriptors();

// What the kernel counts of queue pairs, regions and the like, of all processes: `rdma resource`,
// a line a device. Empty: that program is not there.
std::string RdmaResources();

// The sum of a counter of all RDMA devices, by the name that its driver gives it.
uint64_t RdmaCounter(const std::string& name);

// What the transport says of its one peer; nothing when it has none, or was too busy to say.
PeerStatus OnlyPeer(Transport* transport);

// Node 1 and node 2, each other's peers. Without an RDMA device each test is skipped, with the
// reason; tools/rdma_vm runs them on soft-RoCE.
class RdmaFixture : public ::testing::Test {
 protected:
  void SetUp() override;
  // Handlers are the test's, and go after this.
  void TearDown() override;
  Options OptionsOf(NodeId node) const;
  // Both are on RDMA afterwards.
  void Open(const Options& first, RaftHandler* raft_a, const Options& second, RaftHandler* raft_b);
  // Both are up, and send on links of `kind`.
  bool On(LinkKind kind);

  std::vector<std::string> hosts_;
  std::unique_ptr<Transport> a_;
  std::unique_ptr<Transport> b_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_INTEGRATION_RDMA_FIXTURE_H_
