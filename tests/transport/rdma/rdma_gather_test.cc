// Large payload is sent from where it lies: what the NIC reads, and when the host has it back.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/cost_counters.h"
#include "tests/support/test_messages.h"
#include "tests/transport/rdma/rdma_nodes.h"

namespace hawser {
namespace {

constexpr size_t kLarge = 6000;

// Inside the NIC nothing is counted.
void PauseCosts(bool inside) { CountCosts(!inside); }

class RdmaGatherTest : public ::testing::Test {
 protected:
  RdmaGatherTest() : nodes_(std::make_unique<RdmaNodes>()), memory_(100000, 'm') {
    nodes_->b.raft.on_message = [this](const MessageView& message) {
      seen_.clear();
      for (const EntryView& entry : message.entries) seen_.emplace_back(entry.data);
    };
    // The codec knows the group, the lanes their rings.
    for (int i = 0; i < 100; ++i) SendCopy();
    place_ = *nodes_->a.rdma->host_memory()->Add(absl::MakeSpan(memory_));
  }
  ~RdmaGatherTest() override {
    if (nodes_ != nullptr) nodes_->b.raft.on_message = nullptr;
  }

  // An append whose entries are `data`.
  void Send(std::vector<absl::string_view> data, Hold hold) {
    std::vector<EntryView> entries(data.size());
    MessageView append = TestMessage(MessageType::kApp);
    append.log_term = 7;
    append.index = append.commit = index_;
    for (size_t i = 0; i < data.size(); ++i) {
      entries[i].term = 7;
      entries[i].index = ++index_;
      entries[i].data = data[i];
    }
    append.entries = entries;
    nodes_->a.Send(append, hold);
  }
  void SendCopy() {
    Send({"small"}, Hold());
    nodes_->Turns();
    nodes_->Turns();
  }
  absl::string_view In(size_t from, size_t bytes) const { return {&memory_[from], bytes}; }
  // Until what was sent is there and its completion too.
  void Arrive() {
    for (int i = 0; i < 4; ++i) nodes_->Turns();
  }
  uint64_t gathered() const { return nodes_->a.rdma->counters().gathered; }
  // The queue pair that there was is gone: no NIC reads anything for it.
  bool ReadsNothing() const { return nodes_->a.nic->counters().qps_destroyed > 0; }

  std::unique_ptr<RdmaNodes> nodes_;
  std::string memory_;
  int place_ = -1;
  HoldCounter holds_;
  uint64_t index_ = 0;
  std::vector<std::string> seen_;
};

// It reads when the frame leaves: what changed after the post is seen.
TEST_F(RdmaGatherTest, APayloadInRegisteredMemoryIsNotCopied) {
  Send({In(5000, kLarge)}, holds_.Next());
  nodes_->a.Turn();
  EXPECT_EQ(gathered(), 1u);
  memory_[5000 + 1234] = 'y';
  EXPECT_EQ(holds_.released(), 0);
  nodes_->fabric.RunFor(5000);
  nodes_->b.Turn();
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[0], In(5000, kLarge));
  EXPECT_EQ(holds_.released(), 0) << "nobody has looked for the completion";
  nodes_->a.Turn();
  EXPECT_EQ(holds_.released(), 1);
}

TEST_F(RdmaGatherTest, EachPieceOfALongPayloadIsReadWhereItIs) {
  const uint64_t requests = nodes_->a.nic->counters().send_requests;
  Send({In(100, 50000)}, holds_.Next());
  nodes_->a.Turn();
  EXPECT_EQ(nodes_->a.nic->counters().send_requests - requests, 7u);
  EXPECT_EQ(gathered(), 6u) << "the last piece is short";
  EXPECT_EQ(holds_.released(), 0);
  memory_[45000] = 'y';
  Arrive();
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[0], In(100, 50000));
  EXPECT_EQ(holds_.released(), 1);
}

TEST_F(RdmaGatherTest, EntriesInSeveralPlaces) {
  std::string other(kLarge, 'o');
  ASSERT_TRUE(nodes_->a.rdma->host_memory()->Add(absl::MakeSpan(other)).ok());
  Send({In(0, 2000), absl::string_view(other).substr(0, 2500), In(90000, 1500)}, holds_.Next());
  Arrive();
  EXPECT_EQ(gathered(), 1u);
  EXPECT_EQ(seen_, (std::vector<std::string>{std::string(2000, 'm'), std::string(2500, 'o'),
                                             std::string(1500, 'm')}));
  EXPECT_EQ(holds_.released(), 1);
}

TEST_F(RdmaGatherTest, WhatCannotBeGatheredIsCopied) {
  const std::string elsewhere(kLarge, 'e');
  const std::string half = memory_.substr(0, 3000);
  const auto expect_copied = [&](std::vector<absl::string_view> data, Hold hold) {
    std::vector<std::string> expected(data.begin(), data.end());
    Send(data, hold);
    nodes_->a.Turn();
    EXPECT_EQ(holds_.released(), hold.empty() ? 0 : 1);
    Arrive();
    EXPECT_EQ(seen_, expected);
    EXPECT_EQ(gathered(), 0u);
    holds_.Reset();
  };
  expect_copied({In(0, 4000)}, holds_.Next());                         // small
  expect_copied({In(0, kLarge)}, Hold());                              // copied by Send
  expect_copied({elsewhere}, holds_.Next());                           // not registered
  expect_copied({In(0, 3000), half}, holds_.Next());                   // in part
  expect_copied({In(0, 1500), In(0, 1500), In(0, 1500), In(0, 1500)},  // too many
                holds_.Next());
  nodes_->a.rdma->host_memory()->Remove(place_);
  expect_copied({In(0, kLarge)}, holds_.Next());  // no longer registered
}

