// Two transports over real verbs, on two RDMA addresses of this host if it has two. Without an
// RDMA device each test is skipped, with the reason; tools/rdma_vm runs them on soft-RoCE.

#include <dirent.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"
#include "transport/rdma/rdma_provider.h"
#include "transport/transport.h"

namespace hawser {
namespace {

constexpr std::chrono::seconds kPatience{60};

// The host's RDMA addresses without ports; empty, and `*why`, when it has none.
std::vector<std::string> RdmaHosts(std::string* why) {
  absl::StatusOr<Verbs*> verbs = LoadVerbs();
  Options options;
  options.listen_address = "0.0.0.0:0";
  options.allow_insecure_network = true;
  std::vector<std::string> hosts;
  if (!verbs.ok()) {
    *why = std::string(verbs.status().message());
    return hosts;
  }
  absl::StatusOr<std::unique_ptr<RdmaProvider>> provider = RdmaProvider::Create(options, *verbs);
  if (!provider.ok()) {
    *why = std::string(provider.status().message());
    return hosts;
  }
  for (const std::string& address : (*provider)->addresses()) {
    if (address[0] != '[') hosts.push_back(address.substr(0, address.rfind(':')));
  }
  return hosts;
}

size_t OpenDescriptors() {
  size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

// Node 1 and node 2, each other's peers, on RDMA.
class RdmaPairTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    hosts_ = RdmaHosts(&why);
    if (hosts_.empty()) GTEST_SKIP() << why;
  }
  Options OptionsOf(NodeId node) const {
    Options options;
    options.node_id = node;
    options.cluster_id = "test";
    options.listen_address = hosts_[(node - 1) % hosts_.size()] + ":0";
    options.allow_insecure_network = true;
    // Loaded machines stall for long.
    options.peer_silent_ms = 5000;
    options.hello_timeout_ms = 5000;
    return options;
  }
  void Open(const Options& first, const Options& second) {
    a_ = *Transport::Create(first, &raft_a_);
    b_ = *Transport::Create(second, &raft_b_);
    ASSERT_TRUE(a_->AddPeer(2, {b_->listen_address()}).ok());
    ASSERT_TRUE(b_->AddPeer(1, {a_->listen_address()}).ok());
    ASSERT_TRUE(a_->Start().ok());
    ASSERT_TRUE(b_->Start().ok());
    ASSERT_TRUE(raft_a_.WaitFor([&] { return !raft_a_.up.empty(); }, kPatience));
    ASSERT_TRUE(raft_b_.WaitFor([&] { return !raft_b_.up.empty(); }, kPatience));
    // Soft-RoCE is no faster than TCP: it would not be chosen by itself.
    ASSERT_TRUE(a_->PinLink(2, LinkKind::kRdma).ok());
    ASSERT_TRUE(b_->PinLink(1, LinkKind::kRdma).ok());
    ASSERT_TRUE(Until([&] { return On(LinkKind::kRdma); }))
        << a_->Describe().peers[0].rdma_text << "; " << b_->Describe().peers[0].rdma_text;
  }
  void Open() { Open(OptionsOf(1), OptionsOf(2)); }
  bool On(LinkKind kind) {
    return a_->Describe().peers[0].link == kind && b_->Describe().peers[0].link == kind;
  }
  static bool Until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  // Sends appends of `sizes` in turn until `count` were accepted.
  void SendAppends(int count, const std::vector<size_t>& sizes) {
    for (int i = 0; i < count; ++i) {
      const TestAppend append(sent_, std::string(sizes[sent_ % sizes.size()], 'x'));
      SendResult result;
      ASSERT_TRUE(Until([&] {
        result = a_->Send(2, 0, append.view());
        return result != SendResult::kQueueMessages && result != SendResult::kQueueBytes;
      }));
      ASSERT_EQ(result, SendResult::kAccepted) << i;
      ++sent_;
    }
  }
  void ExpectAllInOrder() {
    ASSERT_TRUE(raft_b_.WaitFor([&] { return raft_b_.messages.size() >= sent_; }, kPatience))
        << raft_b_.messages.size();
    ASSERT_EQ(raft_b_.messages.size(), sent_);
    for (uint64_t i = 0; i < sent_; ++i) ASSERT_EQ(raft_b_.messages[i].index, i);
    EXPECT_EQ(raft_a_.lost, 0u);
  }

