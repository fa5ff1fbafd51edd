// The way in: sequenced frame -> codec -> Raft's handler; and acknowledgements.

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "transport/core.h"
#include "transport/peer.h"
#include "transport/receive_block.h"

namespace hawser {
namespace {

// Bit n: messages of type n do not go to the handler as they are.
constexpr uint64_t SpecialTypes() {
  uint64_t bits = ~uint64_t{0} << kMessageTypeCount;
  for (int type = 0; type < kMessageTypeCount; ++type) {
    if (IsLocalOnly(static_cast<MessageType>(type))) bits |= uint64_t{1} << type;
  }
  return bits;
}

bool IsSpecial(const MessageView& message) {
  static_assert(kWireTypeCount <= 64, "the decoder knows no other types");
  constexpr uint64_t kSpecialTypes = SpecialTypes();
  return ((kSpecialTypes >> static_cast<unsigned>(message.type) & 1) |
          (message.zero_fields & kCallBit)) != 0;
}

// Empty for a message without payload.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Lease LeaseOn(ReceiveBuffer* buffer, uint64_t payload_bytes) {
  if (payload_bytes == 0) return Lease();
  buffer->Ref();
  return Lease(buffer);
}

}  // namespace

CloseReason Peer::OnAck(Session* session, uint32_t ack) {
  if (ack == session->send().acked()) return CloseReason::kNone;
  if (!session->send().OnAck(ack)) return CloseReason::kBadAck;
  send_.Acknowledge(session, ack, [&](const InFlightMessage& message) { Acknowledged(message); });
  CheckSwitchDone();
  core_->MarkDirty(this);
  return CloseReason::kNone;
}

void Peer::Acknowledged(const InFlightMessage& message) {
  ledger_.Acknowledge(message.payload_bytes);
  if (message.snapshot) core_->handler()->OnSnapshotAcknowledged(node(), message.group);
}

CloseReason Peer::OnSequenced(Session* session, const FrameHeader& header, absl::string_view body,
                              absl::string_view frame, ReceiveBuffer* buffer) {
  ReceiveStream::Route route = receive_.RouteOf(session);
  if (HasBug(PlantedBug::kNoEpochFence) && receive_.fenced() && session->role.started) {
    route = ReceiveStream::Route::kConsume;
  }
  if (!session->role.discarding && route == ReceiveStream::Route::kBadEpoch) {
    return CloseReason::kBadEpoch;
  }
  if (!session->receive().OnFrame(header.sequence)) return CloseReason::kBadSequence;
  if (session->role.discarding) {
    session->Free(frame.size());
    core_->MarkDirty(this);
    return CloseReason::kNone;
  }
  ++counters_.frames_received;
  counters_.frame_bytes_received += frame.size();
  if (route == ReceiveStream::Route::kConsume) {
    return Consume(session, header, body, frame.size(), buffer);
  }
  buffer->Ref();
  receive_.Hold({header, body, frame.size(), buffer, Lease(buffer)});
  if (HasBug(PlantedBug::kAckBeforeHandler)) {
    session->receive().OnConsumed(header.sequence, frame.size(), core_->now_ns());
  }
  return CloseReason::kNone;
}

uint64_t Peer::WindowBytes() const {
  const Options& options = core_->options();
  const uint64_t grpc_bytes = options.receive_window_bytes;
  if (core_->rdma_obstacle() != LinkReason::kNoLink) return grpc_bytes;
  const uint64_t slots = options.rdma_receive_slots - kRdmaUngrantedSlots;
  return std::max(grpc_bytes, slots * options.rdma_slot_bytes);
}

CloseReason Peer::Consume(Session* session, const FrameHeader& header, absl::string_view body,
                          size_t frame_bytes, ReceiveBuffer* buffer) {
  const uint64_t windows_bytes = kLinkKindsMax * WindowBytes();
  if (header.lane != Lane::kUrgent && leases_->BeyondWindows(windows_bytes)) {
    return CloseReason::kLeaseLimit;
  }
  CloseReason reason = CloseReason::kNotBuilt;
  if (header.type == FrameType::kData) reason = OnData(header, body, buffer);
  if (header.type == FrameType::kFragment) reason = OnFragment(header, body);
  if (reason != CloseReason::kNone) return reason;
  if (buffer->shared()) buffer->ChargeTo(leases_);
  session->receive().OnConsumed(header.sequence, frame_bytes, core_->now_ns());
  receive_.OnConsumed(header.sequence);
  if (header.lane != Lane::kUrgent && leases_->AtLimit()) {
    session->Withhold(frame_bytes);
    core_->AwaitLeases(this);
  } else if (!HasBug(PlantedBug::kCreditLeaked) || header.sequence % 16 != 0) {
    session->Free(frame_bytes);
  }
  core_->MarkDirty(this);
  return CloseReason::kNone;
}

