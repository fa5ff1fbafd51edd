// Certificates and CA replaced while streams run.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/recording_raft.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_messages.h"
#include "tests/support/wait_until.h"
#include "transport/transport.h"

namespace hawser {
namespace {

// A node whose certificates can be replaced.
struct Node {
  Node(NodeId id, const CertificateSet& set, uint32_t renew_ms = 5000, uint32_t hello_ms = 300)
      : id(id) {
    options.node_id = id;
    options.cluster_id = "test";
    options.redial_delay_ms_max = 100;
    options.peer_silent_ms = 10000;
    options.hello_timeout_ms = hello_ms;
    options.tls_reload_ms = 10;
    options.tls_renew_ms = renew_ms;
    Replace(set);
    transport = *Transport::Create(options, &raft);
  }

  void Replace(const CertificateSet& set) {
    WriteCertificates(set, "node" + std::to_string(id), &options);
  }

  PeerStatus Peer() { return transport->Describe().peers[0]; }

  const NodeId id;
  Options options;
  RecordingRaft raft;
  std::unique_ptr<Transport> transport;
};

void Connect(Node* a, Node* b) {
  ASSERT_TRUE(a->transport->AddPeer(b->id, {b->transport->listen_address()}).ok());
  ASSERT_TRUE(b->transport->AddPeer(a->id, {a->transport->listen_address()}).ok());
  ASSERT_TRUE(a->transport->Start().ok());
  ASSERT_TRUE(b->transport->Start().ok());
  ASSERT_TRUE(WaitUntil([&] { return a->Peer().state == PeerState::kUp; }));
}

// Waits for the `connects`th stream, and for a message on it.
void ExpectStream(Node* a, Node* b, uint64_t connects) {
  ASSERT_TRUE(WaitUntil([&] {
    return a->Peer().connects >= connects && a->Peer().state == PeerState::kUp;
  })) << a->Peer().connects;
  const size_t before = b->raft.MessageCount();
  ASSERT_TRUE(WaitUntil([&] {
    a->transport->Send(b->id, 0, TestAppend(1).view());
    return b->raft.WaitFor([&](const Recorded& seen) { return seen.messages.size() > before; },
                           std::chrono::milliseconds(50));
  }));
}

// The way an operator changes a CA: both are trusted, then the certificates change, then the old
// one goes.
TEST(TlsReloadTest, ACaIsReplacedWhileStreamsRun) {
  const TestCa old_ca("old");
  const TestCa new_ca("new");
  Node a(1, old_ca.IssueNode(1));
  Node b(2, old_ca.IssueNode(2));
  Connect(&a, &b);
  for (int step = 1; step <= 3; ++step) {
    SCOPED_TRACE(step);
    for (Node* node : {&a, &b}) {
      CertificateSet set = (step == 1 ? old_ca : new_ca).IssueNode(node->id);
      set.ca = step == 3 ? new_ca.pem() : old_ca.pem() + new_ca.pem();
      node->Replace(set);
    }
    const uint64_t before = a.Peer().connects;
    ExpectStream(&a, &b, before + 1);
  }
}

// Under load, both ways: the stream moves to its new link in order, and nothing is lost.
TEST(TlsReloadTest, NothingIsLostWhenStreamsAreRenewed) {
  const TestCa ca;
  // Handshakes wait for a core.
  Node a(1, ca.IssueNode(1), 30000, 1000);
  Node b(2, ca.IssueNode(2), 30000, 1000);
  Connect(&a, &b);
  uint64_t sent[2] = {};
  const std::string data(3000, 'd');
  const auto send = [&](int from) {
    Transport& node = *(from == 0 ? a : b).transport;
    while (node.Send(from == 0 ? 2 : 1, 0, TestAppend(sent[from], data).view()) ==
           SendResult::kAccepted) {
      ++sent[from];
      if (sent[from] % 50 == 0) break;
    }
  };
  for (const bool both : {false, true}) {
    const uint64_t before = a.Peer().connects;
    a.Replace(ca.IssueNode(1));
    if (both) b.Replace(ca.IssueNode(2));
    ASSERT_TRUE(WaitUntil([&] {
      send(0);
      send(1);
      return a.Peer().connects > before && a.Peer().disconnects == a.Peer().connects - 1;
    }));
  }
  const auto arrived = [](Node* node, uint64_t count) {
    return node->raft.WaitFor([&](const Recorded& seen) { return seen.messages.size() >= count; });
  };
  EXPECT_TRUE(arrived(&b, sent[0]));
  EXPECT_TRUE(arrived(&a, sent[1]));
  for (Node* node : {&a, &b}) {
    const Recorded seen = node->raft.Seen();
    EXPECT_EQ(seen.unreachable, 0u);
    EXPECT_EQ(seen.lost, 0u);
    EXPECT_EQ(seen.up.size(), 1u);
    EXPECT_TRUE(seen.downs.empty());
    for (size_t i = 0; i < seen.messages.size(); ++i) {
      ASSERT_EQ(seen.messages[i].index, i);
    }
  }
}

TEST(TlsReloadTest, StreamsThatTheNewCaDoesNotAllowEndWithinTheBound) {
  const TestCa old_ca("old");
  const TestCa new_ca("new");
  Node a(1, old_ca.IssueNode(1), 1000);
  Node b(2, old_ca.IssueNode(2), 1000);
  Connect(&a, &b);
  a.Replace(new_ca.IssueNode(1));
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(WaitUntil([&] { return a.Peer().disconnects == 1; }));
  // tls_renew_ms and some looks at the files, on a busy machine.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  ASSERT_TRUE(WaitUntil([&] { return a.Peer().reason == CloseReason::kUnauthenticated; }));
  EXPECT_EQ(a.Peer().connects, 1u);
  // The other one follows, and all is well again.
  b.Replace(new_ca.IssueNode(2));
  ExpectStream(&a, &b, 2);
}

TEST(TlsReloadTest, BadNewFilesDisturbNobody) {
  const TestCa ca;
  Node a(1, ca.IssueNode(1));
  Node b(2, ca.IssueNode(2));
  Connect(&a, &b);
  a.Replace(ca.IssueNode(2));
  // Longer than the renewal of good ones takes.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(2500);
  while (std::chrono::steady_clock::now() < until) {
    ASSERT_EQ(a.Peer().connects, 1u);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ExpectStream(&a, &b, 1);
}

TEST(TlsReloadTest, CreateRefusesWhatCannotWork) {
  const TestCa ca;
  RecordingRaft raft;
  Options options;
  options.node_id = 1;
  options.cluster_id = "test";
  WriteCertificates(ca.IssueNode(2), "wrong", &options);
  const auto error = [&] {
    const auto transport = Transport::Create(options, &raft);
    EXPECT_EQ(transport.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(transport.status().message());
  };
  EXPECT_EQ(error(), "tls_certificate_file: it is of node 2, but node_id is 1");
  options.tls_key_file = "/nowhere";
  EXPECT_EQ(error().find("tls_key_file: \"/nowhere\" cannot be read"), 0u);
  options.tls_key_file = "";
  EXPECT_EQ(error(), "tls_certificate_file, tls_key_file and tls_ca_file: set all three, or none");
}

}  // namespace
}  // namespace hawser
