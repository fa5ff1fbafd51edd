// A peer in another language (python_peer.py), against a real transport.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"
#include "transport/transport.h"

namespace hawser {
namespace {

// Debian's Python, whose packages packages.txt names.
constexpr char kPython[] = "/usr/bin/python3";
constexpr int kAppends = 200;

pid_t StartPython(const std::string& arguments) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  execl("/bin/sh", "sh", "-c",
        absl::StrCat("PYTHONPATH=tests/integration exec ", kPython, " ", arguments).c_str(),
        nullptr);
  _exit(127);
}

int Wait(pid_t pid) {
  int status = -1;
  waitpid(pid, &status, 0);
  return status;
}

TEST(PythonPeerTest, ReceivesAppendsAndAcknowledgesThem) {
  if (Wait(StartPython("-c 'import grpc, google.protobuf'")) != 0) {
    GTEST_SKIP() << "python3-grpcio or python3-protobuf is not installed";
  }
  Options options;
  options.node_id = 1;
  options.cluster_id = "test";
  options.peer_silent_ms = 10000;  // an interpreter on a busy machine
  RecordingRaft raft;
  auto node = *Transport::Create(options, &raft);
  ASSERT_TRUE(node->AddPeer(2, {}).ok());
  ASSERT_TRUE(node->Start().ok());
  const pid_t python = StartPython(absl::StrCat("tests/integration/python_peer.py ",
                                                node->listen_address(), " 2 1 test ", kAppends));
  ASSERT_TRUE(raft.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  for (int i = 0; i < kAppends; ++i) {
    // Now and then one that is larger than a frame.
    const TestAppend append(i, std::string(i % 50 == 7 ? 300000 : 64, 'p'));
    ASSERT_EQ(node->Send(2, 5, append.view()), SendResult::kAccepted);
  }
  EXPECT_EQ(Wait(python), 0);
  EXPECT_TRUE(raft.WaitFor([&](const Recorded& seen) { return seen.downs.size() == 1; }));
  const std::vector<ReceivedMessage> messages = raft.Seen().messages;
  ASSERT_EQ(messages.size(), static_cast<size_t>(kAppends));
  for (int i = 0; i < kAppends; ++i) {
    EXPECT_EQ(messages[i].type, MessageType::kAppResp);
    EXPECT_EQ(messages[i].group, 5u);
    ASSERT_EQ(messages[i].index, static_cast<uint64_t>(i) + 1);
  }
  const PeerStatus peer = node->Describe().peers[0];
  EXPECT_EQ(peer.ledger.acknowledged.messages, static_cast<uint64_t>(kAppends));
  EXPECT_EQ(peer.ledger.lost_total().messages, 0u);
  EXPECT_STREQ(CloseReasonName(peer.reason), "peer_stop");
}

}  // namespace
}  // namespace hawser
