// Everything at once: links that fail, stall and lag, processes that die, and the promises of
// transport.h afterwards. A failing run is repeated by its seed.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_node.h"
#include "tests/support/network_trouble.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

constexpr int kNodes = 3;
constexpr int kSteps = 400;
constexpr int kGroups = 3;

// One run of three nodes, drawn from a seed.
class Chaos {
 public:
  explicit Chaos(uint32_t seed) : random_(seed) {
    for (NodeId id = 1; id <= kNodes; ++id) Begin(id);
  }

  void Run() {
    for (int step = 0; step < kSteps; ++step) {
      Step();
      cluster_.RunFor(Below(20));
    }
    Heal();
    cluster_.RunFor(20000);
  }

  void Check() {
    for (NodeId from = 1; from <= kNodes; ++from) {
      for (NodeId to = 1; to <= kNodes; ++to) {
        if (from == to) continue;
        const PeerStatus status = nodes_[from]->Describe(to);
        EXPECT_EQ(status.state, PeerState::kUp) << from << " to " << to;
        EXPECT_EQ(status.ledger.queued.messages + status.ledger.in_flight.messages, 0u);
        EXPECT_EQ(status.ledger.acknowledged.messages + status.ledger.lost_total().messages,
                  status.ledger.accepted.messages);
        const uint64_t delivered = delivered_by_[{from, {lives_[from], to}}];
        EXPECT_LE(status.ledger.acknowledged.messages, delivered) << from << " to " << to;
      }
    }
    EXPECT_EQ(holds_.released(), accepted_);
    EXPECT_EQ(cluster_.network.buffers_held(), 0u);
    EXPECT_GT(delivered_, 0u);
  }

 private:
  uint64_t NextIndex(NodeId from) {
    life_of_.push_back(lives_[from]);
    return life_of_.size() - 1;
  }
  uint32_t Below(uint32_t limit) { return random_() % limit; }
  NodeId AnyNode() { return 1 + Below(kNodes); }

  // A process with id `id`; what it delivers is checked as it comes.
  void Begin(NodeId id) {
    FakeNode* node = cluster_.Add(id);
    nodes_[id] = node;
    const uint64_t life = ++lives_[id];
    node->raft.on_message = [this, id, life](NodeId from, GroupId group, const MessageView& message,
                                             Lease*) {
      ++delivered_;
      ++delivered_by_[{from, {life_of_[message.index], id}}];
      // Numbers rise over all lives of the sender.
      auto key = std::make_pair(std::make_pair(id, life),
                                std::make_pair(from, std::make_pair(group, message.type)));
      uint64_t& last = last_delivered_[key];
      EXPECT_GT(message.index, last) << "from " << from << " to " << id << ", group " << group;
      last = message.index;
    };
    for (NodeId peer = 1; peer <= kNodes; ++peer) {
      if (peer != id) node->AddPeer(peer);
    }
    node->Start();
  }

  void Send() {
    const NodeId from = AnyNode();
    const NodeId to = AnyNode();
    if (from == to) return;
    const int count = 1 + Below(20);
    for (int i = 0; i < count; ++i) {
      SendResult result;
      const GroupId group = Below(kGroups);
      if (Below(4) == 0) {
        const MessageView vote = TestMessage(MessageType::kVote, NextIndex(from));
        result = nodes_[from]->Send(to, group, vote, holds_.Next());
      } else {
        const size_t bytes = Below(50) == 0 ? 1000000 : Below(3000);
        kept_.push_back(std::make_unique<TestAppend>(NextIndex(from), std::string(bytes, 'c')));
        result = nodes_[from]->Send(to, group, kept_.back()->view(), holds_.Next());
      }
      accepted_ += result == SendResult::kAccepted;
    }
  }

  void Step() {
    const std::string a = FakeAddress(AnyNode());
    const std::string b = FakeAddress(AnyNode());
    const uint32_t what = Below(20);
    if (what < kNetworkTroubles) {
      return MakeTrouble(&cluster_.network, what, a, b, [this](uint32_t n) { return Below(n); });
    }
    switch (what) {
      case 7:
        return Below(4) == 0 ? Restart(AnyNode()) : Readd();
      default:
        return Send();
    }
  }

  void Restart(NodeId id) {
    if (Below(2) == 0)
      nodes_[id]->Kill();
    else
      nodes_[id]->Stop();
    Begin(id);
  }

  void Readd() {
    const NodeId id = AnyNode();
    const NodeId peer = AnyNode();
    if (id == peer) return;
    nodes_[id]->RemovePeer(peer);
    cluster_.RunFor(Below(50));
    nodes_[id]->AddPeer(peer);
  }

  void Heal() { EndTrouble(&cluster_.network, {FakeAddress(1), FakeAddress(2), FakeAddress(3)}); }

  using Receiver = std::pair<NodeId, uint64_t>;
  using Stream = std::pair<NodeId, std::pair<GroupId, MessageType>>;

  std::mt19937 random_;
  HoldCounter holds_;
  std::vector<std::unique_ptr<TestAppend>> kept_;  // what Holds keep
  FakeCluster cluster_;
  std::map<NodeId, FakeNode*> nodes_;
  std::map<NodeId, uint64_t> lives_;
  std::map<std::pair<Receiver, Stream>, uint64_t> last_delivered_;
  std::vector<uint64_t> life_of_{0};  // of the sender, by index; indexes begin at 1
  // By sender, its life, and receiver.
  std::map<std::pair<NodeId, std::pair<uint64_t, NodeId>>, uint64_t> delivered_by_;
  uint64_t delivered_ = 0;
  int accepted_ = 0;
};

class PeerChaosTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(PeerChaosTest, PromisesHold) {
  Chaos chaos(GetParam());
  chaos.Run();
  chaos.Check();
}

INSTANTIATE_TEST_SUITE_P(Seeds, PeerChaosTest, ::testing::Range(1u, 31u));

}  // namespace
}  // namespace hawser
