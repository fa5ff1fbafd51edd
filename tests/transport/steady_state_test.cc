// The polling thread in the steady state: nothing from the heap, and no lock, for any message.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "tests/support/cost_counters.h"
#include "tests/support/plain_link.h"
#include "tests/support/test_messages.h"
#include "transport/core.h"
#include "transport/loop.h"
#include "transport/peer_directory.h"

namespace hawser {
namespace {

class CountingRaft : public RaftHandler {
 public:
  void OnMessage(NodeId, GroupId, const MessageView&, Lease) override { ++messages; }
  void OnUnreachable(NodeId, const LossReport&) override { ++outages; }

  uint64_t messages = 0;
  uint64_t outages = 0;
};

class SetClock : public LoopClock {
 public:
  virtual ~SetClock() = default;
  int64_t NowNs() const override { return now_ns; }
  int64_t now_ns = 1000000000;
};

// A node as a host runs it that polls.
class PlainNode {
 public:
  PlainNode(NodeId id, const SetClock* clock) : directory_(OptionsOf(id)), options_(OptionsOf(id)) {
    Core::Parts parts{};
    parts.options = &options_;
    parts.handler = &raft;
    parts.directory = &directory_;
    parts.provider = &provider;
    parts.messages = &messages_;
    parts.incarnation = id;
    core_ = std::make_unique<Core>(parts);
    core_->set_now(clock->NowNs());
    loop_ = std::make_unique<Loop>(options_, core_.get(), &provider, clock);
  }
  void Start(NodeId peer) {
    gate_ = directory_.FindOrAdd(peer);
    gate_->Open();
    core_->AddPeer(gate_, {"plain"});
    loop_->Start();
  }
  void Send(const MessageView& message, Hold hold) {
    const Lane lane = LaneOfType(message.type);
    const uint64_t bytes = PayloadBytes(message);
    ASSERT_EQ(gate_->TryEnter(lane, bytes), SendResult::kAccepted);
    QueuedMessage* queued = messages_.MakeLocal(message, hold);
    queued->gate = gate_;
    queued->lane = lane;
    core_->Enqueue(queued);
  }
  void Turn() { loop_->Turn(0); }
  // Before either node is destroyed: frames that wait at one lie in memory of the other.
  void Stop() { loop_->RunDown(0); }

  CountingRaft raft;
  PlainProvider provider;

 private:
  static Options OptionsOf(NodeId id) {
    Options options;
    options.node_id = id;
    options.cluster_id = "test";
    options.loop_mode = LoopMode::kPoll;
    return options;
  }

  PeerDirectory directory_;
  const Options options_;
  MessageStore messages_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<Loop> loop_;
  PeerGate* gate_ = nullptr;
};

class SteadyStateTest : public ::testing::Test {
 protected:
  SteadyStateTest() : a_(1, &clock_), b_(2, &clock_) {
    a_.provider.other = &b_.provider;
    b_.provider.other = &a_.provider;
    b_.Start(1);
    a_.Start(2);
    for (int i = 0; i < 100; ++i) Turns();
  }

  ~SteadyStateTest() override {
    a_.Stop();
    b_.Stop();
  }

  void Turns() {
    clock_.now_ns += 50000;
    a_.Turn();
    b_.Turn();
  }
  // An append with a Hold, one that is copied, a heartbeat; their answers.
  void Round(uint64_t index) {
    entry_.index = index + 1;
    append_.index = append_.commit = heartbeat_.commit = answer_.index = index;
    a_.Send(append_, holds_.Next());
    append_.index = entry_.index++;
    a_.Send(append_, {});
    a_.Send(heartbeat_, {});
    for (int i = 0; i < 4; ++i) Turns();
    b_.Send(answer_, {});
    b_.Send(beaten_, {});
    for (int i = 0; i < 4; ++i) Turns();
  }

  const std::string data_ = std::string(64, 'x');
  EntryView entry_;
  MessageView append_ = TestMessage(MessageType::kApp);
  MessageView heartbeat_ = TestMessage(MessageType::kHeartbeat);
  MessageView answer_ = TestMessage(MessageType::kAppResp);
  MessageView beaten_ = TestMessage(MessageType::kHeartbeatResp);
  HoldCounter holds_;
  SetClock clock_;
  PlainNode a_;
  PlainNode b_;
};

TEST_F(SteadyStateTest, NoAllocationAndNoLockAMessage) {
  if (!CountsCosts()) GTEST_SKIP() << "sanitizers have an allocator and locks of their own";
  entry_.term = append_.log_term = 7;
  entry_.data = data_;
  append_.entries = absl::MakeConstSpan(&entry_, 1);
  uint64_t index = 0;
  for (int i = 0; i < 2000; ++i) Round(index += 2);
  const uint64_t before = a_.raft.messages + b_.raft.messages;
  CountCosts(true);
  for (int i = 0; i < 5000; ++i) Round(index += 2);
  const Costs costs = TakeCosts();
  EXPECT_EQ(a_.raft.messages + b_.raft.messages - before, 25000u);
  EXPECT_EQ(costs.allocations, 0u);
  EXPECT_EQ(costs.locks, 0u);
  EXPECT_EQ(a_.raft.outages + b_.raft.outages, 0u);
  EXPECT_EQ(holds_.released(), 7000);
}

// The counters count: a lock and a block of memory.
TEST_F(SteadyStateTest, CountersCount) {
  if (!CountsCosts()) GTEST_SKIP() << "sanitizers have an allocator and locks of their own";
  CountCosts(true);
  {
    std::vector<int> block(100);
    Mutex mu;
    MutexLock lock(&mu);
    ASSERT_EQ(block.size(), 100u);
  }
  const Costs costs = TakeCosts();
  EXPECT_EQ(costs.allocations, 1u);
  EXPECT_EQ(costs.locks, 1u);
}

}  // namespace
}  // namespace hawser
