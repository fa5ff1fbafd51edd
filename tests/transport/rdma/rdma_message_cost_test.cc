// What a message on RDMA costs in all, from Send to the handler, counted on the fake NIC:
// independent of hardware, so asserted. What the links alone do: rdma_budget_test.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/cost_counters.h"
#include "tests/support/instruction_counter.h"
#include "tests/support/test_messages.h"
#include "tests/transport/rdma/rdma_nodes.h"

namespace hawser {
namespace {

// Inside the NIC nothing is counted.
void PauseCosts(bool inside) { CountCosts(!inside); }

class RdmaMessageCostTest : public ::testing::Test {
 protected:
  RdmaMessageCostTest() {
    for (uint64_t i = 0; i < 4000; ++i) Exchange(1);
    nodes_.a.nic->ResetCounters();
    nodes_.b.nic->ResetCounters();
  }

  // `count` appends of one entry, sent in one turn.
  void SendAppends(int count) {
    for (int i = 0; i < count; ++i) {
      entry_.term = append_.term = append_.log_term = 7;
      append_.index = append_.commit = index_++;
      entry_.index = index_;
      entry_.data = data_;
      append_.entries = absl::MakeConstSpan(&entry_, 1);
      nodes_.a.Send(append_);
    }
  }
  // Appends one way; an answer to the last of them the other way.
  void Exchange(int count) {
    SendAppends(count);
    nodes_.Turns();
    nodes_.Turns();
    answer_.index = index_;
    nodes_.b.Send(answer_);
    nodes_.Turns();
    nodes_.Turns();
  }
  const FakeNicCounters& leader() const { return nodes_.a.nic->counters(); }
  const FakeNicCounters& follower() const { return nodes_.b.nic->counters(); }

