// The transport's status as messages: nothing is left out, and what counts as a change.

#include "admin/stream_proto.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace hawser::admin {
namespace {

PeerStatus APeer() {
  PeerStatus peer;
  peer.node = 7;
  peer.addresses = {"10.0.0.7:7001"};
  peer.state = PeerState::kUp;
  peer.since_ms = 42;
  peer.link = hawser::LinkKind::kRdma;
  peer.links[0].kind = hawser::LinkKind::kGrpc;
  peer.links[1].kind = hawser::LinkKind::kRdma;
  peer.links[1].up = true;
  peer.links[1].remote_address = "10.1.0.7:18515";
  peer.links[1].rtt.Add(9000);
  peer.selector_state = SelectorState::kOnRdma;
  peer.link_reason = LinkReason::kRdmaBest;
  peer.send_epoch = 3;
  return peer;
}

// Each field that a reader can tell from its default; a field that is new in the .proto and not
// filled in fails here.
void ExpectFilled(const google::protobuf::Message& message) {
  const google::protobuf::Descriptor* const type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* const field = type->field(i);
    const bool filled = field->is_repeated()
                            ? message.GetReflection()->FieldSize(message, field) > 0
                            : message.GetReflection()->HasField(message, field);
    EXPECT_TRUE(filled) << field->full_name();
  }
}

TEST(StreamProtoTest, EveryFieldIsFilled) {
  PeerStatus peer = APeer();
  peer.provisional = peer.checksums = true;
  peer.reason = CloseReason::kLinkError;
  peer.reason_text = "words";
  peer.pinned = hawser::LinkKind::kGrpc;
  peer.drain = DrainState::kDraining;
  peer.draining_there = true;
  peer.rdma_text = "no device";
  peer.selector_since_ms = peer.incarnation = peer.receive_epoch = 5;
  peer.ledger.accepted = {9, 90};
  peer.ledger.lost[1] = {2, 20};
  peer.handed_over = {1, 1};
  peer.queued[0] = peer.in_flight[1] = {3, 30};
  peer.frames_unacknowledged = peer.credit_units_left = peer.leased_bytes = peer.frames_held = 6;
  peer.refused = {0, 4, 0};
  peer.codec_sent[3] = {10, 1, 100, 1000};
  peer.codec_received[4] = {1, 0, 5, 50};
  peer.frames_sent = peer.frame_bytes_sent = peer.ack_frames_sent = 11;
  peer.connects = peer.disconnects = peer.switches = peer.upgrades = peer.fallbacks = 12;
  peer.calls_waiting = peer.calls_served = peer.calls_received = peer.answers_late = 13;
  peer.calls_done[static_cast<int>(CallStatus::kNotSent)] = 14;
  peer.messages_copied_out = 15;
  Stream stream;
  FillStream(peer, &stream);
  ExpectFilled(stream);
  ExpectFilled(stream.calls());
}

TEST(StreamProtoTest, EveryFieldOfTheNodeIsFilled) {
  TransportStatus status;
  status.node = status.incarnation = 1;
  status.cluster_id = status.listen_address = "words";
  status.refused[1] = 2;
  status.endpoints.push_back({"kv.put", 1, 2, 3, 4, 5});
  Node node;
  FillNode(status, &node);
  ExpectFilled(node);
  ExpectFilled(node.endpoints(0));
}

TEST(StreamProtoTest, SumsAndSavings) {
  PeerStatus peer = APeer();
  peer.codec_sent[static_cast<int>(MessageType::kApp)] = {90, 10, 400, 5000};
  peer.codec_sent[static_cast<int>(MessageType::kHeartbeat)] = {5, 0, 10, 100};
  Stream stream;
  FillStream(peer, &stream);
  ASSERT_EQ(stream.sent().kinds_size(), 2);
  EXPECT_EQ(stream.sent().kinds(0).type(), "MsgApp");
  EXPECT_EQ(stream.sent().kinds(0).messages(), 100u);
  EXPECT_EQ(stream.sent().messages(), 105u);
  EXPECT_EQ(stream.sent().bytes_saved(), 4690);
  EXPECT_EQ(stream.received().kinds_size(), 0);
}

// A message may be larger than raftpb would have it (whole, with a tag).
TEST(StreamProtoTest, NothingSavedIsNegative) {
  PeerStatus peer = APeer();
  peer.codec_sent[0] = {0, 1, 51, 50};
  Stream stream;
  FillStream(peer, &stream);
  EXPECT_EQ(stream.sent().bytes_saved(), -1);
}

TEST(StreamProtoTest, CountersAreNoChange) {
  const std::string before = StateKey(APeer());
  PeerStatus peer = APeer();
  peer.ledger.accepted = {1000, 1000};
  peer.frames_sent = 1000;
  peer.since_ms = 1000;
  peer.links[1].rtt.Add(5000);
  EXPECT_EQ(StateKey(peer), before);
}

TEST(StreamProtoTest, StateIsAChange) {
  const std::string before = StateKey(APeer());
  const auto expect_change = [&](const char* what, void (*change)(PeerStatus*)) {
    PeerStatus peer = APeer();
    change(&peer);
    EXPECT_NE(StateKey(peer), before) << what;
  };
  expect_change("link", [](PeerStatus* p) { p->link = hawser::LinkKind::kGrpc; });
  expect_change("reason", [](PeerStatus* p) { p->link_reason = LinkReason::kPinned; });
  expect_change("state", [](PeerStatus* p) { p->state = PeerState::kSettling; });
  expect_change("epoch", [](PeerStatus* p) { ++p->send_epoch; });
  expect_change("pin", [](PeerStatus* p) { p->pinned = hawser::LinkKind::kRdma; });
  expect_change("drain", [](PeerStatus* p) { p->drain = DrainState::kDraining; });
  expect_change("other link", [](PeerStatus* p) { p->links[0].up = true; });
  expect_change("loss", [](PeerStatus* p) { p->ledger.lost[0].messages = 1; });
}

TEST(StreamProtoTest, RefusedConnectionsByReason) {
  TransportStatus status;
  status.refused[static_cast<int>(CloseReason::kWrongCluster)] = 3;
  Node node;
  FillNode(status, &node);
  ASSERT_EQ(node.refused_size(), 1);
  EXPECT_EQ(node.refused(0).reason(), "wrong_cluster");
  EXPECT_EQ(node.refused(0).count(), 3u);
}

TEST(StreamProtoTest, OnlyTwoLinksCanBePinned) {
  EXPECT_EQ(PinnableLink(LINK_GRPC), hawser::LinkKind::kGrpc);
  EXPECT_EQ(PinnableLink(LINK_RDMA), hawser::LinkKind::kRdma);
  EXPECT_EQ(PinnableLink(LINK_NONE), absl::nullopt);
  EXPECT_EQ(PinnableLink(static_cast<LinkKind>(77)), absl::nullopt);
}

}  // namespace
}  // namespace hawser::admin
