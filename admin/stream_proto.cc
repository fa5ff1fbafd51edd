#include "admin/stream_proto.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace hawser::admin {
namespace {

void FillTally(const hawser::Tally& from, Tally* to) {
  to->set_messages(from.messages);
  to->set_bytes(from.bytes);
}

// Those that happened, with the name that `name_of` gives to their place.
template <typename Counts, typename NameOf>
void FillCounts(const Counts& from, NameOf name_of,
                google::protobuf::RepeatedPtrField<ReasonCount>* to) {
  for (int i = 0; i < static_cast<int>(from.size()); ++i) {
    if (from[i] == 0) continue;
    ReasonCount* const count = to->Add();
    count->set_reason(name_of(i));
    count->set_count(from[i]);
  }
}

LinkKind ProtoKind(hawser::LinkKind kind) {
  switch (kind) {
    case hawser::LinkKind::kGrpc:
      return LINK_GRPC;
    case hawser::LinkKind::kRdma:
      return LINK_RDMA;
    case hawser::LinkKind::kNone:
    case hawser::LinkKind::kFake:
      return LINK_NONE;
  }
  return LINK_NONE;
}

void FillLink(const LinkStatus& from, Link* to) {
  to->set_kind(ProtoKind(from.kind));
  to->set_up(from.up);
  to->set_remote_address(from.remote_address);
  to->set_frames_unacknowledged(from.frames_unacknowledged);
  to->set_credit_units_left(from.credit_units_left);
  Rtt* const rtt = to->mutable_rtt();
  rtt->set_count(from.rtt.count());
  rtt->set_last_us(from.rtt_us);
  rtt->set_min_us(from.rtt.min_us());
  rtt->set_p50_us(from.rtt.QuantileUs(0.5));
  rtt->set_p99_us(from.rtt.QuantileUs(0.99));
  rtt->set_max_us(from.rtt.max_us());
  for (int i = 0; i < RttHistogram::kBuckets; ++i) {
    if (from.rtt.CountIn(i) == 0) continue;
    RttBucket* const bucket = rtt->add_buckets();
    bucket->set_upper_us(RttHistogram::UpperUs(i));
    bucket->set_count(from.rtt.CountIn(i));
  }
}

void FillLedger(const hawser::Ledger& from, Ledger* to) {
  FillTally(from.accepted, to->mutable_accepted());
  FillTally(from.queued, to->mutable_queued());
  FillTally(from.in_flight, to->mutable_in_flight());
  FillTally(from.acknowledged, to->mutable_acknowledged());
  FillTally(from.superseded, to->mutable_superseded());
  FillTally(from.lost_total(), to->mutable_lost_total());
  for (int i = 0; i < kLossReasonCount; ++i) {
    if (from.lost[i].messages == 0) continue;
    ReasonTally* const lost = to->add_lost();
    lost->set_reason(LossReasonName(static_cast<LossReason>(i)));
    FillTally(from.lost[i], lost->mutable_tally());
  }
}

void FillKinds(const std::array<CodecTally, kWireTypeCount>& tallies, Traffic* traffic) {
  uint64_t messages = 0;
  uint64_t encoded_bytes = 0;
  uint64_t raftpb_bytes = 0;
  for (int i = 0; i < kWireTypeCount; ++i) {
    const CodecTally& tally = tallies[i];
    const uint64_t count = tally.predicted + tally.missed;
    if (count == 0) continue;
    MessageKind* const kind = traffic->add_kinds();
    kind->set_type(MessageTypeName(static_cast<MessageType>(i)));
    kind->set_messages(count);
    kind->set_predicted(tally.predicted);
    kind->set_encoded_bytes(tally.bytes);
    kind->set_raftpb_bytes(tally.raftpb_bytes);
    messages += count;
    encoded_bytes += tally.bytes;
    raftpb_bytes += tally.raftpb_bytes;
  }
  traffic->set_messages(messages);
  traffic->set_encoded_bytes(encoded_bytes);
  traffic->set_raftpb_bytes(raftpb_bytes);
  traffic->set_bytes_saved(static_cast<int64_t>(raftpb_bytes - encoded_bytes));
}

void FillTraffic(const PeerStatus& peer, Stream* stream) {
  Traffic* const sent = stream->mutable_sent();
  sent->set_frames(peer.frames_sent);
  sent->set_frame_bytes(peer.frame_bytes_sent);
  sent->set_ack_frames(peer.ack_frames_sent);
  FillKinds(peer.codec_sent, sent);
  Traffic* const received = stream->mutable_received();
  received->set_frames(peer.frames_received);
  received->set_frame_bytes(peer.frame_bytes_received);
  FillKinds(peer.codec_received, received);
}

void FillQueues(const PeerStatus& peer, Stream* stream) {
  for (int i = 0; i < kLaneCount; ++i) {
    Lane* const lane = stream->add_lanes();
    lane->set_name(LaneName(static_cast<hawser::Lane>(i)));
    FillTally(peer.queued[i], lane->mutable_queued());
    FillTally(peer.in_flight[i], lane->mutable_in_flight());
    lane->set_unacknowledged_frame_bytes(peer.unacknowledged_frame_bytes[i]);
  }
  FillTally(peer.handed_over, stream->mutable_handed_over());
  stream->set_frames_unacknowledged(peer.frames_unacknowledged);
  stream->set_credit_units_left(peer.credit_units_left);
  stream->set_frames_held(peer.frames_held);
  stream->set_leased_bytes(peer.leased_bytes);
  FillCounts(
      peer.refused, [](int i) { return SendResultName(SendRefusal(i)); },
      stream->mutable_refused());
}

void FillCalls(const PeerStatus& peer, Calls* calls) {
  calls->set_waiting(peer.calls_waiting);
  calls->set_served(peer.calls_served);
  FillCounts(
      peer.calls_done, [](int i) { return CallStatusName(static_cast<CallStatus>(i)); },
      calls->mutable_done());
  calls->set_received(peer.calls_received);
  calls->set_answers_late(peer.answers_late);
}

void FillEndpoint(const EndpointStatus& from, Endpoint* to) {
  to->set_name(from.name);
  to->set_calls(from.calls);
  to->set_refused(from.refused);
  to->set_expired(from.expired);
  to->set_slow(from.slow);
  to->set_slowest_us(from.slowest_us);
}

}  // namespace

