// A peer over RDMA, in a process of its own, that is killed or frozen, and a wire that is cut. For
// the machine of tools/rdma_vm: elsewhere the tests are skipped, with the reason.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"
#include "tests/support/wait_until.h"
#include "transport/transport.h"

extern char** environ;

namespace hawser {
namespace {

// The two ports of the virtual wire.
constexpr char kHost1[] = "10.77.0.1";
constexpr char kHost2[] = "10.77.0.2";
constexpr std::chrono::seconds kPatience{60};

Options OptionsOf(NodeId node, const std::string& address) {
  Options options;
  options.node_id = node;
  options.cluster_id = "test";
  options.listen_address = address;
  options.allow_insecure_network = true;
  // Loaded machines stall for long.
  options.peer_silent_ms = 2000;
  options.hello_timeout_ms = 5000;
  options.redial_delay_ms_max = 500;
  options.rdma_retry_ms_min = 100;
  options.rdma_retry_ms_max = 1000;
  options.rdma_flaps_max = 16;
  return options;
}

// The other process: answers each append, until its input ends.
int RunNode() {
  RecordingRaft raft;
  std::unique_ptr<Transport> transport;
  raft.on_message = [&](NodeId from, GroupId group, const MessageView& message, Lease*) {
    transport->Send(from, group, TestMessage(MessageType::kAppResp, message.index));
  };
  transport = *Transport::Create(OptionsOf(2, std::string(kHost2) + ":0"), &raft);
  if (!transport->AddPeer(1, {}).ok() || !transport->PinLink(1, LinkKind::kRdma).ok() ||
      !transport->Start().ok()) {
    return 1;
  }
  std::printf("%s\n", transport->listen_address().c_str());
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  transport->Stop(absl::ZeroDuration());
  return 0;
}

// Node 2 in a process of its own.
class OtherNode {
 public:
  OtherNode() {
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    char name[] = "/proc/self/exe";
    char flag[] = "--node";
    char* const arguments[] = {name, flag, nullptr};
    posix_spawn(&pid_, name, &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    for (char byte; read(out[0], &byte, 1) == 1 && byte != '\n';) address_ += byte;
    close(out[0]);
  }
  ~OtherNode() {
    close(input_);
    Signal(SIGCONT);
    waitpid(pid_, nullptr, 0);
  }
  void Signal(int signal) { kill(pid_, signal); }
  const std::string& address() const { return address_; }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  std::string address_;
};

class RdmaFailuresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access("/sys/class/net/wire1", F_OK) != 0) {
      GTEST_SKIP() << "there is no virtual wire here: run it with tools/rdma_vm test";
    }
    other_ = std::make_unique<OtherNode>();
    a_ = *Transport::Create(OptionsOf(1, std::string(kHost1) + ":0"), &raft_);
    ASSERT_TRUE(a_->AddPeer(2, {other_->address()}).ok());
    ASSERT_TRUE(a_->PinLink(2, LinkKind::kRdma).ok()) << a_->Describe().peers.size();
    ASSERT_TRUE(a_->Start().ok());
    ASSERT_TRUE(ReachesRdma());
    ASSERT_TRUE(Answered(20));
  }
  void TearDown() override {
    a_.reset();
    other_.reset();
  }
  // Nothing when it was too busy to say.
  PeerStatus Status() {
    const TransportStatus status = a_->Describe();
    return status.peers.empty() ? PeerStatus() : status.peers[0];
  }
  bool ReachesRdma() {
    return WaitUntil([&] { return Status().link == LinkKind::kRdma; });
  }
  // Sends so many appends; all are answered.
  bool Answered(int count) {
    const size_t before = raft_.MessageCount();
    for (int i = 0; i < count; ++i) {
      const TestAppend append(sent_++, std::string(500, 'x'));
      if (!WaitUntil([&] { return a_->Send(2, 0, append.view()) == SendResult::kAccepted; })) {
        return false;
      }
    }
    return raft_.WaitFor(
        [&](const Recorded& seen) { return seen.messages.size() >= before + count; }, kPatience);
  }
  bool GoesDown() {
    return raft_.WaitFor([&](const Recorded& seen) { return !seen.downs.empty(); }, kPatience);
  }
  void FallsBackAndReturns() {
    // Idle queue pairs notice nothing: pings and messages do.
    EXPECT_TRUE(WaitUntil([&] { return Status().link == LinkKind::kGrpc; }));
    EXPECT_TRUE(Answered(100));
    Run("rdma_wire heal 1");
    ASSERT_TRUE(ReachesRdma()) << Status().rdma_text;
    EXPECT_TRUE(Answered(100));
    const PeerStatus status = Status();
    EXPECT_TRUE(status.ledger.Balanced());
    EXPECT_GE(status.fallbacks, 1u);
  }
  void Run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

  RecordingRaft raft_;
  std::unique_ptr<OtherNode> other_;
  std::unique_ptr<Transport> a_;
  uint64_t sent_ = 0;
};

TEST_F(RdmaFailuresTest, AKilledPeerIsNoticedAndItsSuccessorReached) {
  other_->Signal(SIGKILL);
  ASSERT_TRUE(GoesDown());
  other_ = std::make_unique<OtherNode>();
  ASSERT_TRUE(a_->UpdatePeer(2, {other_->address()}).ok());
  ASSERT_TRUE(ReachesRdma()) << Status().rdma_text;
  EXPECT_TRUE(Answered(100));
}

TEST_F(RdmaFailuresTest, AFrozenPeerIsGivenUpAndTakenBack) {
  other_->Signal(SIGSTOP);
  ASSERT_TRUE(GoesDown());
  other_->Signal(SIGCONT);
  ASSERT_TRUE(ReachesRdma()) << Status().rdma_text;
  EXPECT_TRUE(Answered(100));
}

// gRPC is not bound to a port and takes another way: all goes on on it.
TEST_F(RdmaFailuresTest, AWireThatLosesItsCarrier) {
  Run("rdma_wire cut 1");
  FallsBackAndReturns();
}

TEST_F(RdmaFailuresTest, AWireThatSwallowsEverything) {
  Run("rdma_wire mute 1");
  FallsBackAndReturns();
}

// The queue pair sends again what is lost: nobody above it notices more than time.
TEST_F(RdmaFailuresTest, AWireThatLosesOneFrameInAHundred) {
  Run("rdma_wire netem 1 loss 1%");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Answered(50)) << i;
  Run("rdma_wire heal 1");
  EXPECT_TRUE(Answered(50));
  const PeerStatus status = Status();
  EXPECT_TRUE(status.ledger.Balanced());
  EXPECT_EQ(status.ledger.lost_total().messages, 0u);
  EXPECT_EQ(status.disconnects, 0u);
  EXPECT_EQ(status.link, LinkKind::kRdma);
  const Recorded seen = raft_.Seen();
  for (size_t i = 0; i < seen.messages.size(); ++i) ASSERT_EQ(seen.messages[i].index, i);
}

}  // namespace
}  // namespace hawser

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--node") return hawser::RunNode();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