  RdmaNodes nodes_;
  const std::string data_ = std::string(64, 'x');
  uint64_t index_ = 0;
  EntryView entry_;
  MessageView append_ = TestMessage(MessageType::kApp);
  MessageView answer_ = TestMessage(MessageType::kAppResp);
};

TEST_F(RdmaMessageCostTest, AnAppendByItselfIsOneRequestAndItsAnswerAnother) {
  for (int i = 0; i < 3200; ++i) Exchange(1);
  EXPECT_EQ(nodes_.b.raft.messages, 7200u);
  // A ping now and then, both ways; acks and credit ride on messages.
  EXPECT_LE(leader().send_requests, 3200u * 101 / 100);
  EXPECT_LE(leader().send_doorbells, 3200u * 101 / 100);
  EXPECT_LE(follower().send_requests, 3200u * 101 / 100);
  EXPECT_LE(leader().send_completions, leader().send_requests / 32);
  EXPECT_LE(follower().receive_doorbells, leader().send_requests / 16 + 1);
  EXPECT_EQ(follower().receive_completions, leader().send_requests);
}

TEST_F(RdmaMessageCostTest, AppendsOfOneTurnShareFramesAndDoorbells) {
  for (int i = 0; i < 50; ++i) Exchange(64);
  EXPECT_EQ(nodes_.b.raft.messages, 4000u + 3200);
  EXPECT_LE(leader().send_requests, 3200u / 4);
  EXPECT_LE(leader().send_doorbells, 3200u * 7 / 100);
}

TEST_F(RdmaMessageCostTest, OneWayTrafficIsAcknowledgedSeldom) {
  for (int i = 0; i < 6400; ++i) {
    SendAppends(1);
    nodes_.Turns();
    nodes_.Turns();
  }
  // Every 64 frames or 5 ms; 5 us a turn.
  EXPECT_LE(follower().send_requests, 6400u / 64 + 16);
  EXPECT_EQ(follower().not_ready, 0u);
}

// Into its frame, which the NIC reads: what changes after Send is seen. The handler reads where the
// NIC wrote.
TEST_F(RdmaMessageCostTest, APayloadIsCopiedOnce) {
  std::string data(4000, 'x');
  HoldCounter holds;
  bool lent = false;
  std::string seen;
  nodes_.b.raft.on_message = [&](const MessageView& message) {
    seen = std::string(message.entries[0].data);
    lent = nodes_.b.nic->IsRegistered(message.entries[0].data.data());
  };
  TestAppend append(index_, data);
  MessageView view = append.view();
  entry_ = view.entries[0];
  entry_.data = data;
  view.entries = absl::MakeConstSpan(&entry_, 1);
  nodes_.a.Send(view, holds.Next());
  data[1000] = 'y';
  EXPECT_EQ(holds.released(), 0);
  nodes_.Turns();
  nodes_.Turns();
  EXPECT_EQ(holds.released(), 1);
  EXPECT_EQ(seen, data);
  EXPECT_TRUE(lent);
}

TEST_F(RdmaMessageCostTest, NoAllocationAndNoLockAMessage) {
  if (!CountsCosts()) GTEST_SKIP() << "sanitizers have an allocator and locks of their own";
  const auto rounds = [this](int count) {
    for (int i = 0; i < count; ++i) {
      SendAppends(2);
      nodes_.a.Turn();
      nodes_.b.Turn();
      CountCosts(false);
      nodes_.fabric.RunFor(5000);
      CountCosts(true);
      nodes_.a.Turn();
      nodes_.b.Turn();
      answer_.index = index_;
      nodes_.b.Send(answer_);
      nodes_.b.Turn();
    }
  };
  nodes_.a.nic->inside = nodes_.b.nic->inside = PauseCosts;
  // Rings grow to what two appends at a time need.
  rounds(100);
  const uint64_t before = nodes_.b.raft.messages;
  TakeCosts();
  rounds(3200);
  const Costs costs = TakeCosts();
  EXPECT_EQ(nodes_.b.raft.messages - before, 6400u);
  EXPECT_EQ(costs.allocations, 0u);
  EXPECT_EQ(costs.locks, 0u);
  EXPECT_EQ(nodes_.a.raft.outages + nodes_.b.raft.outages, 0u);
}

// Its pieces come from where the payload is: it is never put together.
TEST_F(RdmaMessageCostTest, AnEntryOfManySlotsNeedsNoMemoryOfItsOwn) {
  if (!CountsCosts()) GTEST_SKIP() << "sanitizers have an allocator and locks of their own";
  const std::string data(40000, 'x');
  const auto count_costs = [&](bool on) {
    nodes_.a.nic->inside = nodes_.b.nic->inside = on ? PauseCosts : nullptr;
    CountCosts(on);
  };
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      append_.index = append_.commit = index_++;
      entry_.index = index_;
      entry_.data = data;
      nodes_.a.Send(append_, Hold{[](void*) {}, nullptr});
      nodes_.a.Turn();
      // The receiver puts it together.
      count_costs(false);
      nodes_.Turns();
      nodes_.Turns();
      count_costs(true);
    }
  };
  rounds(100);
  const uint64_t before = nodes_.b.raft.messages;
  TakeCosts();
  rounds(200);
  const Costs costs = TakeCosts();
  EXPECT_EQ(nodes_.b.raft.messages - before, 200u);
  EXPECT_EQ(costs.allocations, 0u);
  EXPECT_EQ(costs.locks, 0u);
}

// While it spins. What needs the kernel is looked at once a millisecond.
TEST_F(RdmaMessageCostTest, NoSystemCallAMessage) {
  const int64_t began_ns = nodes_.fabric.now_ns();
  for (int i = 0; i < 3200; ++i) Exchange(1);
  const auto looks = static_cast<uint64_t>((nodes_.fabric.now_ns() - began_ns) / 1000000 + 1);
  EXPECT_LE(leader().system_calls, looks * 3);
  EXPECT_LE(follower().system_calls, looks * 3);
  if (!CountsCosts()) GTEST_SKIP() << "sanitizers make system calls of their own";
  const int64_t calls = CountSystemCalls([&] {
    for (int i = 0; i < 100; ++i) Exchange(1);
  });
  if (calls < 0) GTEST_SKIP() << "cannot count system calls here";
  // Two looks of both nodes, each into the descriptor that wakes them.
  EXPECT_LE(calls, 2 * 2 * 2);
}

}  // namespace
}  // namespace hawser
