// Nonsense over real gRPC: each kind has its reason, is counted, and disturbs nobody else.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/raw_grpc.h"
#include "tests/support/recording_raft.h"
#include "tests/support/resident_bytes.h"
#include "tests/support/test_messages.h"
#include "tests/support/wait_until.h"
#include "transport/transport.h"

namespace hawser {
namespace {

constexpr char kAddressOfNode1[] = "HAWSER_ADDRESS_OF_NODE_1";

Options OptionsOf(NodeId node) {
  Options options;
  options.node_id = node;
  options.cluster_id = "test";
  options.hello_timeout_ms = 2000;
  options.hello_connections_max = 100;
  options.redial_delay_ms_max = 100;  // the higher id does not wait long either
  options.peer_silent_ms = 10000;
  return options;
}

// Node 1, which is told nonsense, and node 2, its good peer.
class BadInputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    a_ = *Transport::Create(OptionsOf(1), &raft_a_);
    b_ = *Transport::Create(OptionsOf(2), &raft_b_);
    ASSERT_TRUE(a_->AddPeer(2, {b_->listen_address()}).ok());
    ASSERT_TRUE(b_->AddPeer(1, {a_->listen_address()}).ok());
    ASSERT_TRUE(a_->Start().ok());
    ASSERT_TRUE(b_->Start().ok());
    ASSERT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  }

  void TearDown() override {
    const size_t before = raft_b_.MessageCount();
    ASSERT_EQ(a_->Send(2, 0, TestAppend(77).view()), SendResult::kAccepted);
    EXPECT_TRUE(
        raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == before + 1; }));
    for (const PeerStatus& peer : a_->Describe().peers) {
      EXPECT_TRUE(peer.node != 2 || peer.connects == 1) << "the good peer was disturbed";
    }
  }

  uint64_t Refused(CloseReason reason) { return a_->Describe().refused[static_cast<int>(reason)]; }

  // `bytes` are the first gRPC message of a connection to node 1.
  void ExpectRefused(CloseReason reason, absl::string_view bytes) {
    const uint64_t before = Refused(reason);
    RawGrpcClient client(a_->listen_address());
    ASSERT_TRUE(client.Start());
    ASSERT_TRUE(client.Write(bytes));
    EXPECT_STREQ(CloseReasonName(client.ReadGoaway()), CloseReasonName(reason));
    const grpc::Status status = client.Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(Refused(reason), before + 1);
  }

  // A node with `options` dials node 1, which it believes to be node `believed`, and is refused.
  void ExpectNodeRefused(const Options& options, NodeId believed, CloseReason reason) {
    RecordingRaft raft;
    auto node = *Transport::Create(options, &raft);
    ASSERT_TRUE(node->AddPeer(believed, {a_->listen_address()}).ok());
    ASSERT_TRUE(node->Start().ok());
    ASSERT_TRUE(raft.WaitFor([&](const Recorded& seen) { return !seen.refusals.empty(); }));
    EXPECT_STREQ(CloseReasonName(raft.Seen().refusals[0]), CloseReasonName(reason));
    EXPECT_GE(Refused(reason), 1u);
    const PeerStatus status = node->Describe().peers[0];
    EXPECT_NE(status.state, PeerState::kUp);
    EXPECT_FALSE(status.reason_text.empty());
  }

  static std::string HelloTo1(const std::function<void(Hello*)>& change) {
    Hello hello = RawHello(3, 1, 4711);
    change(&hello);
    return FramesMessage({RawControlFrame(FrameType::kHello, EncodeHello(hello))});
  }

  RecordingRaft raft_a_;
  RecordingRaft raft_b_;
  std::unique_ptr<Transport> a_;
  std::unique_ptr<Transport> b_;
};

TEST_F(BadInputTest, GarbageBytes) {
  ExpectRefused(CloseReason::kBadFrame, "this is no protobuf message at all");
}

TEST_F(BadInputTest, EmptyMessage) { ExpectRefused(CloseReason::kBadFrame, ""); }

TEST_F(BadInputTest, HalfAFramesMessage) {
  const std::string message = HelloTo1([](Hello*) {});
  ExpectRefused(CloseReason::kBadFrame, message.substr(0, message.size() / 2));
}

TEST_F(BadInputTest, EmptyFrame) { ExpectRefused(CloseReason::kBadFrame, FramesMessage({""})); }

TEST_F(BadInputTest, FrameOverTheLimit) {
  ExpectRefused(CloseReason::kFrameTooLarge, FramesMessage({std::string(200 * 1024, 'f')}));
}

TEST_F(BadInputTest, MessageOverTheLimitOfGrpc) {
  RawGrpcClient client(a_->listen_address());
  ASSERT_TRUE(client.Start());
  client.Write(FramesMessage({std::string(3 * 1024 * 1024, 'f')}));
  EXPECT_EQ(client.ReadGoaway(), CloseReason::kNone);
  EXPECT_FALSE(client.Finish().ok());
  EXPECT_TRUE(WaitUntil([&] { return Refused(CloseReason::kLinkError) == 1; }));
}

TEST_F(BadInputTest, UnknownMethod) {
  RawGrpcClient client(a_->listen_address(), "/hawser.transport.v1.Transport/Nothing");
  client.Start();
  EXPECT_EQ(client.ReadGoaway(), CloseReason::kNone);
  const grpc::Status status = client.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_NE(status.error_message().find(kStreamMethod), std::string::npos);
}

