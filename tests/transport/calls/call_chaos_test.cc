// Calls while everything goes wrong at once: each ends exactly once, is executed at most once, and
// its answer is its own. A failing run is repeated by its seed.

#include <gtest/gtest.h>

#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
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
  explicit Chaos(uint32_t seed) : random_(seed), rdma_(seed % 2 == 0) {
    for (NodeId id = 1; id <= kNodes; ++id) Begin(id);
  }

  void Run() {
    for (int step = 0; step < kSteps; ++step) {
      Step();
      cluster_.RunFor(Below(20));
      AnswerSome(Below(10));
    }
    Heal();
    for (int step = 0; step < 40; ++step) {
      cluster_.RunFor(500);
      AnswerSome(kept_.size());
    }
  }

  void Check() {
    std::map<CallStatus, int> ends;
    for (size_t number = 1; number < calls_.size(); ++number) {
      const CallRecord& call = calls_[number];
      EXPECT_EQ(call.ends, 1) << number;
      EXPECT_LE(call.executed, 1) << number;
      if (call.status == CallStatus::kOk) {
        EXPECT_EQ(call.executed, 1) << number;
      }
      if (call.status == CallStatus::kNotSent) {
        EXPECT_EQ(call.executed, 0) << number;
      }
      ++ends[call.status];
    }
    EXPECT_GT(ends[CallStatus::kOk], 0);
    EXPECT_EQ(holds_.released(), held_);
    EXPECT_EQ(cluster_.network.buffers_held(), 0u);
    for (NodeId from = 1; from <= kNodes; ++from) {
      for (NodeId to = 1; to <= kNodes; ++to) {
        if (from == to) continue;
        const PeerStatus status = nodes_[from]->Describe(to);
        EXPECT_EQ(status.calls_waiting, 0u);
        EXPECT_EQ(status.calls_served, 0u);
        EXPECT_EQ(status.ledger.queued.messages + status.ledger.in_flight.messages, 0u);
      }
    }
  }

 private:
  struct CallRecord {
    int ends = 0;
    int executed = 0;
    CallStatus status = CallStatus::kOk;
  };
  struct Kept {
    size_t number = 0;
    bool append = false;
    absl::optional<CallResponder> responder;
  };

  uint32_t Below(uint32_t limit) { return limit == 0 ? 0 : random_() % limit; }
  NodeId AnyNode() { return 1 + Below(kNodes); }

  void Begin(NodeId id) {
    FakeNodeParts parts;
    parts.rdma = rdma_;
    Options options = FakeOptions(id);
    options.calls_max = 100;
    options.append_queue_messages_max = 300;
    FakeNode* const node = cluster_.Add(options, parts);
    nodes_[id] = node;
    ++lives_[id];
    const absl::Status added = node->endpoints.Add(
        "work",
        [this](const Caller&, absl::string_view request, Lease, CallResponder responder) {
          size_t number = 0;
          ASSERT_TRUE(absl::SimpleAtoi(request.substr(0, request.find(' ')), &number));
          Execute(number, /*append=*/false, std::move(responder));
        },
        {});
    ASSERT_TRUE(added.ok());
    node->raft.on_call_append = [this](NodeId, GroupId, const MessageView& message,
                                       CallResponder responder) {
      Execute(message.index, /*append=*/true, std::move(responder));
    };
    for (NodeId peer = 1; peer <= kNodes; ++peer) {
      if (peer != id) node->AddPeer(peer);
    }
    node->Start();
  }

  void Execute(size_t number, bool append, CallResponder responder) {
    ASSERT_LT(number, calls_.size());
    ++calls_[number].executed;
    auto kept = std::make_unique<Kept>();
    kept->number = number;
    kept->append = append;
    kept->responder.emplace(std::move(responder));
    kept_.push_back(std::move(kept));
    if (Below(3) == 0) AnswerSome(1);
  }

  // Of those that wait, in any order.
  void AnswerSome(size_t count) {
    for (; count > 0 && !kept_.empty(); --count) {
      const auto at = std::next(kept_.begin(), Below(static_cast<uint32_t>(kept_.size())));
      const std::unique_ptr<Kept> kept = std::move(*at);
      kept_.erase(at);
      if (Below(20) == 0) continue;  // unanswered
      if (Below(20) == 0) {
        std::move(*kept->responder).Fail(CallStatus::kRequestError, "no");
      } else if (kept->append) {
        std::move(*kept->responder).Reply(TestMessage(MessageType::kAppResp, kept->number));
      } else {
        std::move(*kept->responder)
            .Reply(absl::StrCat(kept->number, " ", std::string(Below(20) == 0 ? 30000 : 0, 'y')));
      }
    }
  }

  CallDone Done(size_t number, NodeId from, NodeId to, GroupId group) {
    const auto stream = std::make_tuple(from, lives_[from], to, group);
    return [this, number, stream](CallResult result) {
      CallRecord& call = calls_[number];
      ++call.ends;
      call.status = result.status;
      if (result.message != nullptr) {
        EXPECT_EQ(result.message->index, number);
        // Answers to one group come in the order of the calls.
        EXPECT_GT(number, last_answered_[stream]);
        last_answered_[stream] = number;
      } else if (result.status == CallStatus::kOk) {
        EXPECT_EQ(result.response.substr(0, result.response.find(' ')), absl::StrCat(number));
      }
      if (Below(10) == 0) cancel_ = true;
    };
  }

  void StartCalls() {
    const NodeId from = AnyNode();
    const NodeId to = AnyNode();
    if (from == to) return;
    const uint32_t count = 1 + Below(20);
    for (uint32_t i = 0; i < count; ++i) {
      const size_t number = calls_.size();
      calls_.emplace_back();
      const int64_t deadline_ms = Below(3) == 0 ? 1 + Below(200) : 0;
      CallId id = 0;
      if (Below(2) == 0) {
        const std::string request =
            absl::StrCat(number, " ", std::string(Below(30) == 0 ? 300000 : Below(2000), 'x'));
        id = nodes_[from]->Call(to, "work", request, deadline_ms, Done(number, from, to, kGroups),
                                static_cast<Lane>(Below(kLaneCount)));
      } else {
        const size_t bytes = Below(50) == 0 ? 300000 : Below(3000);
        appends_.push_back(std::make_unique<TestAppend>(number, std::string(bytes, 'c')));
        const GroupId group = Below(kGroups);
        ++held_;
        id = nodes_[from]->CallAppend(to, group, appends_.back()->view(), holds_.Next(),
                                      deadline_ms, Done(number, from, to, group));
      }
      if (Below(20) == 0 || std::exchange(cancel_, false)) nodes_[from]->Cancel(id);
    }
  }

  void Step() {
    const char* const kind = rdma_ && Below(2) == 0 ? "/rdma" : "";
    const std::string a = absl::StrCat(FakeAddress(AnyNode()), kind);
    const std::string b = absl::StrCat(FakeAddress(AnyNode()), kind);
    const uint32_t what = Below(26);
    if (what < kNetworkTroubles) {
      return MakeTrouble(&cluster_.network, what, a, b, [this](uint32_t n) { return Below(n); });
    }
    switch (what) {
      case 7:
        return ChangePeers();
      case 8:
        return SendOneWay();
      case 9:
      case 10:
        return PinLink();
      default:
        return StartCalls();
    }
  }

  void ChangePeers() {
    const NodeId id = AnyNode();
    const NodeId peer = 1 + id % kNodes;
    switch (Below(4)) {
      case 0:
        Below(2) == 0 ? nodes_[id]->Kill() : nodes_[id]->Stop();
        return Begin(id);
      case 1:
        nodes_[id]->RemovePeer(peer);
        // Numbers of calls to it begin anew.
        ++lives_[id];
        return nodes_[id]->AddPeer(peer);
      case 2:
        return nodes_[id]->DrainPeer(peer);
      default:
        return nodes_[id]->UpdatePeer(peer, {FakeAddress(peer)});
    }
  }

  // So that the two directions of a pair take different links.
  void PinLink() {
    if (!rdma_) return;
    const NodeId from = AnyNode();
    nodes_[from]->PinLink(1 + from % kNodes, Below(2) == 0 ? LinkKind::kGrpc : LinkKind::kNone);
  }

  // Messages of no call among those of calls.
  void SendOneWay() {
    const NodeId from = AnyNode();
    const NodeId to = 1 + from % kNodes;
    nodes_[from]->Send(to, Below(kGroups), TestMessage(MessageType::kAppResp, 1));
    nodes_[from]->Send(to, Below(kGroups), TestAppend(1).view());
  }

  void Heal() {
    for (const char* kind : {"", "/rdma"}) {
      std::vector<std::string> addresses;
      for (NodeId id = 1; id <= kNodes; ++id) {
        addresses.push_back(absl::StrCat(FakeAddress(id), kind));
      }
      EndTrouble(&cluster_.network, addresses);
    }
    for (NodeId a = 1; a <= kNodes; ++a) {
      for (NodeId b = 1; b <= kNodes; ++b) {
        if (a != b) nodes_[a]->UpdatePeer(b, {FakeAddress(b)});
      }
    }
  }

  std::mt19937 random_;
  const bool rdma_;
  std::deque<CallRecord> calls_{1};
  std::map<std::tuple<NodeId, uint64_t, NodeId, GroupId>, size_t> last_answered_;
  std::vector<std::unique_ptr<TestAppend>> appends_;
  HoldCounter holds_;
  int held_ = 0;
  bool cancel_ = false;
  std::map<NodeId, uint64_t> lives_;
  FakeCluster cluster_;
  std::map<NodeId, FakeNode*> nodes_;
  std::vector<std::unique_ptr<Kept>> kept_;  // They go before the nodes.
};

class CallChaosTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(CallChaosTest, EachCallEndsOnceAndIsExecutedAtMostOnce) {
  Chaos chaos(GetParam());
  chaos.Run();
  chaos.Check();
}

INSTANTIATE_TEST_SUITE_P(Seeds, CallChaosTest, ::testing::Range(0u, 64u));

}  // namespace
}  // namespace hawser
