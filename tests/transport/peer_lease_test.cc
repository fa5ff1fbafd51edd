// Leases that are kept: what they may pin, and what goes on meanwhile.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

constexpr uint64_t kKiB = 1024;

class PeerLeaseTest : public ::testing::Test {
 protected:
  PeerLeaseTest() {
    Options options = FakeOptions(2);
    options.leased_bytes_max = 256 * kKiB;
    options.receive_window_bytes = 512 * kKiB;
    a_ = cluster_.Add(1);
    b_ = cluster_.Add(options);
    b_->raft.on_message = [this](NodeId, GroupId, const MessageView&, Lease* lease) {
      if (keep_) kept_.push_back(std::move(*lease));
    };
  }
  ~PeerLeaseTest() override { kept_.clear(); }

  SendResult SendAppend(size_t bytes) {
    return a_->Send(2, 0, TestAppend(++index_, std::string(bytes, 'x')).view());
  }
  void Flood() {
    for (int i = 0; i < 400; ++i) SendAppend(4000);
    cluster_.RunFor(2000);
  }

  std::vector<Lease> kept_;
  FakeCluster cluster_;
  FakeNode* a_ = nullptr;
  FakeNode* b_ = nullptr;
  bool keep_ = true;
  uint64_t index_ = 0;
};

TEST_F(PeerLeaseTest, KeptLeaseIsChargedByItsBufferUntilItGoes) {
  ASSERT_TRUE(cluster_.Connect(a_, b_));
  SendAppend(4000);
  ASSERT_TRUE(cluster_.RunUntil([&] { return kept_.size() == 1; }));
  cluster_.Settle();
  EXPECT_GE(b_->Describe(1).leased_bytes, 4000u);
  EXPECT_LE(b_->Describe(1).leased_bytes, 5000u);
  kept_.clear();
  EXPECT_EQ(b_->Describe(1).leased_bytes, 0u);
}

TEST_F(PeerLeaseTest, MessageWithoutPayloadPinsNothing) {
  ASSERT_TRUE(cluster_.Connect(a_, b_));
  ASSERT_EQ(a_->Send(2, 0, TestMessage(MessageType::kHeartbeat, 0)), SendResult::kAccepted);
  ASSERT_TRUE(cluster_.RunUntil([&] { return kept_.size() == 1; }));
  EXPECT_TRUE(kept_[0].empty());
  EXPECT_EQ(b_->Describe(1).leased_bytes, 0u);
}

TEST_F(PeerLeaseTest, CreditStopsAtTheLimitAndUrgentGoesOn) {
  ASSERT_TRUE(cluster_.Connect(a_, b_));
  Flood();
  const PeerStatus status = b_->Describe(1);
  EXPECT_GT(status.messages_copied_out, 0u);
  // The limit, and what was granted before it was reached.
  EXPECT_LE(status.leased_bytes, (256 + 512 + 128) * kKiB);
  EXPECT_GT(a_->Describe(2).ledger.queued.messages, 0u);
  const size_t before = b_->raft.messages.size();
  ASSERT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVote, 0)), SendResult::kAccepted);
  EXPECT_TRUE(cluster_.RunUntil([&] { return b_->raft.messages.size() > before; }, 20));
}

TEST_F(PeerLeaseTest, LeasesGoAndSoDoesTheRest) {
  ASSERT_TRUE(cluster_.Connect(a_, b_));
  Flood();
  ASSERT_GT(a_->Describe(2).ledger.queued.messages, 0u);
  keep_ = false;
  kept_.clear();
  EXPECT_TRUE(cluster_.RunUntil(
      [&] { return a_->Describe(2).ledger.acknowledged.messages == index_; }, 100));
  EXPECT_EQ(b_->Describe(1).leased_bytes, 0u);
}

// Each new link begins with a whole window; nothing is released meanwhile.
TEST_F(PeerLeaseTest, LinksThatAreMadeAgainAndAgainDoNotPinMore) {
  ASSERT_TRUE(cluster_.Connect(a_, b_));
  for (int i = 0; i < 10; ++i) {
    Flood();
    cluster_.network.Cut(FakeAddress(1), FakeAddress(2));
    cluster_.RunFor(3000);
    EXPECT_LE(b_->Describe(1).leased_bytes, (256 + 2 * 512 + 2 * 128) * kKiB);
  }
  EXPECT_THAT(b_->raft.downs, ::testing::Contains(CloseReason::kLeaseLimit));
  keep_ = false;
  kept_.clear();
  EXPECT_TRUE(cluster_.RunUntil([&] { return a_->Describe(2).state == PeerState::kUp; }));
  EXPECT_EQ(b_->Describe(1).leased_bytes, 0u);
}

TEST_F(PeerLeaseTest, CopiedMessageIsTheSame) {
  ASSERT_TRUE(cluster_.Connect(a_, b_));
  Flood();
  ASSERT_GT(b_->Describe(1).messages_copied_out, 0u);
  for (size_t i = 0; i < b_->raft.messages.size(); ++i) {
    ASSERT_EQ(b_->raft.messages[i].index, i + 1);
    ASSERT_EQ(b_->raft.messages[i].data.at(0), std::string(4000, 'x'));
  }
}

}  // namespace
}  // namespace hawser
