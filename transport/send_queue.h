#ifndef HAWSER_TRANSPORT_SEND_QUEUE_H_
#define HAWSER_TRANSPORT_SEND_QUEUE_H_

// The messages of one peer that wait for a frame, by lane, and those on their way.

#include <array>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/check.h"
#include "base/ring.h"
#include "transport/lane.h"
#include "transport/message_pool.h"
#include "transport/sequence.h"
#include "transport/types.h"

namespace hawser {

// First in, first out, for each lane; bounded by the PeerGate that lets messages in.
//
// One per peer, owned by it. It borrows its messages. Loop thread only.
// Invariant: heartbeats_ has the queued heartbeat of each group that a newer one may replace.
class SendQueue {
 public:
  void Push(QueuedMessage* message) {
    Append(message);
    if (IsReplaceable(*message)) heartbeats_[message->group] = message;
  }

  // The queued heartbeat that `newer` makes superfluous: same group, from, to and term, both
  // without context. Taken out of the queue; nullptr when there is none.
  QueuedMessage* TakeSuperseded(const QueuedMessage& newer) {
    if (!IsReplaceable(newer) || heartbeats_.empty()) return nullptr;
    auto found = heartbeats_.find(newer.group);
    if (found == heartbeats_.end()) return nullptr;
    QueuedMessage* older = found->second;
    const bool same = older->view.from == newer.view.from && older->view.to == newer.view.to &&
                      older->view.term == newer.view.term;
    if (!same) return nullptr;
    Remove(older);
    return older;
  }

  // nullptr when the lane is empty.
  QueuedMessage* front(Lane lane) const { return lists_[static_cast<int>(lane)].head; }

  QueuedMessage* Pop(Lane lane) {
    QueuedMessage* message = front(lane);
    HAWSER_CHECK(message != nullptr);
    Remove(message);
    return message;
  }

  // Takes out the first message, which stays in the tally until Taken. REQUIRES: there is one.
  QueuedMessage* TakeFront(Lane lane) {
    List& list = lists_[static_cast<int>(lane)];
    QueuedMessage* const message = list.head;
    list.head = message->next;
    (list.head == nullptr ? list.tail : list.head->previous) = nullptr;
    if (lane == Lane::kUrgent) ForgetHeartbeat(*message);
    return message;
  }
  void Taken(Lane lane, Tally messages) { lists_[static_cast<int>(lane)].tally.Subtract(messages); }

  // Takes out every message of `lane` for which `is_out(message)` holds, in order, and gives it to
  // `take(message)`.
  template <typename IsOut, typename Take>
  void RemoveIf(Lane lane, IsOut is_out, Take take) {
    // First out of the queue, all of them: `take` may cause others to be queued or superseded.
    QueuedMessage* out = nullptr;
    QueuedMessage** end = &out;
    for (QueuedMessage* message = front(lane); message != nullptr;) {
      QueuedMessage* next = message->next;
      if (is_out(*message)) {
        Remove(message);
        *end = message;
        message->next = nullptr;
        end = &message->next;
      }
      message = next;
    }
    while (out != nullptr) take(std::exchange(out, out->next));
  }

  template <typename Visit>
  void ForEach(Lane lane, Visit visit) const {
    for (const QueuedMessage* message = front(lane); message != nullptr; message = message->next) {
      visit(*message);
    }
  }

  Tally tally(Lane lane) const { return lists_[static_cast<int>(lane)].tally; }
  bool empty() const {
    for (const List& list : lists_) {
      if (list.head != nullptr) return false;
    }
    return true;
  }

 private:
  struct List {
    QueuedMessage* head = nullptr;
    QueuedMessage* tail = nullptr;
    Tally tally;
  };

  static bool IsReplaceable(const QueuedMessage& message) {
    return message.view.type == MessageType::kHeartbeat && message.lane == Lane::kUrgent &&
           message.view.context.empty();
  }

  void Append(QueuedMessage* message) {
    List& list = lists_[static_cast<int>(message->lane)];
    message->next = nullptr;
    message->previous = list.tail;
    (list.head == nullptr ? list.head : list.tail->next) = message;
    list.tail = message;
    list.tally.Add(message->payload_bytes);
  }

  void Remove(QueuedMessage* message) {
    List& list = lists_[static_cast<int>(message->lane)];
    (message->previous == nullptr ? list.head : message->previous->next) = message->next;
    (message->next == nullptr ? list.tail : message->next->previous) = message->previous;
    list.tally.Subtract(message->payload_bytes);
    ForgetHeartbeat(*message);
  }

  void ForgetHeartbeat(const QueuedMessage& message) {
    if (!IsReplaceable(message)) return;
    auto found = heartbeats_.find(message.group);
    if (found != heartbeats_.end() && found->second == &message) heartbeats_.erase(found);
  }

  std::array<List, kLaneCount> lists_;
  absl::flat_hash_map<GroupId, QueuedMessage*> heartbeats_;
};

// What must be known of a message on its way: enough to settle it.
struct InFlightMessage {
  GroupId group = 0;
  uint64_t payload_bytes = 0;
  uint32_t last_sequence = 0;  // Of the frame that ends it.
  bool snapshot = false;
  bool untold = false;  // Its loss is told by the end of its call, if at all.
};

// The frames and messages of one lane that the peer has not acknowledged.
//
// One per epoch and lane. Loop thread only.
// Invariant: sequences rise from front to back.
class InFlightLane {
 public:
  void AddFrame(uint32_t sequence, uint32_t frame_bytes) {
    frames_.push_back({sequence, frame_bytes});
    frame_bytes_ += frame_bytes;
  }
  void AddMessage(const InFlightMessage& message) {
    messages_.push_back(message);
    tally_.Add(message.payload_bytes);
  }

  // Takes out all up to sequence number `ack`, giving each message to `take`.
  template <typename Take>
  void Acknowledge(uint32_t ack, Take take) {
    while (!frames_.empty() && !SequenceAfter(frames_.front().sequence, ack)) {
      frame_bytes_ -= frames_.front().bytes;
      frames_.pop_front();
    }
    while (!messages_.empty() && !SequenceAfter(messages_.front().last_sequence, ack)) {
      TakeFront(take);
    }
  }

  // Takes out everything.
  template <typename Take>
  void Drain(Take take) {
    while (!frames_.empty()) frames_.pop_front();
    frame_bytes_ = 0;
    while (!messages_.empty()) TakeFront(take);
  }

  bool empty() const { return frames_.empty() && messages_.empty(); }
  uint64_t frame_bytes() const { return frame_bytes_; }
  Tally tally() const { return tally_; }

 private:
  struct Frame {
    uint32_t sequence = 0;
    uint32_t bytes = 0;
  };

  template <typename Take>
  void TakeFront(Take take) {
    const InFlightMessage message = messages_.front();
    messages_.pop_front();
    tally_.Subtract(message.payload_bytes);
    take(message);
  }

  Ring<Frame> frames_;
  Ring<InFlightMessage> messages_;
  uint64_t frame_bytes_ = 0;
  Tally tally_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SEND_QUEUE_H_
