// The pump: queue -> codec -> frame -> session, as far as lanes, credit and link allow.

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/base/optimization.h"
#include "base/check.h"
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
// A message that is cut waits for room for so much of it.
constexpr size_t kPieceBytesMin = 8 * 1024;

size_t LeftOf(size_t limit, size_t used) { return used < limit ? limit - used : 0; }

size_t SizeBoundOf(const QueuedMessage& message) {
  return MessageEncoder::SizeBound(message.view, message.payload_bytes);
}

InFlightMessage InFlight(const QueuedMessage& message, uint32_t last_sequence) {
  return {message.group, message.payload_bytes, last_sequence,
          message.view.type == MessageType::kSnap, IsUntold(message.role)};
}

size_t Encode(const QueuedMessage& message, bool predicts, MessageEncoder* encoder, char* out,
              size_t room) {
  if (ABSL_PREDICT_FALSE(message.call != 0)) {
    return encoder->EncodeOfCall(message.group, message.view, message.call, out, room);
  }
  return predicts ? encoder->Encode(message.group, message.view, out, room)
                  : encoder->EncodeWhole(message.group, message.view, out, room);
}

// What the peer takes.
class PeerLimits {
 public:
  explicit PeerLimits(const Hello& remote)
      : entries_max_(remote.message_entries_max), bytes_max_(remote.message_bytes_max) {}

  bool Exceeds(const QueuedMessage& message) const {
    return message.view.entries.size() > entries_max_ ||
           message.view.responses.size() > entries_max_ || SizeBoundOf(message) > bytes_max_;
  }

 private:
  const size_t entries_max_;
  const size_t bytes_max_;
};

// Brings what the encoder needs into the cache, some messages before it does.
class GroupPrefetcher {
 public:
  GroupPrefetcher(const QueuedMessage* front, const MessageEncoder& encoder)
      : next_(front), encoder_(encoder) {
    for (int i = 0; i < kMessagesAhead; ++i) Step();
  }

  void Step() {
    if (next_ == nullptr) return;
    if (next_->group != group_) {
      group_ = next_->group;
      encoder_.Prefetch(group_);
    }
    next_ = next_->next;
  }

 private:
  static constexpr int kMessagesAhead = 6;

  const QueuedMessage* next_;
  const MessageEncoder& encoder_;
  GroupId group_ = 0;  // The last one that was brought.
};

}  // namespace

void Peer::Enqueue(QueuedMessage* message) {
  if (message->caller != nullptr && !calls_.Admit(message)) return ForgetLater(message);
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
    if (slot.session == nullptr) continue;
    if (slot.session->role.due() || drain_answer_due_) SendDue(slot.session);
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
  const bool switching = send_switch_wanted();
  const uint64_t bytes_before = counters_.frame_bytes_sent;
  size_t write_bytes_max = kWriteBytesMax;
  for (int i = 0; i < kLaneCount && !passed_over_; ++i) {
    const Lane lane = static_cast<Lane>(i);
    const uint64_t lane_before = counters_.frame_bytes_sent;
    // Two writes of bulk fit what may be unacknowledged: while one is acknowledged, one goes out.
    const size_t lane_bytes_max =
        lane == Lane::kBulk ? core_->options().bulk_unacked_bytes_max / 2 : write_bytes_max;
    while (queue_.front(lane) != nullptr && session->writable() && LaneOpen(lane, switching) &&
           FrontIsSendable(lane)) {
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

bool Peer::LaneOpen(Lane lane, bool switching) const {
  // A switch waits for the messages that are half sent; no other may begin before it.
  return lane == Lane::kUrgent || !switching || send_.fragments(lane).left > 0 ||
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
  return PeerLimits(sending()->remote_hello()).Exceeds(message);
}

bool Peer::FrontIsSendable(Lane lane) {
  QueuedMessage* message;
  while ((message = queue_.front(lane)) != nullptr && send_.fragments(lane).left == 0) {
    const bool abandoned = CallDesk::IsAbandoned(*message);
    if (!abandoned && !OverPeerLimit(*message)) break;
    queue_.Pop(lane);
    LoseQueuedMessage(message, abandoned ? LossReason::kExpired : LossReason::kOverPeerLimit);
    LoseBehindGap();
    TellOutage();
  }
  return message != nullptr;
}

Peer::NextFrame Peer::NextFrameOf(Lane lane) const {
  const size_t frame_bytes_max = sending()->frame_bytes_max() - sending()->trailer_bytes();
  const size_t whole = kFrameHeaderBytes + SizeBoundOf(*queue_.front(lane));
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

bool Peer::SendDataFrame(Lane lane, const NextFrame& next, size_t write_bytes_left) {
  if (next.bytes_min > next.bytes_max) return false;
  const size_t capacity = FrameCapacity(lane, next, write_bytes_left);
  if (!sending()->MaySend(lane, capacity)) return false;
  if (next.cut) return SendFragment(lane, capacity);
  if (QueuedMessage* front = queue_.front(lane); GoesByItself(*front)) {
    SendByItself(front);
    return true;
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
  MessageEncoder& encoder = send_.encoder(lane);
  const bool predicts = Predicts();
  const PeerLimits limits(sending()->remote_hello());
  GroupPrefetcher prefetcher(queue_.front(lane), encoder);
  InFlightLane* const way = send_.way(lane);
  const uint32_t sequence = header->sequence;
  size_t bytes = kFrameHeaderBytes;
  Tally tally;
  QueuedMessage* first = nullptr;
  QueuedMessage** end = &first;
  QueuedMessage* message;
  while ((message = queue_.front(lane)) != nullptr && tally.messages < UINT16_MAX &&
         !limits.Exceeds(*message) && (tally.messages == 0 || !GoesByItself(*message))) {
    prefetcher.Step();
    char* const out = frame + bytes;
    const size_t room = capacity - bytes;
    // All fit SizeBound.
    const size_t encoded = Encode(*message, predicts, &encoder, out, room);
    if (encoded == 0) break;
    bytes += encoded;
    tally.Add(message->payload_bytes);
    queue_.TakeFront(lane);
    way->AddMessage(InFlight(*message, sequence));
    *end = message;
    end = &message->next;
  }
  HAWSER_CHECK(tally.messages > 0);
  header->count = static_cast<uint16_t>(tally.messages);
  *end = nullptr;
  Posted(lane, tally, first);
  return bytes;
}

void Peer::Posted(Lane lane, Tally tally, QueuedMessage* messages) {
  queue_.Taken(lane, tally);
  ledger_.Post(tally);
  Left(lane, tally);
  while (messages != nullptr) {
    QueuedMessage* const message = std::exchange(messages, messages->next);
    if (ABSL_PREDICT_FALSE(message->role != CallRole::kNone)) calls_.Posted(message);
    core_->Release(message);
  }
}

void Peer::PostFront(Lane lane, uint32_t last_sequence) {
  QueuedMessage* const message = queue_.TakeFront(lane);
  send_.way(lane)->AddMessage(InFlight(*message, last_sequence));
  message->next = nullptr;
  Posted(lane, {1, message->payload_bytes}, message);
}

void Peer::CountSequenced(const FrameHeader& header, size_t whole) {
  send_.AddFrame(header.lane, header.sequence, static_cast<uint32_t>(whole));
  ++counters_.frames_sent;
  counters_.frame_bytes_sent += whole;
}

void Peer::SendSequenced(const FrameHeader& header, FrameBuffer frame, size_t bytes) {
  CountSequenced(header, bytes + sending()->trailer_bytes());
  sending()->SendFrame(header, frame, bytes);
}

}  // namespace hawser
