// The front door: what each call refuses, and how it says so.

#include "transport/transport.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

Options GoodOptions() {
  Options options;
  options.node_id = 1;
  options.cluster_id = "test";
  return options;
}

// The words of `status` contain each of `parts`: what is wrong, and what to do.
void ExpectSays(const absl::Status& status, absl::StatusCode code,
                const std::vector<std::string>& parts) {
  EXPECT_EQ(status.code(), code) << status;
  for (const std::string& part : parts) {
    EXPECT_NE(status.message().find(part), absl::string_view::npos)
        << "\"" << part << "\" is not in: " << status;
  }
}

class TransportTest : public ::testing::Test {
 protected:
  // An address that nobody answers at.
  static constexpr char kNobody[] = "127.0.0.1:1";

  void Create(const Options& options = GoodOptions()) {
    auto transport = Transport::Create(options, &raft_);
    ASSERT_TRUE(transport.ok()) << transport.status();
    transport_ = *std::move(transport);
  }
  SendResult SendVote(NodeId node) {
    return transport_->Send(node, 0, TestMessage(MessageType::kVote), holds_.Next());
  }

  RecordingRaft raft_;
  HoldCounter holds_;
  std::unique_ptr<Transport> transport_;
};

TEST_F(TransportTest, OptionsOutOfRange) {
  const auto create = [&](void (*change)(Options*)) {
    Options options = GoodOptions();
    change(&options);
    return Transport::Create(options, &raft_).status();
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  ExpectSays(create([](Options* o) { o->node_id = 0; }), kInvalid, {"node_id", "from 1"});
  ExpectSays(create([](Options* o) { o->cluster_id = ""; }), kInvalid, {"cluster_id"});
  ExpectSays(create([](Options* o) { o->cluster_id = "a b"; }), kInvalid, {"cluster_id", "a b"});
  ExpectSays(create([](Options* o) { o->ack_delay_ms = 0; }), kInvalid, {"ack_delay_ms", "0 ms"});
  ExpectSays(create([](Options* o) { o->peers_max = 1000000; }), kInvalid,
             {"peers_max", "1000000"});
  ExpectSays(create([](Options* o) { o->grpc_frame_bytes_max = 100; }), kInvalid,
             {"grpc_frame_bytes_max", "100 bytes"});
  ExpectSays(create([](Options* o) { o->receive_window_bytes = 64 * 1024; }), kInvalid,
             {"receive_window_bytes"});
  ExpectSays(create([](Options* o) { o->listen_address = "nowhere"; }), kInvalid,
             {"nowhere", "host:port"});
  ExpectSays(create([](Options* o) { o->listen_address = "0.0.0.0:0"; }), kInvalid,
             {"0.0.0.0:0", "allow_insecure_network"});
  ExpectSays(create([](Options* o) { o->advertised_addresses = {"127.0.0.1:0"}; }), kInvalid,
             {"port 0"});
}

TEST_F(TransportTest, RdmaIsRefusedWithTheReason) {
  Options options = GoodOptions();
  options.link_policy = LinkPolicy::kRdma;
  options.rdma_listen_address = "127.0.0.1:0";  // Never an RDMA device's.
  ExpectSays(Transport::Create(options, &raft_).status(), absl::StatusCode::kFailedPrecondition,
             {"link_policy is kRdma", "there is no RDMA"});
  options = GoodOptions();
  options.rdma_security = RdmaSecurity::kAead;
  ExpectSays(Transport::Create(options, &raft_).status(), absl::StatusCode::kUnimplemented,
             {"rdma_security", "not built", "kMac"});
}

TEST_F(TransportTest, PortInUse) {
  Create();
  Options options = GoodOptions();
  options.node_id = 2;
  options.listen_address = transport_->listen_address();
  ExpectSays(Transport::Create(options, &raft_).status(), absl::StatusCode::kUnavailable,
             {options.listen_address, "in use"});
}

TEST_F(TransportTest, AddressOfAnotherMachine) {
  Options options = GoodOptions();
  options.listen_address = "192.0.2.1:7001";
  options.allow_insecure_network = true;
  ExpectSays(Transport::Create(options, &raft_).status(), absl::StatusCode::kUnavailable,
             {"192.0.2.1:7001", "not of this machine"});
}

TEST_F(TransportTest, AddPeerRefuses) {
  Options options = GoodOptions();
  options.peers_max = 2;
  Create(options);
  const auto add = [&](NodeId node, const char* address) {
    return transport_->AddPeer(node, {address});
  };
  ExpectSays(add(0, kNobody), absl::StatusCode::kInvalidArgument, {"node 0"});
  ExpectSays(add(1, kNobody), absl::StatusCode::kInvalidArgument, {"node 1", "itself"});
  ExpectSays(add(2, "127.0.0.1"), absl::StatusCode::kInvalidArgument, {"no port"});
  ExpectSays(add(2, "127.0.0.1:99999"), absl::StatusCode::kInvalidArgument, {"port"});
  ExpectSays(add(2, "127.0.0.1:0"), absl::StatusCode::kInvalidArgument, {"port 0"});
  ExpectSays(add(2, ""), absl::StatusCode::kInvalidArgument, {"host:port"});
  ExpectSays(add(2, "example.org:7001"), absl::StatusCode::kInvalidArgument,
             {"loopback", "allow_insecure_network"});
  EXPECT_TRUE(add(2, kNobody).ok());
  ExpectSays(add(2, kNobody), absl::StatusCode::kAlreadyExists, {"node 2", "UpdatePeer"});
  EXPECT_TRUE(transport_->AddPeer(3, {}).ok());
  ExpectSays(add(4, kNobody), absl::StatusCode::kResourceExhausted, {"peers_max"});
  EXPECT_TRUE(transport_->RemovePeer(3).ok());
  EXPECT_TRUE(add(4, kNobody).ok());
}

TEST_F(TransportTest, UnknownPeerIsNotFound) {
  Create();
  ExpectSays(transport_->UpdatePeer(9, {kNobody}), absl::StatusCode::kNotFound, {"node 9"});
  ExpectSays(transport_->RemovePeer(9), absl::StatusCode::kNotFound, {"node 9"});
  ExpectSays(transport_->DrainPeer(9), absl::StatusCode::kNotFound, {"node 9"});
  ExpectSays(transport_->PinLink(9, LinkKind::kGrpc), absl::StatusCode::kNotFound, {"node 9"});
  ASSERT_TRUE(transport_->AddPeer(2, {kNobody}).ok());
  ExpectSays(transport_->UpdatePeer(2, {"nonsense"}), absl::StatusCode::kInvalidArgument,
             {"nonsense"});
  EXPECT_TRUE(transport_->UpdatePeer(2, {"127.0.0.1:2"}).ok());
}

TEST_F(TransportTest, PinsToLinksThatThereAreNot) {
  Create();
  ASSERT_TRUE(transport_->AddPeer(2, {kNobody}).ok());
  ExpectSays(transport_->PinLink(2, LinkKind::kRdma), absl::StatusCode::kFailedPrecondition,
             {"this node has no rdma"});
  ExpectSays(transport_->PinLink(2, LinkKind::kFake), absl::StatusCode::kInvalidArgument,
             {"only grpc and rdma"});
  EXPECT_TRUE(transport_->PinLink(2, LinkKind::kGrpc).ok());
  EXPECT_TRUE(transport_->PinLink(2, LinkKind::kNone).ok());
}

TEST_F(TransportTest, SendBeforeStartAndAfterStop) {
  Create();
  ASSERT_TRUE(transport_->AddPeer(2, {kNobody}).ok());
  EXPECT_EQ(SendVote(2), SendResult::kStopped);
  ASSERT_TRUE(transport_->Start().ok());
  ExpectSays(transport_->Start(), absl::StatusCode::kFailedPrecondition, {"Start"});
  transport_->Stop(absl::ZeroDuration());
  EXPECT_EQ(SendVote(2), SendResult::kStopped);
  EXPECT_EQ(holds_.released(), 0);
  ExpectSays(transport_->AddPeer(3, {kNobody}), absl::StatusCode::kFailedPrecondition, {"stopped"});
  ExpectSays(transport_->UpdatePeer(2, {kNobody}), absl::StatusCode::kFailedPrecondition,
             {"stopped"});
  transport_->Wake();
  transport_->Stop(absl::ZeroDuration());
  EXPECT_EQ(transport_->Describe().node, 1u);
}

TEST_F(TransportTest, NeverStarted) {
  Create();
  ASSERT_TRUE(transport_->AddPeer(2, {kNobody}).ok());
  EXPECT_EQ(transport_->Describe().node, 1u);
}

TEST_F(TransportTest, SendToUnknownOwnAndZero) {
  Create();
  ASSERT_TRUE(transport_->Start().ok());
  EXPECT_EQ(SendVote(0), SendResult::kUnknownPeer);
  EXPECT_EQ(SendVote(1), SendResult::kUnknownPeer);
  EXPECT_EQ(SendVote(7), SendResult::kUnknownPeer);
  EXPECT_EQ(holds_.released(), 0);
}

// As in the example of transport.h: nothing has to run between AddPeer and Send.
TEST_F(TransportTest, SendRightAfterAddPeerIsAccepted) {
  Create();
  ASSERT_TRUE(transport_->AddPeer(2, {kNobody}).ok());
  ASSERT_TRUE(transport_->Start().ok());
  EXPECT_EQ(SendVote(2), SendResult::kAccepted);
  ASSERT_TRUE(transport_->AddPeer(3, {kNobody}).ok());
  EXPECT_EQ(SendVote(3), SendResult::kAccepted);
  transport_->Stop(absl::ZeroDuration());
  EXPECT_EQ(holds_.released(), 2);
  EXPECT_EQ(transport_->Describe().peers[0].ledger.accepted.messages, 1u);
}

TEST_F(TransportTest, NothingIsAcceptedAfterRemovePeer) {
  Create();
  ASSERT_TRUE(transport_->Start().ok());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(transport_->AddPeer(2, {kNobody}).ok());
    ASSERT_TRUE(transport_->RemovePeer(2).ok());
    ASSERT_EQ(SendVote(2), SendResult::kUnknownPeer);
  }
}