void FillNode(const TransportStatus& status, Node* node) {
  node->set_node(status.node);
  node->set_cluster_id(status.cluster_id);
  node->set_incarnation(status.incarnation);
  node->set_listen_address(status.listen_address);
  FillCounts(
      status.refused, [](int i) { return CloseReasonName(static_cast<CloseReason>(i)); },
      node->mutable_refused());
  for (const EndpointStatus& endpoint : status.endpoints) {
    FillEndpoint(endpoint, node->add_endpoints());
  }
}

void FillStream(const PeerStatus& peer, Stream* stream) {
  stream->set_node(peer.node);
  stream->set_provisional(peer.provisional);
  for (const std::string& address : peer.addresses) stream->add_addresses(address);
  stream->set_state(PeerStateName(peer.state));
  stream->set_state_age_ms(peer.since_ms);
  stream->set_state_reason(CloseReasonName(peer.reason));
  stream->set_state_text(peer.reason_text);
  stream->set_link(ProtoKind(peer.link));
  stream->set_link_state(SelectorStateName(peer.selector_state));
  stream->set_link_reason(LinkReasonText(peer.link_reason));
  stream->set_link_age_ms(peer.selector_since_ms);
  stream->set_pinned(ProtoKind(peer.pinned));
  stream->set_rdma_text(peer.rdma_text);
  for (const LinkStatus& link : peer.links) FillLink(link, stream->add_links());
  stream->set_incarnation(peer.incarnation);
  stream->set_send_epoch(peer.send_epoch);
  stream->set_receive_epoch(peer.receive_epoch);
  stream->set_checksums(peer.checksums);
  FillQueues(peer, stream);
  FillLedger(peer.ledger, stream->mutable_ledger());
  FillTraffic(peer, stream);
  stream->set_connects(peer.connects);
  stream->set_disconnects(peer.disconnects);
  stream->set_switches(peer.switches);
  stream->set_upgrades(peer.upgrades);
  stream->set_fallbacks(peer.fallbacks);
  stream->set_drain(DrainStateName(peer.drain));
  stream->set_draining_there(peer.draining_there);
  FillCalls(peer, stream->mutable_calls());
  stream->set_messages_copied_out(peer.messages_copied_out);
}

std::string StateKey(const PeerStatus& peer) {
  std::string key = absl::StrCat(
      peer.node, peer.provisional ? " provisional " : " ", absl::StrJoin(peer.addresses, ","), " ",
      PeerStateName(peer.state), " ", CloseReasonName(peer.reason), " ", peer.reason_text, " ",
      LinkKindName(peer.link), " ", SelectorStateName(peer.selector_state), " ");
  absl::StrAppend(&key, static_cast<int>(peer.link_reason), " ", LinkKindName(peer.pinned), " ",
                  peer.rdma_text, " ", peer.incarnation, " ", peer.send_epoch, " ",
                  peer.receive_epoch, " ");
  for (const LinkStatus& link : peer.links) {
    absl::StrAppend(&key, link.up, link.remote_address, " ");
  }
  absl::StrAppend(&key, peer.ledger.lost_total().messages, " ", peer.connects, " ",
                  peer.disconnects, " ", peer.switches, " ", peer.fallbacks, " ",
                  DrainStateName(peer.drain), " ", peer.draining_there);
  return key;
}

absl::optional<hawser::LinkKind> PinnableLink(LinkKind link) {
  switch (link) {
    case LINK_GRPC:
      return hawser::LinkKind::kGrpc;
    case LINK_RDMA:
      return hawser::LinkKind::kRdma;
    default:
      return absl::nullopt;
  }
}

}  // namespace hawser::admin
