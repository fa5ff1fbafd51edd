// The pump: queue -> codec -> frame -> session, as far as lanes, credit and link allow.

#include <algorithm>

#include "base/check.h"
#include "base/little_endian.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

// Bytes handed to the link before its turn ends: one system call's worth.
constexpr size_t kWriteBytesMax = 256 * 1024;
// What a message takes besides its payload, roughly; a frame that is too small only ends early.
constexpr size_t kMessageOverheadGuess = 96;
constexpr size_t kFragmentHeadBytes = sizeof(uint32_t);

}  // namespace

void Peer::Enqueue(QueuedMessage* message) {
  ledger_.Accept(message->payload_bytes);
  queue_.Push(message);
  if (session_ == nullptr) core_->WakeAt(NextDeadline());
  core_->MarkDirty(this);
}

void Peer::Pump() {
  if (writable_due_) {
    writable_due_ = false;
    core_->handler()->OnWritable(node());
  }
  if (session_ == nullptr) return;
  size_t bytes_before = counters_.frame_bytes_sent;
  bool sent = false;
  for (int i = 0; i < kLaneCount && started_ && session_->writable(); ++i) {
    const Lane lane = static_cast<Lane>(i);
    while (FrontIsSendable(lane) && LaneOpen(lane) &&
           counters_.frame_bytes_sent - bytes_before < kWriteBytesMax && SendDataFrame(lane)) {
      sent = true;
    }
  }
  if (!sent && started_by_peer_ && (receive_.AckDue(core_->now_ns()) || session_->grant_due())) {
    sent = session_->SendControl(FrameType::kAck, "");
    counters_.ack_frames_sent += sent;
  }
  if (sent) session_->Flush();
  if (started_by_peer_) core_->WakeAt(receive_.AckDeadline());
}

bool Peer::LaneOpen(Lane lane) const {
  const Options& options = core_->options();
  const uint64_t unacked = in_flight_[static_cast<int>(lane)].frame_bytes();
  switch (lane) {
    case Lane::kUrgent:
      return true;
    case Lane::kAppend:
      return unacked < options.append_unacked_bytes_max;
    case Lane::kBulk:
      return unacked < options.bulk_unacked_bytes_max;
  }
  return false;
}

bool Peer::OverPeerLimit(const QueuedMessage& message) const {
  const Hello& remote = session_->remote_hello();
  return message.view.entries.size() > remote.message_entries_max ||
         message.view.responses.size() > remote.message_entries_max ||
         MessageEncoder::SizeBound(message.view) > remote.message_bytes_max;
}

bool Peer::FrontIsSendable(Lane lane) {
  QueuedMessage* message;
  while ((message = queue_.front(lane)) != nullptr && OverPeerLimit(*message)) {
    queue_.Pop(lane);
    ledger_.LoseQueued(message->payload_bytes, LossReason::kOverPeerLimit);
    outage_.Add(message->group, message->payload_bytes, message->view.type == MessageType::kSnap,
                LossReason::kOverPeerLimit);
    Forget(message);
    LoseBehindGap();
    TellOutage();
  }
  return message != nullptr;
}

size_t Peer::FrameCapacity(Lane lane) const {
  const size_t frame_bytes_max =
      std::min(core_->options().grpc_frame_bytes_max, session_->remote_hello().frame_bytes_max);
  const size_t first = kFrameHeaderBytes + MessageEncoder::SizeBound(queue_.front(lane)->view);
  const Tally queued = queue_.tally(lane);
  const size_t all = kFrameHeaderBytes + queued.bytes + queued.messages * kMessageOverheadGuess;
  const size_t wanted = std::min(frame_bytes_max, std::max(first, all));
  // With little credit left, what comes first goes alone.
  return session_->MaySend(lane, wanted) ? wanted : std::min(frame_bytes_max, first);
}

bool Peer::SendDataFrame(Lane lane) {
  const size_t capacity = FrameCapacity(lane);
  if (!session_->MaySend(lane, capacity)) return false;
  const bool fits =
      kFrameHeaderBytes + MessageEncoder::SizeBound(queue_.front(lane)->view) <= capacity;
  if (!fits || !fragments_[static_cast<int>(lane)].bytes.empty()) {
    return SendFragment(lane, capacity);
  }
  FrameHeader header;
  header.type = FrameType::kData;
  header.lane = lane;
  header.sequence = send_.Next();
  FrameBuffer frame = session_->Allocate(capacity);
  const size_t bytes = FillFrame(lane, frame.data, capacity, &header);
  SendSequenced(header, frame, bytes);
  return true;
}

size_t Peer::FillFrame(Lane lane, char* frame, size_t capacity, FrameHeader* header) {
  MessageEncoder& encoder = encoders_[static_cast<int>(lane)];
  size_t bytes = kFrameHeaderBytes;
  QueuedMessage* message;
  while ((message = queue_.front(lane)) != nullptr && header->count < UINT16_MAX &&
         !OverPeerLimit(*message)) {
    const size_t encoded =
        encoder.Encode(message->group, message->view, frame + bytes, capacity - bytes);
    if (encoded == 0) break;
    bytes += encoded;
    ++header->count;
    Posted(queue_.Pop(lane), header->sequence);
  }
  HAWSER_CHECK(header->count > 0);
  return bytes;
}

void Peer::Posted(QueuedMessage* message, uint32_t last_sequence) {
  ledger_.Post(message->payload_bytes);
  InFlightMessage in_flight;
  in_flight.group = message->group;
  in_flight.payload_bytes = message->payload_bytes;
  in_flight.last_sequence = last_sequence;
  in_flight.snapshot = message->view.type == MessageType::kSnap;
  in_flight_[static_cast<int>(message->lane)].AddMessage(in_flight);
  Forget(message);
}

void Peer::SendSequenced(const FrameHeader& header, FrameBuffer frame, size_t bytes) {
  in_flight_[static_cast<int>(header.lane)].AddFrame(header.sequence, static_cast<uint32_t>(bytes));
  ++counters_.frames_sent;
  counters_.frame_bytes_sent += bytes;
  session_->SendFrame(header, frame, bytes);
}

bool Peer::SendFragment(Lane lane, size_t capacity) {
  Fragments& fragments = fragments_[static_cast<int>(lane)];
  QueuedMessage* message = queue_.front(lane);
  FrameHeader header;
  header.type = FrameType::kFragment;
  header.lane = lane;
  header.count = fragments.next++;
  header.first = header.count == 0;
  if (header.first) {
    fragments.bytes.resize(MessageEncoder::SizeBound(message->view));
    fragments.bytes.resize(encoders_[static_cast<int>(lane)].Encode(
        message->group, message->view, &fragments.bytes[0], fragments.bytes.size()));
  }
  const size_t head = kFrameHeaderBytes + (header.first ? kFragmentHeadBytes : 0);
  const size_t piece = std::min(capacity - head, fragments.bytes.size() - fragments.sent);
  header.last = fragments.sent + piece == fragments.bytes.size();
  header.sequence = send_.Next();
  FrameBuffer frame = session_->Allocate(head + piece);
  if (header.first) {
    StoreLittle<uint32_t>(static_cast<uint32_t>(fragments.bytes.size()),
                          frame.data + kFrameHeaderBytes);
  }
  std::copy_n(fragments.bytes.data() + fragments.sent, piece, frame.data + head);
  fragments.sent += piece;
  if (header.last) {
    // The message stays in its queue until here: a link lost on the way costs it nothing.
    fragments = Fragments();
    Posted(queue_.Pop(lane), header.sequence);
  }
  SendSequenced(header, frame, head + piece);
  return true;
}

}  // namespace hawser
