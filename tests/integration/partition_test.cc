// Two nodes on two hosts of a small network (network namespaces and a cable): cut, mended, slow.

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "bench/net_pair.h"
#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"
#include "transport/transport.h"

namespace hawser {
namespace {

using bench::NetPair;

constexpr int kPort = 7702;

Options OptionsOf(NodeId node, const std::string& host) {
  Options options;
  options.node_id = node;
  options.cluster_id = "test";
  options.listen_address = absl::StrCat(host, ":", kPort);
  options.allow_insecure_network = true;
  options.redial_delay_ms_max = 200;
  options.hello_timeout_ms = 1000;
  return options;
}

// Node 2: answers each append.
class Answerer : public RaftHandler {
 public:
  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) override {
    if (message.type != MessageType::kApp) return;
    transport->Send(from, group, TestMessage(MessageType::kAppResp, message.index));
  }
  void OnUnreachable(NodeId, const LossReport&) override {}
  Transport* transport = nullptr;
};

void RunNode2() {
  Answerer raft;
  auto transport = Transport::Create(OptionsOf(2, NetPair::kThere), &raft);
  if (!transport.ok()) return;
  raft.transport = transport->get();
  if (!(*transport)->AddPeer(1, {absl::StrCat(NetPair::kHere, ":", kPort)}).ok()) return;
  if (!(*transport)->Start().ok()) return;
  while (true) pause();
}

// Node 1 is here. The namespaces are made once, before there are other threads.
class PartitionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = NetPair::Enter(&RunNode2);
    if (made.ok()) made = (*made)->Mend().ok() ? std::move(made) : absl::UnavailableError("tc");
    if (!made.ok()) {
      why_not_ = made.status().ToString();
      return;
    }
    net_ = std::move(*made).release();
    net_->StartOther();
  }
  static void TearDownTestSuite() {
    delete net_;
    net_ = nullptr;
  }

  void SetUp() override {
    if (net_ == nullptr) GTEST_SKIP() << "no network of namespaces here: " << why_not_;
    ASSERT_TRUE(net_->Mend().ok());
    a_ = *Transport::Create(OptionsOf(1, NetPair::kHere), &raft_);
    ASSERT_TRUE(a_->AddPeer(2, {absl::StrCat(NetPair::kThere, ":", kPort)}).ok());
    ASSERT_TRUE(a_->Start().ok());
    ASSERT_TRUE(WaitUp(1));
  }

  bool WaitUp(size_t times) {
    return raft_.WaitFor([&](const Recorded& seen) { return seen.up.size() >= times; });
  }
  PeerStatus Peer() { return a_->Describe().peers[0]; }

  // From the cut until it is noticed.
  void ExpectNoticed() {
    const auto cut = std::chrono::steady_clock::now();
    ASSERT_TRUE(raft_.WaitFor([&](const Recorded& seen) { return !seen.downs.empty(); }));
    const auto silence = std::chrono::steady_clock::now() - cut;
    EXPECT_STREQ(CloseReasonName(raft_.Seen().downs[0]), "peer_silent");
    RecordProperty("noticed_after_ms",
                   std::chrono::duration_cast<std::chrono::milliseconds>(silence).count());
    // 500 ms on a machine that has nothing else to do.
    EXPECT_LT(silence, std::chrono::seconds(3));
    ASSERT_TRUE(net_->Mend().ok());
    ASSERT_TRUE(WaitUp(2));
    const size_t before = raft_.MessageCount();
    ASSERT_EQ(a_->Send(2, 0, TestAppend(77).view()), SendResult::kAccepted);
    EXPECT_TRUE(raft_.WaitFor([&](const Recorded& seen) { return seen.messages.size() > before; }));
  }

  static NetPair* net_;
  static std::string why_not_;
  RecordingRaft raft_;
  std::unique_ptr<Transport> a_;
};

NetPair* PartitionTest::net_ = nullptr;
std::string PartitionTest::why_not_;

TEST_F(PartitionTest, ACutCableIsNoticed) {
  ASSERT_TRUE(net_->CutFromHere().ok());
  ASSERT_TRUE(net_->CutFromThere().ok());
  ExpectNoticed();
}

// What we say does not arrive, though we hear the other one.
TEST_F(PartitionTest, AWayThereThatIsCutIsNoticed) {
  ASSERT_TRUE(net_->CutFromHere().ok());
  ExpectNoticed();
}

// We are heard, but do not hear.
TEST_F(PartitionTest, AWayBackThatIsCutIsNoticed) {
  ASSERT_TRUE(net_->CutFromThere().ok());
  ExpectNoticed();
}

// Under load what was on its way is settled: no append is lost and counted as acknowledged.
TEST_F(PartitionTest, WhatWasOnItsWayIsSettled) {
  const std::string data(20000, 'd');
  uint64_t index = 0;
  const auto fill = [&] {
    while (a_->Send(2, 0, TestAppend(index, data).view()) == SendResult::kAccepted) ++index;
  };
  fill();
  ASSERT_TRUE(raft_.WaitFor([&](const Recorded& seen) { return seen.messages.size() > 100; }));
  ASSERT_TRUE(net_->CutFromThere().ok());
  ASSERT_TRUE(raft_.WaitFor([&](const Recorded& seen) { return seen.unreachable == 1; }));
  ASSERT_TRUE(net_->Mend().ok());
  ASSERT_TRUE(WaitUp(2));
  a_->Stop(absl::Seconds(10));
  const PeerStatus peer = Peer();
  EXPECT_TRUE(peer.ledger.Balanced());
  EXPECT_EQ(peer.ledger.in_flight.messages, 0u);
  const Recorded seen = raft_.Seen();
  EXPECT_EQ(peer.ledger.lost_total().messages, seen.lost);
  EXPECT_GT(seen.lost, 0u);
  // Whatever was answered counts as acknowledged.
  EXPECT_GE(peer.ledger.acknowledged.messages, seen.messages.size());
}

// A slow link is full, not silent.
TEST_F(PartitionTest, ASlowLinkUnderLoadStaysUp) {
  ASSERT_TRUE(net_->Shape("40mbit").ok());
  const std::string data(60000, 'd');
  uint64_t index = 0;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (std::chrono::steady_clock::now() < until) {
    while (a_->Send(2, 0, TestAppend(index, data).view()) == SendResult::kAccepted) ++index;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const PeerStatus peer = Peer();
  EXPECT_EQ(peer.connects, 1u);
  EXPECT_EQ(peer.disconnects, 0u);
  EXPECT_GT(peer.ledger.acknowledged.bytes, 5u * 1000 * 1000);
}

}  // namespace
}  // namespace hawser