TEST_F(BadInputTest, HelloOfAStranger) {
  ExpectRefused(CloseReason::kUnknownPeer, HelloTo1([](Hello*) {}));
  ExpectRefused(CloseReason::kWrongCluster, HelloTo1([](Hello* h) { h->cluster_id = "x"; }));
  ExpectRefused(CloseReason::kWrongNode, HelloTo1([](Hello* h) { h->to_node_id = 9; }));
  ExpectRefused(CloseReason::kOwnId, HelloTo1([](Hello* h) { h->node_id = 1; }));
  ExpectRefused(CloseReason::kVersionMismatch,
                HelloTo1([](Hello* h) { h->wire_version_min = h->wire_version_max = 7; }));
  ExpectRefused(CloseReason::kBadHello, HelloTo1([](Hello* h) { h->incarnation = 0; }));
}

TEST_F(BadInputTest, NodeOfAnotherCluster) {
  Options options = OptionsOf(3);
  options.cluster_id = "other";
  ExpectNodeRefused(options, 1, CloseReason::kWrongCluster);
}

TEST_F(BadInputTest, NodeThatIsNoPeer) {
  ExpectNodeRefused(OptionsOf(3), 1, CloseReason::kUnknownPeer);
}

TEST_F(BadInputTest, NodeThatWasRemoved) {
  raft_a_.removed_node = 3;
  ExpectNodeRefused(OptionsOf(3), 1, CloseReason::kPeerRemoved);
}

TEST_F(BadInputTest, AnotherNodeAnswersAtTheAddress) {
  ExpectNodeRefused(OptionsOf(3), 9, CloseReason::kWrongNode);
}

// Node 1 dials somebody who answers nonsense.
TEST_F(BadInputTest, NonsenseAsAnAnswer) {
  const struct {
    std::string answer;
    CloseReason reason;
  } cases[] = {
      {"no protobuf", CloseReason::kBadFrame},
      {FramesMessage({RawControlFrame(FrameType::kAck, "")}), CloseReason::kBadHello},
      {FramesMessage({RawControlFrame(FrameType::kHello, EncodeHello(RawHello(8, 1, 1)))}),
       CloseReason::kWrongNode},
      {"", CloseReason::kHelloTimeout},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(CloseReasonName(c.reason));
    RawGrpcServer server(c.answer);
    ASSERT_TRUE(a_->AddPeer(3, {server.address()}).ok());
    const auto reason = [&] {
      for (const PeerStatus& peer : a_->Describe().peers) {
        if (peer.node == 3) return peer.reason;
      }
      return CloseReason::kNone;
    };
    EXPECT_TRUE(WaitUntil([&] { return reason() == c.reason; })) << CloseReasonName(reason());
    ASSERT_TRUE(a_->RemovePeer(3).ok());
  }
}

TEST_F(BadInputTest, HundredConnectionsThatNeverSayHello) {
  const size_t resident_before = ResidentBytes();
  std::vector<std::unique_ptr<RawGrpcClient>> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(std::make_unique<RawGrpcClient>(a_->listen_address()));
    ASSERT_TRUE(silent.back()->Start()) << i;
  }
  for (const auto& client : silent) {
    EXPECT_STREQ(CloseReasonName(client->ReadGoaway()), "hello_timeout");
  }
  EXPECT_EQ(Refused(CloseReason::kHelloTimeout), 100u);
  // Both ends of a hundred connections are in here.
  EXPECT_LT(ResidentBytes() - resident_before, size_t{256} * 1024 * 1024);
}

// Not a test by itself: the process that PeerKilledMidStream kills.
TEST(DISABLED_Victim, SendsUntilItIsKilled) {
  RecordingRaft raft;
  auto node = *Transport::Create(OptionsOf(3), &raft);
  ASSERT_TRUE(node->AddPeer(1, {getenv(kAddressOfNode1)}).ok());
  ASSERT_TRUE(node->Start().ok());
  for (uint64_t i = 0;; ++i) {
    if (node->Send(1, 0, TestAppend(i, std::string(50000, 'v')).view()) != SendResult::kAccepted) {
      usleep(1000);
    }
  }
}

pid_t StartVictim(const std::string& address) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  setenv(kAddressOfNode1, address.c_str(), 1);
  execl("/proc/self/exe", "bad_input_test", "--gtest_also_run_disabled_tests",
        "--gtest_filter=DISABLED_Victim.*", nullptr);
  _exit(1);
}

TEST_F(BadInputTest, PeerKilledMidStream) {
  ASSERT_TRUE(a_->AddPeer(3, {}).ok());
  const pid_t victim = StartVictim(a_->listen_address());
  ASSERT_GT(victim, 0);
  const bool came =
      raft_a_.WaitFor([&](const Recorded& seen) { return seen.messages.size() > 100; });
  for (int i = 0; i < 1000; ++i) a_->Send(3, 0, TestAppend(i).view());
  kill(victim, SIGKILL);
  int status = 0;
  waitpid(victim, &status, 0);
  ASSERT_TRUE(came);
  ASSERT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return seen.unreachable == 1; }));
  EXPECT_EQ(raft_a_.Seen().downs, std::vector<CloseReason>{CloseReason::kLinkError});
  const PeerStatus peer = a_->Describe().peers[1];
  EXPECT_EQ(peer.node, 3u);
  EXPECT_EQ(peer.ledger.in_flight.messages, 0u);
  EXPECT_EQ(peer.ledger.lost_total().messages, raft_a_.Seen().lost);
  EXPECT_TRUE(peer.ledger.Balanced());
}

}  // namespace
}  // namespace hawser
