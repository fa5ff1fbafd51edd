// The pump: queue -> codec -> frame -> session, as far as lanes, credit and link allow.

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/little_endian.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

// Bytes handed to the link before its turn ends: what is large costs fewer wake-ups.
constexpr size_t kWriteBytesMax = 256 * 1024;
// The same behind urgent frames: they arrive when all of the write has.
constexpr size_t kWriteBytesMaxAfterUrgent = 32 * 1024;
// What a message takes besides its payload, roughly; a frame that is too small only ends early.
constexpr size_t kMessageOverheadGuess = 96;
constexpr size_t kFragmentHeadBytes = sizeof(uint32_t);

// Brings what the encoder needs into the cache, some messages before it does.
class GroupPrefetcher {
 public:
  GroupPrefetcher(const QueuedMessage* front, const MessageEncoder& encoder)
      : next_(front), encoder_(encoder) {
    for (int i = 0; i < kMessagesAhead; ++i) Step();
  }

  void Step() {
    if (next_ == nullptr) return;
    encoder_.Prefetch(next_->group);
    next_ = next_->next;
  }

 private:
  static constexpr int kMessagesAhead = 6;

  const QueuedMessage* next_;
  const MessageEncoder& encoder_;
};

}  // namespace

void Peer::Enqueue(QueuedMessage* message) {
  ledger_.Accept(message->payload_bytes);
  if (QueuedMessage* older = queue_.TakeSuperseded(*message)) {
    if (!HasBug(PlantedBug::kHeartbeatUncounted)) ledger_.Supersede(older->payload_bytes);
    ForgetLater(older);
  }
  queue_.Push(message);
  if (!attached()) {
    if (message->lane == Lane::kUrgent) LoseOlderUrgent(*message);
    core_->WakeAt(NextDeadline());
  }
  core_->MarkDirty(this);
}

void Peer::Pump() {
  if (writable_due_) {
    writable_due_ = false;
    core_->handler()->OnWritable(node());
  }
  for (const Slot& slot : slots_) {
    if (slot.session != nullptr) SendDue(slot.session);
  }
  TryStart();
  TrySwitch();
  CheckRetired();
  Session* const carrier = send_.closed() ? nullptr : sending();
  const bool sent = carrier != nullptr && PumpLanes();
  for (const Slot& slot : slots_) {
    if (slot.session == nullptr) continue;
    const bool told = sent && slot.session == carrier;
    if (told || PumpAck(slot.session)) slot.session->Flush();
    core_->WakeAt(AckWakeNs(slot.session));
  }
}

bool Peer::PumpLanes() {
  Session* const session = sending();
  const uint64_t bytes_before = counters_.frame_bytes_sent;
  size_t write_bytes_max = kWriteBytesMax;
  bool sent = false;
  for (int i = 0; i < kLaneCount && session->writable(); ++i) {
    const Lane lane = static_cast<Lane>(i);
    while (session->writable() && LaneOpen(lane) && FrontIsSendable(lane)) {
      const size_t written = counters_.frame_bytes_sent - bytes_before;
      if (written >= write_bytes_max || !SendDataFrame(lane, write_bytes_max - written)) break;
      sent = true;
    }
    if (lane == Lane::kUrgent && sent) write_bytes_max = kWriteBytesMaxAfterUrgent;
  }
  return sent;
}

bool Peer::PumpAck(Session* session) {
  if (!session->receive().AckDue(core_->now_ns()) && !session->grant_due()) return false;
  const bool sent = session->SendControl(FrameType::kAck, "");
  counters_.ack_frames_sent += sent;
  return sent;
}

int64_t Peer::AckWakeNs(Session* session) const {
  // One that is overdue waits for credit, not for time.
  const int64_t deadline_ns = session->receive().AckDeadline();
  return deadline_ns > core_->now_ns() ? deadline_ns : std::numeric_limits<int64_t>::max();
}

bool Peer::LaneOpen(Lane lane) {
  const Options& options = core_->options();
  if (lane == Lane::kUrgent) return true;
  // A switch waits for the messages that are half sent; no other may begin before it.
  if (send_switch_wanted() && send_.fragments(lane).bytes.empty() && send_.fragmenting()) {
    return false;
  }
  const uint64_t unacked = send_.unacked_bytes(lane);
  return lane == Lane::kAppend ? unacked < options.append_unacked_bytes_max
                               : unacked < options.bulk_unacked_bytes_max;
}

bool Peer::OverPeerLimit(const QueuedMessage& message) const {
  const Hello& remote = sending()->remote_hello();
  return message.view.entries.size() > remote.message_entries_max ||
         message.view.responses.size() > remote.message_entries_max ||
         MessageEncoder::SizeBound(message.view) > remote.message_bytes_max;
}