// Small messages around large ones keep their order.
TEST_F(RdmaGatherTest, LargeAndSmallInOrder) {
  std::vector<size_t> sizes;
  nodes_->b.raft.on_message = [&](const MessageView& message) {
    sizes.push_back(message.entries[0].data.size());
  };
  std::vector<size_t> expected;
  for (const size_t bytes : {10, 6000, 20, 30, 20000, 40, 7000, 8000, 50}) {
    Send({In(0, bytes)}, holds_.Next());
    expected.push_back(bytes);
  }
  for (int i = 0; i < 20; ++i) nodes_->Turns();
  EXPECT_EQ(sizes, expected);
  EXPECT_EQ(holds_.released(), 9);
  EXPECT_EQ(gathered(), 1 + 2 + 1 + 1u);
}

TEST_F(RdmaGatherTest, NoAllocationNoLockAndNoRegistration) {
  if (!CountsCosts()) GTEST_SKIP() << "sanitizers have an allocator and locks of their own";
  EntryView entry;
  entry.term = 7;
  entry.data = In(0, kLarge);
  MessageView append = TestMessage(MessageType::kApp);
  append.log_term = 7;
  append.entries = absl::MakeConstSpan(&entry, 1);
  nodes_->b.raft.on_message = nullptr;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      append.index = append.commit = index_++;
      entry.index = index_;
      nodes_->a.nic->inside = PauseCosts;
      CountCosts(true);
      nodes_->a.Send(append, holds_.Next());
      nodes_->a.Turn();
      CountCosts(false);
      nodes_->a.nic->inside = nullptr;
      Arrive();
    }
  };
  rounds(200);
  const uint64_t registrations = nodes_->a.nic->counters().registrations;
  TakeCosts();
  rounds(400);
  const Costs costs = TakeCosts();
  EXPECT_EQ(costs.allocations, 0u);
  EXPECT_EQ(costs.locks, 0u);
  EXPECT_EQ(nodes_->a.nic->counters().registrations, registrations);
  EXPECT_EQ(gathered(), 600u);
  EXPECT_EQ(holds_.released(), 600);
}

// --- Every ending: the host has its memory back once, and not before no NIC reads it ---

class RdmaGatherEndTest : public RdmaGatherTest {
 protected:
  // Frames that the wire swallows, of three messages; one more waits in its lane, half sent.
  void SendIntoTheVoid() {
    nodes_->fabric.Cut("10.0.0.1", "10.0.0.2", true);
    for (int i = 0; i < 3; ++i) Send({In(0, kLarge)}, holds_.Next());
    Send({In(0, 90000)}, holds_.Next());
    nodes_->a.Turn();
    EXPECT_GE(gathered(), 4u);
    EXPECT_EQ(holds_.released(), 0);
  }
  // Runs until the Holds came back; they must not while there is a queue pair.
  void ExpectAllBackAfterTheQueuePair() {
    for (int i = 0; i < 100000 && holds_.released() < 4; ++i) {
      nodes_->Turns(100);
      ASSERT_TRUE(ReadsNothing() || holds_.released() == 0);
    }
    EXPECT_EQ(holds_.released(), 4);
    EXPECT_TRUE(ReadsNothing());
    for (int i = 0; i < 100; ++i) nodes_->Turns(1000);
    EXPECT_EQ(holds_.released(), 4);
  }
};

TEST_F(RdmaGatherEndTest, TheLinkIsLost) {
  SendIntoTheVoid();
  ExpectAllBackAfterTheQueuePair();
  EXPECT_EQ(nodes_->a.raft.outages, 1u);
}

TEST_F(RdmaGatherEndTest, ThePeerIsRemoved) {
  SendIntoTheVoid();
  nodes_->a.RemovePeer();
  EXPECT_EQ(holds_.released(), 0);
  ExpectAllBackAfterTheQueuePair();
}

TEST_F(RdmaGatherEndTest, TheTransportStops) {
  SendIntoTheVoid();
  nodes_->a.Stop();
  EXPECT_EQ(holds_.released(), 4);
  EXPECT_TRUE(ReadsNothing());
}

TEST_F(RdmaGatherEndTest, TheDeviceIsRemoved) {
  SendIntoTheVoid();
  nodes_->a.nic->RaiseCm(RDMA_CM_EVENT_DEVICE_REMOVAL);
  ExpectAllBackAfterTheQueuePair();
}

// Against the rules: the memory goes while it is read. The link fails, no more.
TEST_F(RdmaGatherEndTest, MemoryIsUnregisteredTooSoon) {
  Send({In(0, kLarge)}, holds_.Next());
  nodes_->a.Turn();
  nodes_->a.rdma->host_memory()->Remove(place_);
  for (int i = 0; i < 10000 && holds_.released() < 1; ++i) nodes_->Turns(100);
  EXPECT_EQ(holds_.released(), 1);
  EXPECT_EQ(nodes_->a.raft.outages, 1u);
}

}  // namespace
}  // namespace hawser