void Peer::ConsumeHeld() {
  while (receive_.has_held()) {
    const HeldFrame frame = receive_.TakeHeld();
    Session* const session = receive_.live();
    const CloseReason reason =
        Consume(session, frame.header, frame.body, frame.frame_bytes, frame.buffer);
    if (reason == CloseReason::kNone) continue;
    DropHeld();
    session->Close(reason, "in a frame that was held for a switch");
  }
}

bool Peer::ReleaseCredit() {
  if (leases_->Await()) return false;
  for (const Slot& slot : slots_) {
    if (slot.session != nullptr) slot.session->ReleaseWithheld();
  }
  core_->MarkDirty(this);
  return true;
}

CloseReason Peer::OnData(const FrameHeader& header, absl::string_view body, ReceiveBuffer* buffer) {
  const int lane = static_cast<int>(header.lane);
  if (joiners_[lane].busy()) return CloseReason::kBadFrame;
  DecodedMessage decoded;
  for (int i = 0; i < header.count; ++i) {
    if (decoders_[lane].Decode(body, &decoded) != DecodeError::kNone) {
      return CloseReason::kBadMessage;
    }
    body.remove_prefix(decoded.bytes);
    const bool copy = header.lane != Lane::kUrgent && leases_->OverHalf();
    const CloseReason reason =
        copy ? DeliverCopy(decoded, header.lane) : Deliver(&decoded, header.lane, buffer);
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
  const Lease block(joiner.Take(&message));
  DecodedMessage decoded;
  if (decoders_[lane].Decode(message, &decoded) != DecodeError::kNone ||
      decoded.bytes != message.size()) {
    return CloseReason::kBadMessage;
  }
  return DeliverBlock(&decoded, header.lane, block.buffer());
}

CloseReason Peer::DeliverBlock(DecodedMessage* decoded, Lane lane, ReceiveBuffer* block) {
  const CloseReason reason = Deliver(decoded, lane, block);
  if (block->shared()) block->ChargeTo(leases_);
  return reason;
}

CloseReason Peer::DeliverCopy(const DecodedMessage& decoded, Lane lane) {
  const uint64_t payload_bytes = PayloadBytes(decoded.message);
  DecodedMessage copy = decoded;
  if (payload_bytes == 0) return Deliver(&copy, lane, nullptr);
  ReceiveBlock* block = ReceiveBlock::Make(payload_bytes);
  if (block == nullptr) return CloseReason::kResourceExhausted;
  const Lease lease(block);
  structs_.resize(StructBytes(decoded.message));
  CopyMessage(decoded.message, structs_.data(), block->data(), &copy.message);
  ++counters_.messages_copied_out;
  return DeliverBlock(&copy, lane, block);
}

CloseReason Peer::Deliver(DecodedMessage* decoded, Lane lane, ReceiveBuffer* buffer) {
  const MessageView& message = decoded->message;
  if (ABSL_PREDICT_FALSE(IsSpecial(message))) return DeliverSpecial(decoded, lane, buffer);
  const uint64_t payload_bytes = PayloadBytes(message);
  counters_.received.Add(payload_bytes);
  core_->handler()->OnMessage(node(), decoded->group, message, LeaseOn(buffer, payload_bytes));
  return CloseReason::kNone;
}

ABSL_ATTRIBUTE_NOINLINE CloseReason Peer::DeliverSpecial(DecodedMessage* decoded, Lane lane,
                                                         ReceiveBuffer* buffer) {
  MessageView* const message = &decoded->message;
  if (IsLocalOnly(message->type)) return CloseReason::kLocalOnlyType;
  const bool numbered = (message->zero_fields & kCallBit) != 0;
  const uint64_t number = numbered ? decoders_[static_cast<int>(lane)].TakeCall(message) : 0;
  const uint64_t payload_bytes = PayloadBytes(*message);
  counters_.received.Add(payload_bytes);
  return calls_.Deliver(*decoded, number, lane, LeaseOn(buffer, payload_bytes));
}

}  // namespace hawser