bool Peer::FrontIsSendable(Lane lane) {
  QueuedMessage* message;
  while ((message = queue_.front(lane)) != nullptr && OverPeerLimit(*message)) {
    queue_.Pop(lane);
    LoseQueuedMessage(message, LossReason::kOverPeerLimit);
    LoseBehindGap();
    TellOutage();
  }
  return message != nullptr;
}

size_t Peer::FrameCapacity(Lane lane, size_t write_bytes_left) const {
  const size_t frame_bytes_max = sending()->frame_bytes_max() - sending()->trailer_bytes();
  const size_t first = kFrameHeaderBytes + MessageEncoder::SizeBound(queue_.front(lane)->view);
  const Tally queued = queue_.tally(lane);
  const size_t all = kFrameHeaderBytes + queued.bytes + queued.messages * kMessageOverheadGuess;
  const size_t wanted = std::min(frame_bytes_max, std::max(first, std::min(all, write_bytes_left)));
  // With little credit left, what comes first goes alone.
  return sending()->MaySend(lane, wanted) ? wanted : std::min(frame_bytes_max, first);
}

size_t Peer::Encode(const QueuedMessage& message, char* out, size_t capacity) {
  MessageEncoder& encoder = send_.encoder(message.lane);
  // Both fit SizeBound.
  return (sending()->remote_hello().features & kFeaturePredicted) != 0
             ? encoder.Encode(message.group, message.view, out, capacity)
             : encoder.EncodeWhole(message.group, message.view, out, capacity);
}

bool Peer::SendDataFrame(Lane lane, size_t write_bytes_left) {
  const size_t capacity = FrameCapacity(lane, write_bytes_left);
  if (!sending()->MaySend(lane, capacity)) return false;
  const bool fits =
      kFrameHeaderBytes + MessageEncoder::SizeBound(queue_.front(lane)->view) <= capacity;
  if (!fits || !send_.fragments(lane).bytes.empty()) {
    return SendFragment(lane, capacity);
  }
  FrameHeader header;
  header.type = FrameType::kData;
  header.lane = lane;
  header.sequence = sending()->send().Next();
  FrameBuffer frame = sending()->Allocate(capacity);
  const size_t bytes = FillFrame(lane, frame.data, capacity, &header);
  SendSequenced(header, frame, bytes);
  return true;
}

size_t Peer::FillFrame(Lane lane, char* frame, size_t capacity, FrameHeader* header) {
  size_t bytes = kFrameHeaderBytes;
  GroupPrefetcher prefetcher(queue_.front(lane), send_.encoder(lane));
  QueuedMessage* message;
  while ((message = queue_.front(lane)) != nullptr && header->count < UINT16_MAX &&
         !OverPeerLimit(*message)) {
    prefetcher.Step();
    const size_t encoded = Encode(*message, frame + bytes, capacity - bytes);
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
  send_.AddMessage(message->lane, in_flight);
  Forget(message);
}

void Peer::SendSequenced(const FrameHeader& header, FrameBuffer frame, size_t bytes) {
  const size_t whole = bytes + sending()->trailer_bytes();
  send_.AddFrame(header.lane, header.sequence, static_cast<uint32_t>(whole));
  ++counters_.frames_sent;
  counters_.frame_bytes_sent += whole;
  sending()->SendFrame(header, frame, bytes);
}

bool Peer::SendFragment(Lane lane, size_t capacity) {
  SendStream::Fragments& fragments = send_.fragments(lane);
  QueuedMessage* message = queue_.front(lane);
  FrameHeader header;
  header.type = FrameType::kFragment;
  header.lane = lane;
  header.count = fragments.next++;
  header.first = header.count == 0;
  if (header.first) {
    fragments.bytes.resize(MessageEncoder::SizeBound(message->view));
    fragments.bytes.resize(Encode(*message, &fragments.bytes[0], fragments.bytes.size()));
  }
  const size_t head = kFrameHeaderBytes + (header.first ? kFragmentHeadBytes : 0);
  const size_t piece = std::min(capacity - head, fragments.bytes.size() - fragments.sent);
  header.last = fragments.sent + piece == fragments.bytes.size();
  header.sequence = sending()->send().Next();
  FrameBuffer frame = sending()->Allocate(head + piece);
  if (header.first) {
    StoreLittle<uint32_t>(static_cast<uint32_t>(fragments.bytes.size()),
                          frame.data + kFrameHeaderBytes);
  }
  std::copy_n(fragments.bytes.data() + fragments.sent, piece, frame.data + head);
  fragments.sent += piece;
  if (header.last) {
    // The message stays in its queue until here: a link lost on the way costs it nothing.
    fragments = SendStream::Fragments();
    Posted(queue_.Pop(lane), header.sequence);
  }
  SendSequenced(header, frame, head + piece);
  return true;
}

}  // namespace hawser
