#include "tests/integration/rdma_fixture.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "transport/rdma/rdma_provider.h"

namespace hawser {

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

std::string RdmaResources() {
  std::string text;
  FILE* pipe = popen("rdma resource 2>/dev/null", "r");
  if (pipe == nullptr) return text;
  char piece[256];
  while (std::fgets(piece, sizeof(piece), pipe) != nullptr) text += piece;
  pclose(pipe);
  return text;
}

uint64_t RdmaCounter(const std::string& name) {
  const std::string root = "/sys/class/infiniband/";
  uint64_t sum = 0;
  DIR* directory = opendir(root.c_str());
  if (directory == nullptr) return 0;
  while (const dirent* device = readdir(directory)) {
    std::ifstream file(root + device->d_name + "/ports/1/hw_counters/" + name);
    uint64_t value = 0;
    if (file >> value) sum += value;
  }
  closedir(directory);
  return sum;
}

PeerStatus OnlyPeer(Transport* transport) {
  const TransportStatus status = transport->Describe();
  return status.peers.empty() ? PeerStatus() : status.peers[0];
}

void RdmaFixture::SetUp() {
  std::string why;
  hosts_ = RdmaHosts(&why);
  if (hosts_.empty()) GTEST_SKIP() << why;
}

void RdmaFixture::TearDown() {
  a_.reset();
  b_.reset();
}

Options RdmaFixture::OptionsOf(NodeId node) const {
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

void RdmaFixture::Open(const Options& first, RaftHandler* raft_a, const Options& second,
                       RaftHandler* raft_b) {
  a_ = *Transport::Create(first, raft_a);
  b_ = *Transport::Create(second, raft_b);
  ASSERT_TRUE(a_->AddPeer(2, {b_->listen_address()}).ok());
  ASSERT_TRUE(b_->AddPeer(1, {a_->listen_address()}).ok());
  // Soft-RoCE is no faster than TCP: it would not be chosen by itself.
  ASSERT_TRUE(a_->PinLink(2, LinkKind::kRdma).ok());
  ASSERT_TRUE(b_->PinLink(1, LinkKind::kRdma).ok());
  ASSERT_TRUE(a_->Start().ok());
  ASSERT_TRUE(b_->Start().ok());
  ASSERT_TRUE(WaitUntil([&] { return On(LinkKind::kRdma); }))
      << OnlyPeer(a_.get()).rdma_text << "; " << OnlyPeer(b_.get()).rdma_text;
}

bool RdmaFixture::On(LinkKind kind) {
  const PeerStatus a = OnlyPeer(a_.get());
  const PeerStatus b = OnlyPeer(b_.get());
  return a.state == PeerState::kUp && b.state == PeerState::kUp && a.link == kind && b.link == kind;
}

}  // namespace hawser