TEST_F(TransportTest, MessagesThatNoPeerMayGet) {
  Options options = GoodOptions();
  options.message_bytes_max = 64 * 1024;
  options.message_entries_max = 10;
  Create(options);
  ASSERT_TRUE(transport_->AddPeer(2, {kNobody}).ok());
  ASSERT_TRUE(transport_->Start().ok());
  const auto send = [&](const MessageView& message) {
    return transport_->Send(2, 0, message, holds_.Next());
  };
  for (int type = 0; type < 256; ++type) {
    const auto message_type = static_cast<MessageType>(type);
    if (type < kMessageTypeCount && !IsLocalOnly(message_type)) continue;
    EXPECT_EQ(send(TestMessage(message_type)), SendResult::kLocalOnlyType) << type;
  }
  EXPECT_EQ(send(TestAppend(1, std::string(64 * 1024, 'x')).view()), SendResult::kTooLarge);

  MessageView message = TestMessage(MessageType::kApp);
  const std::vector<EntryView> entries(11);
  message.entries = entries;
  EXPECT_EQ(send(message), SendResult::kTooLarge);

  message = TestMessage(MessageType::kVote);
  message.zero_fields = 1 << 4;  // term is 7
  EXPECT_EQ(send(message), SendResult::kMalformed);
  message.zero_fields = 1 << 15;  // no such field
  EXPECT_EQ(send(message), SendResult::kMalformed);

  message = TestMessage(MessageType::kApp);
  EntryView entry;
  entry.type = static_cast<EntryType>(3);
  message.entries = absl::MakeConstSpan(&entry, 1);
  EXPECT_EQ(send(message), SendResult::kMalformed);

  message = TestMessage(MessageType::kVote);
  message.unknown_fields = "\x08";  // half a field
  EXPECT_EQ(send(message), SendResult::kMalformed);
  EXPECT_EQ(holds_.released(), 0);
}

TEST_F(TransportTest, PollIsForPollMode) {
  Create();
  ASSERT_TRUE(transport_->Start().ok());
  EXPECT_EQ(transport_->Poll(absl::InfinitePast()), -1);
  EXPECT_EQ(transport_->WaitFd(), -1);
}

TEST_F(TransportTest, NamesOfSendResults) {
  EXPECT_STREQ(SendResultName(SendResult::kAccepted), "accepted");
  EXPECT_STREQ(SendResultName(SendResult::kMalformed), "malformed");
  EXPECT_STREQ(SendResultName(static_cast<SendResult>(200)), "unknown");
}

TEST_F(TransportTest, MemoryOfNoBytesIsRefused) {
  Create();
  ExpectSays(transport_->RegisterMemory({}).status(), absl::StatusCode::kInvalidArgument,
             {"no memory"});
  char memory[64];
  auto registration = transport_->RegisterMemory(absl::MakeSpan(memory));
  ASSERT_TRUE(registration.ok());
  EXPECT_FALSE((*registration)->registered());
}

}  // namespace
}  // namespace hawser
