// Two transports in one process, over real gRPC on loopback.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/recording_raft.h"
#include "transport/transport.h"

namespace hawser {
namespace {

Options OptionsOf(NodeId node) {
  Options options;
  options.node_id = node;
  options.cluster_id = "test";
  options.peer_silent_ms = 10000;
  return options;
}

MessageView Append(uint64_t index, const EntryView* entry) {
  MessageView message;
  message.type = MessageType::kApp;
  message.from = 1;
  message.to = 2;
  message.term = 7;
  message.log_term = 7;
  message.index = index;
  message.commit = index;
  message.entries = absl::MakeConstSpan(entry, 1);
  return message;
}

// Node 1 and node 2, each other's peers, up.
class GrpcPairTest : public ::testing::Test {
 protected:
  void Open(const Options& first, const Options& second) {
    a_ = *Transport::Create(first, &raft_a_);
    b_ = *Transport::Create(second, &raft_b_);
    ASSERT_TRUE(a_->AddPeer(2, {b_->listen_address()}).ok());
    ASSERT_TRUE(b_->AddPeer(1, {a_->listen_address()}).ok());
    ASSERT_TRUE(a_->Start().ok());
    ASSERT_TRUE(b_->Start().ok());
    ASSERT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
    ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  }
  void Open() { Open(OptionsOf(1), OptionsOf(2)); }

  RecordingRaft raft_a_;
  RecordingRaft raft_b_;
  std::unique_ptr<Transport> a_;
  std::unique_ptr<Transport> b_;
};

TEST_F(GrpcPairTest, AMessageArrivesAndIsAcknowledgedInSilence) {
  Open();
  EntryView entry;
  entry.term = 7;
  entry.index = 11;
  entry.data = "payload";
  ASSERT_EQ(a_->Send(2, 5, Append(10, &entry)), SendResult::kAccepted);
  ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == 1; }));
  const Recorded seen = raft_b_.Seen();
  EXPECT_EQ(seen.messages[0].from, 1u);
  EXPECT_EQ(seen.messages[0].group, 5u);
  EXPECT_EQ(seen.messages[0].data, std::vector<std::string>{"payload"});
  // Nothing else is sent: the acknowledgement comes by itself. How long it takes is recorded, not
  // judged: peer_flow_test holds the bound in virtual time.
  const auto arrived = std::chrono::steady_clock::now();
  const auto deadline = arrived + std::chrono::seconds(10);
  Ledger ledger;
  do {
    ledger = a_->Describe().peers[0].ledger;
  } while (ledger.in_flight.messages != 0 && std::chrono::steady_clock::now() < deadline);
  const auto silence = std::chrono::steady_clock::now() - arrived;
  RecordProperty("in_flight_us",
                 std::chrono::duration_cast<std::chrono::microseconds>(silence).count());
  EXPECT_EQ(ledger.acknowledged.messages, 1u);
  EXPECT_EQ(ledger.acknowledged.bytes, 7u);
  EXPECT_TRUE(ledger.Balanced());
}

TEST_F(GrpcPairTest, TenThousandMessagesKeepTheirOrder) {
  Open();
  constexpr int kMessages = 10000;
  const std::string payload(300, 'x');
  for (int i = 0; i < kMessages; ++i) {
    EntryView entry;
    entry.term = 7;
    entry.index = i + 1;
    entry.data = payload;
    ASSERT_EQ(a_->Send(2, 0, Append(i, &entry)), SendResult::kAccepted) << i;
  }
  ASSERT_TRUE(
      raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == kMessages; }));
  const Recorded seen = raft_b_.Seen();
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(seen.messages[i].index, uint64_t(i));
}

TEST_F(GrpcPairTest, AMessageLargerThanAFrameIsJoined) {
  Open();
  std::string payload(3000000, 'x');
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * 31 >> 3);
  EntryView entry;
  entry.term = 7;
  entry.index = 1;
  entry.data = payload;
  ASSERT_EQ(a_->Send(2, 0, Append(0, &entry)), SendResult::kAccepted);
  ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == 1; }));
  EXPECT_EQ(raft_b_.Seen().messages[0].data[0], payload);
}

TEST_F(GrpcPairTest, BothWaysOverOneStream) {
  Open();
  MessageView vote;
  vote.type = MessageType::kVote;
  vote.term = 3;
  ASSERT_EQ(b_->Send(1, 0, vote), SendResult::kAccepted);
  ASSERT_EQ(a_->Send(2, 0, vote), SendResult::kAccepted);
  EXPECT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == 1; }));
  EXPECT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == 1; }));
  EXPECT_EQ(a_->Describe().peers[0].connects, 1u);
}

}  // namespace
}  // namespace hawser