  std::vector<std::string> hosts_;
  RecordingRaft raft_a_;
  RecordingRaft raft_b_;
  std::unique_ptr<Transport> a_;
  std::unique_ptr<Transport> b_;
  uint64_t sent_ = 0;
};

TEST_F(RdmaPairTest, MessagesOfAllSizesKeepTheirOrder) {
  Open();
  SendAppends(20000, {64, 0, 300, 5000, 64, 1, 8192, 200});
  ExpectAllInOrder();
  const PeerStatus status = a_->Describe().peers[0];
  EXPECT_EQ(status.link, LinkKind::kRdma);
  EXPECT_TRUE(status.ledger.Balanced());
  EXPECT_EQ(status.disconnects, 0u);
}

TEST_F(RdmaPairTest, EntriesLargerThanASlotAreJoined) {
  Open();
  SendAppends(40, {3000000, 64, 65536});
  ExpectAllInOrder();
  EXPECT_EQ(raft_b_.messages[0].data[0].size(), 3000000u);
}

TEST_F(RdmaPairTest, FramesWithAMac) {
  Options first = OptionsOf(1);
  first.rdma_security = RdmaSecurity::kMac;
  // The stricter end wins.
  Open(first, OptionsOf(2));
  SendAppends(2000, {64, 5000, 20000});
  ExpectAllInOrder();
  EXPECT_EQ(a_->Describe().peers[0].disconnects, 0u);
}

TEST_F(RdmaPairTest, OtherSlotSizesMeet) {
  Options first = OptionsOf(1);
  first.rdma_slot_bytes = 64 * 1024;
  first.rdma_receive_slots = 64;
  Options second = OptionsOf(2);
  second.rdma_slot_bytes = 16 * 1024;
  Open(first, second);
  SendAppends(500, {64, 5000, 60000, 100000});
  ExpectAllInOrder();
}

TEST_F(RdmaPairTest, SwitchingUnderLoadLosesNothing) {
  Open();
  for (int i = 0; i < 6; ++i) {
    const LinkKind kind = i % 2 == 0 ? LinkKind::kGrpc : LinkKind::kRdma;
    ASSERT_TRUE(a_->PinLink(2, kind).ok());
    ASSERT_TRUE(b_->PinLink(1, kind).ok());
    SendAppends(500, {64, 2000});
    ASSERT_TRUE(Until([&] { return On(kind); })) << i;
  }
  ExpectAllInOrder();
  EXPECT_EQ(a_->Describe().peers[0].disconnects, 0u);
}

// The handler keeps what it gets: credit stops the sender, nobody fails, and all arrives at last.
TEST_F(RdmaPairTest, AHandlerThatKeepsItsLeases) {
  Options second = OptionsOf(2);
  second.leased_bytes_max = 1024 * 1024;
  std::vector<Lease> leases;
  raft_b_.on_message = [&](NodeId, GroupId, const MessageView&, Lease* lease) {
    if (leases.size() < 2000) {
      leases.push_back(std::move(*lease));
    } else {
      leases.clear();
    }
  };
  Open(OptionsOf(1), second);
  SendAppends(6000, {4000, 100});
  const auto released = [&] { return b_->Describe().peers[0].leased_bytes; };
  ASSERT_TRUE(Until([&] {
    return raft_b_.WaitFor([&] { return raft_b_.messages.size() == sent_; },
                           std::chrono::milliseconds(10)) ||
           released() >= second.leased_bytes_max;
  }));
  EXPECT_EQ(a_->Describe().peers[0].disconnects, 0u);
  b_->Stop(absl::ZeroDuration());
  leases.clear();
}

TEST_F(RdmaPairTest, LargeTrafficBothWays) {
  Open();
  const TestAppend append(0, std::string(50000, 'x'));
  int accepted_b = 0;
  for (int i = 0; i < 300; ++i) {
    SendAppends(1, {50000});
    if (b_->Send(1, 0, append.view()) == SendResult::kAccepted) ++accepted_b;
  }
  ExpectAllInOrder();
  EXPECT_TRUE(raft_a_.WaitFor(
      [&] { return raft_a_.messages.size() == static_cast<size_t>(accepted_b); }, kPatience));
}

TEST_F(RdmaPairTest, CyclesLeaveNoDescriptor) {
  Open();
  a_.reset();
  b_.reset();
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 20; ++i) {
    raft_a_.up.clear();
    raft_b_.up.clear();
    Open();
    a_.reset();
    b_.reset();
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace hawser
