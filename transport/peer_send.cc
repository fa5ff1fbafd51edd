// The pump: queue -> codec -> frame -> session, as far as lanes, credit and link allow.

#include <algorithm>
#include <limits>
#include <utility>

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
// A message that is cut waits for room for so much of it.
constexpr size_t kPieceBytesMin = 8 * 1024;

size_t LeftOf(size_t limit, size_t used) { return used < limit ? limit - used : 0; }

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
  if (!has_way()) {
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
  if (sent && passed_over_ && carrier->writable()) core_->MarkDirty(this);
  CheckDrain();
}

bool Peer::PumpLanes() {
  Session* const session = sending();
  if (!session->writable()) return false;
  // What makes a write too large begins the next one, be there urgent frames again or not.
  bool first_in_write = std::exchange(passed_over_, false);
  const uint64_t bytes_before = counters_.frame_bytes_sent;
  size_t write_bytes_max = kWriteBytesMax;
  for (int i = 0; i < kLaneCount && !passed_over_; ++i) {
    const Lane lane = static_cast<Lane>(i);
    const uint64_t lane_before = counters_.frame_bytes_sent;
    // Two writes of bulk fit what may be unacknowledged: while one is acknowledged, one goes out.
    const size_t lane_bytes_max =
        lane == Lane::kBulk ? core_->options().bulk_unacked_bytes_max / 2 : write_bytes_max;
    while (session->writable() && LaneOpen(lane) && FrontIsSendable(lane)) {
      const NextFrame next = NextFrameOf(lane);
      const size_t written = counters_.frame_bytes_sent - bytes_before;
      const size_t left =
          std::min(LeftOf(write_bytes_max, written),
                   LeftOf(lane_bytes_max, counters_.frame_bytes_sent - lane_before));
      const bool too_large = written > 0 && next.bytes_min > left;
      passed_over_ = too_large && !first_in_write;
      if (passed_over_ || !SendDataFrame(lane, next, left)) break;
      first_in_write = first_in_write && !too_large;
    }
    if (lane == Lane::kUrgent && counters_.frame_bytes_sent != bytes_before) {
      write_bytes_max = kWriteBytesMaxAfterUrgent;
    }
  }
  return counters_.frame_bytes_sent != bytes_before;
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

bool Peer::LaneOpen(Lane lane) const {
  // A switch waits for the messages that are half sent; no other may begin before it.
  return lane == Lane::kUrgent || !send_switch_wanted() || send_.fragments(lane).left > 0 ||
         !send_.fragmenting();
}

size_t Peer::LaneRoom(Lane lane) const {
  if (lane == Lane::kUrgent) return std::numeric_limits<size_t>::max();
  const Options& options = core_->options();
  return LeftOf(
      lane == Lane::kAppend ? options.append_unacked_bytes_max : options.bulk_unacked_bytes_max,
      send_.unacked_bytes(lane) + sending()->trailer_bytes());
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

Peer::NextFrame Peer::NextFrameOf(Lane lane) const {
  const size_t frame_bytes_max = sending()->frame_bytes_max() - sending()->trailer_bytes();
  const size_t whole = kFrameHeaderBytes + MessageEncoder::SizeBound(queue_.front(lane)->view);
  NextFrame next;
  next.cut = send_.fragments(lane).left > 0 || whole > frame_bytes_max;
  next.bytes_min = next.cut ? std::min(kPieceBytesMin, frame_bytes_max) : whole;
  next.bytes_max = std::min(frame_bytes_max, LaneRoom(lane));
  // What is larger than all the room goes alone.
  if (send_.unacked_bytes(lane) == 0) next.bytes_max = std::max(next.bytes_max, next.bytes_min);
  return next;
}

size_t Peer::FrameCapacity(Lane lane, const NextFrame& next, size_t write_bytes_left) const {
  size_t wanted = write_bytes_left;
  if (!next.cut) {
    const Tally queued = queue_.tally(lane);
    const size_t all = kFrameHeaderBytes + queued.bytes + queued.messages * kMessageOverheadGuess;
    wanted = std::min(all, wanted);
  }
  wanted = std::min(next.bytes_max, std::max(next.bytes_min, wanted));
  // With little credit left, what comes first goes alone.
  return sending()->MaySend(lane, wanted) ? wanted : next.bytes_min;
}

size_t Peer::Encode(const QueuedMessage& message, char* out, size_t capacity) {
  MessageEncoder& encoder = send_.encoder(message.lane);
  // Both fit SizeBound.
  return (sending()->remote_hello().features & kFeaturePredicted) != 0
             ? encoder.Encode(message.group, message.view, out, capacity)
             : encoder.EncodeWhole(message.group, message.view, out, capacity);
}

void Peer::BeginFragments(const QueuedMessage& message, SendStream::Fragments* fragments) {
  if ((sending()->remote_hello().features & kFeaturePredicted) != 0) {
    send_.encoder(message.lane).EncodeSegments(message.group, message.view, &fragments->segments);
    return fragments->Begin(fragments->segments.total_bytes());
  }
  fragments->whole.resize(MessageEncoder::SizeBound(message.view));
  fragments->whole.resize(Encode(message, &fragments->whole[0], fragments->whole.size()));
  fragments->Begin(fragments->whole.size());
}

bool Peer::SendDataFrame(Lane lane, const NextFrame& next, size_t write_bytes_left) {
  if (next.bytes_min > next.bytes_max) return false;
  const size_t capacity = FrameCapacity(lane, next, write_bytes_left);
  if (!sending()->MaySend(lane, capacity)) return false;
  if (next.cut) return SendFragment(lane, capacity);
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
  if (header.first) BeginFragments(*message, &fragments);
  const size_t head = kFrameHeaderBytes + (header.first ? kFragmentHeadBytes : 0);
  const size_t piece = std::min(capacity - head, fragments.left);
  header.last = piece == fragments.left;
  header.sequence = sending()->send().Next();
  FrameBuffer frame = sending()->Allocate(head + piece);
  if (header.first) {
    StoreLittle<uint32_t>(static_cast<uint32_t>(fragments.left), frame.data + kFrameHeaderBytes);
  }
  fragments.Take(piece, frame.data + head);
  if (header.last) {
    // The message stays in its queue until here: a link lost on the way costs it nothing.
    fragments.End();
    Posted(queue_.Pop(lane), header.sequence);
  }
  SendSequenced(header, frame, head + piece);
  return true;
}

}  // namespace hawser
