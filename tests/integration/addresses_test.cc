// Where a peer is found: several addresses, changed ones, advertised ones, one that another member
// has taken over.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"
#include "tests/support/wait_until.h"
#include "transport/transport.h"

namespace hawser {
namespace {

// Nobody listens there.
constexpr char kNobody[] = "127.0.0.1:1";

struct Node {
  explicit Node(NodeId id, const std::string& listen = "127.0.0.1:0") : id(id) {
    options.node_id = id;
    options.cluster_id = "test";
    options.listen_address = listen;
    options.redial_delay_ms_max = 200;
    options.peer_silent_ms = 10000;
    transport = *Transport::Create(options, &raft);
  }
  const std::string& address() const { return transport->listen_address(); }
  PeerStatus Peer() { return transport->Describe().peers[0]; }

  const NodeId id;
  Options options;
  RecordingRaft raft;
  std::unique_ptr<Transport> transport;
};

void ExpectMessage(Node* from, Node* to) {
  const size_t before = to->raft.MessageCount();
  ASSERT_EQ(from->transport->Send(to->id, 0, TestAppend(1).view()), SendResult::kAccepted);
  EXPECT_TRUE(
      to->raft.WaitFor([&](const Recorded& seen) { return seen.messages.size() == before + 1; }));
}

bool IsUp(Node* node) {
  return node->raft.WaitFor([&](const Recorded& seen) { return !seen.up.empty(); });
}

TEST(AddressesTest, TheSecondAddressIsTriedWhenTheFirstFails) {
  Node a(1);
  Node b(2);
  ASSERT_TRUE(a.transport->AddPeer(2, {kNobody, b.address()}).ok());
  ASSERT_TRUE(b.transport->AddPeer(1, {}).ok());
  ASSERT_TRUE(a.transport->Start().ok());
  ASSERT_TRUE(b.transport->Start().ok());
  ASSERT_TRUE(IsUp(&a));
  ExpectMessage(&a, &b);
  ExpectMessage(&b, &a);
}

TEST(AddressesTest, NamesAreResolved) {
  Node a(1);
  Node b(2);
  const std::string port = b.address().substr(b.address().rfind(':'));
  ASSERT_TRUE(a.transport->AddPeer(2, {"localhost" + port}).ok());
  ASSERT_TRUE(b.transport->AddPeer(1, {}).ok());
  ASSERT_TRUE(a.transport->Start().ok());
  ASSERT_TRUE(b.transport->Start().ok());
  ASSERT_TRUE(IsUp(&a));
}

TEST(AddressesTest, NewAddressesAreDialledAtOnce) {
  Node a(1);
  Node b(2);
  ASSERT_TRUE(a.transport->AddPeer(2, {kNobody}).ok());
  ASSERT_TRUE(b.transport->AddPeer(1, {}).ok());
  ASSERT_TRUE(a.transport->Start().ok());
  ASSERT_TRUE(b.transport->Start().ok());
  ASSERT_TRUE(WaitUntil([&] { return a.Peer().reason == CloseReason::kLinkError; }));
  ASSERT_TRUE(a.transport->UpdatePeer(2, {b.address()}).ok());
  ASSERT_TRUE(IsUp(&a));
  ExpectMessage(&a, &b);
}

// A stream that is up does not care about the addresses; the next one uses the new ones.
TEST(AddressesTest, AStreamSurvivesAChangeOfAddresses) {
  Node a(1);
  auto b = std::make_unique<Node>(2);
  ASSERT_TRUE(a.transport->AddPeer(2, {b->address()}).ok());
  ASSERT_TRUE(b->transport->AddPeer(1, {}).ok());
  ASSERT_TRUE(a.transport->Start().ok());
  ASSERT_TRUE(b->transport->Start().ok());
  ASSERT_TRUE(IsUp(&a));
  auto elsewhere = std::make_unique<Node>(2);
  ASSERT_TRUE(elsewhere->transport->AddPeer(1, {}).ok());
  ASSERT_TRUE(a.transport->UpdatePeer(2, {elsewhere->address()}).ok());
  ExpectMessage(&a, b.get());
  EXPECT_EQ(a.Peer().connects, 1u);
  // The member moves: its new process answers at the new address.
  b.reset();
  ASSERT_TRUE(elsewhere->transport->Start().ok());
  ASSERT_TRUE(a.raft.WaitFor([&](const Recorded& seen) { return seen.up.size() == 2; }));
  ExpectMessage(&a, elsewhere.get());
}

// Node 3 was started where node 2 used to be.
TEST(AddressesTest, AnAddressThatAnotherMemberHasNow) {
  Node a(1);
  auto b = std::make_unique<Node>(2);
  const std::string address = b->address();
  ASSERT_TRUE(a.transport->AddPeer(2, {address}).ok());
  ASSERT_TRUE(b->transport->AddPeer(1, {}).ok());
  ASSERT_TRUE(a.transport->Start().ok());
  ASSERT_TRUE(b->transport->Start().ok());
  ASSERT_TRUE(IsUp(&a));
  b.reset();
  Node c(3, address);
  ASSERT_TRUE(c.transport->AddPeer(1, {}).ok());
  ASSERT_TRUE(c.transport->Start().ok());
  EXPECT_TRUE(WaitUntil([&] { return a.Peer().reason == CloseReason::kWrongNode; }))
      << CloseReasonName(a.Peer().reason) << ": " << a.Peer().reason_text;
  EXPECT_EQ(a.Peer().connects, 1u);
  EXPECT_EQ(c.raft.MessageCount(), 0u);
  // Node 2 is found again where it is now.
  Node moved(2);
  ASSERT_TRUE(moved.transport->AddPeer(1, {}).ok());
  ASSERT_TRUE(moved.transport->Start().ok());
  ASSERT_TRUE(a.transport->UpdatePeer(2, {moved.address()}).ok());
  ASSERT_TRUE(a.raft.WaitFor([&](const Recorded& seen) { return seen.up.size() == 2; }));
  ExpectMessage(&a, &moved);
}

TEST(AddressesTest, AddressesThatCannotBeAreRefused) {
  Node a(1);
  for (const char* address : {"", "host", "host:", "host:x", "host:65536", "127.0.0.1:0", "::1:5",
                              "10.0.0.1:7000", "0.0.0.0:7000", "example.com:7000"}) {
    EXPECT_EQ(a.transport->AddPeer(2, {address}).code(), absl::StatusCode::kInvalidArgument)
        << address;
  }
  ASSERT_TRUE(a.transport->AddPeer(2, {"127.0.0.1:7000"}).ok());
  EXPECT_EQ(a.transport->UpdatePeer(2, {"nonsense"}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(a.transport->UpdatePeer(3, {"127.0.0.1:7000"}).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace hawser
