// The way in: sequenced frame -> codec -> Raft's handler; and acknowledgements.

#include <utility>

#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {

CloseReason Peer::OnAck(uint32_t ack) {
  // Before our START there is nothing that this link could acknowledge.
  if (!started_) return ack == 0 ? CloseReason::kNone : CloseReason::kBadAck;
  return Acknowledge(ack);
}

CloseReason Peer::Acknowledge(uint32_t ack) {
  if (ack == send_.acked()) return CloseReason::kNone;
  if (!send_.OnAck(ack)) return CloseReason::kBadAck;
  for (InFlightLane& lane : in_flight_) {
    lane.Acknowledge(ack, [&](const InFlightMessage& message) {
      ledger_.Acknowledge(message.payload_bytes);
      if (message.snapshot) core_->handler()->OnSnapshotAcknowledged(node(), message.group);
    });
  }
  core_->MarkDirty(this);
  return CloseReason::kNone;
}

CloseReason Peer::OnSequenced(const FrameHeader& header, absl::string_view body,
                              absl::string_view frame, ReceiveBuffer* buffer) {
  if (!started_by_peer_ && !discarding_) return CloseReason::kBadEpoch;
  if (!receive_.OnFrame(header.sequence)) return CloseReason::kBadSequence;
  if (discarding_) return CloseReason::kNone;
  ++counters_.frames_received;
  counters_.frame_bytes_received += frame.size();
  CloseReason reason = CloseReason::kNotBuilt;
  if (header.type == FrameType::kData) reason = OnData(header, body, buffer);
  if (header.type == FrameType::kFragment) reason = OnFragment(header, body);
  if (reason != CloseReason::kNone) return reason;
  receive_.OnConsumed(frame.size(), core_->now_ns());
  consumed_.epoch = receive_.epoch();
  consumed_.sequence = receive_.consumed();
  core_->MarkDirty(this);
  return CloseReason::kNone;
}

CloseReason Peer::OnData(const FrameHeader& header, absl::string_view body, ReceiveBuffer* buffer) {
  const int lane = static_cast<int>(header.lane);
  if (joiners_[lane].busy()) return CloseReason::kBadFrame;
  for (int i = 0; i < header.count; ++i) {
    DecodedMessage decoded;
    if (decoders_[lane].Decode(body, &decoded) != DecodeError::kNone) {
      return CloseReason::kBadMessage;
    }
    body.remove_prefix(decoded.bytes);
    const CloseReason reason = Deliver(decoded, buffer);
    if (reason != CloseReason::kNone) return reason;
  }
  return body.empty() ? CloseReason::kNone : CloseReason::kBadMessage;
}

CloseReason Peer::OnFragment(const FrameHeader& header, absl::string_view body) {
  const int lane = static_cast<int>(header.lane);
  FragmentJoiner& joiner = joiners_[lane];
  const CloseReason reason = joiner.Add(header, body, core_->options().message_bytes_max);
  if (reason != CloseReason::kNone || !joiner.complete()) return reason;
  absl::string_view message;
  Lease block(joiner.Take(&message));
  DecodedMessage decoded;
  if (decoders_[lane].Decode(message, &decoded) != DecodeError::kNone ||
      decoded.bytes != message.size()) {
    return CloseReason::kBadMessage;
  }
  return DeliverWith(decoded, std::move(block));
}

CloseReason Peer::Deliver(const DecodedMessage& decoded, ReceiveBuffer* buffer) {
  buffer->Ref();
  return DeliverWith(decoded, Lease(buffer));
}

CloseReason Peer::DeliverWith(const DecodedMessage& decoded, Lease lease) {
  if (IsLocalOnly(decoded.message.type)) return CloseReason::kLocalOnlyType;
  counters_.received.Add(PayloadBytes(decoded.message));
  core_->handler()->OnMessage(node(), decoded.group, decoded.message, std::move(lease));
  return CloseReason::kNone;
}

}  // namespace hawser
