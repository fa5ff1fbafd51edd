#ifndef HAWSER_TRANSPORT_PEER_GATE_H_
#define HAWSER_TRANSPORT_PEER_GATE_H_

// The part of a peer that Send sees from any thread: may a message come in?

#include <array>
#include <atomic>
#include <cstdint>

#include "transport/lane.h"
#include "transport/options.h"
#include "transport/send_result.h"
#include "transport/types.h"

namespace hawser {

class Peer;

// One per node id that was ever a peer; made by the PeerDirectory, lives as long as it.
//
// Threads: TryEnter, refused, Open, Remove, Drain and Resume from any; the rest on the loop thread.
// Invariant: 0 <= messages(lane) <= messages_max(lane), the same for bytes, save for one message
// that is larger than an empty queue, and for answers.
class PeerGate {
 public:
  enum class State : uint8_t { kRemoved, kOpen, kNotConnected };

  PeerGate(NodeId node, const Options& options)
      : node_(node),
        messages_max_{options.urgent_queue_messages_max, options.append_queue_messages_max,
                      options.bulk_queue_messages_max},
        bytes_max_{options.urgent_queue_bytes_max, options.append_queue_bytes_max,
                   options.bulk_queue_bytes_max} {}

  // Takes a place in `lane` for a message of `bytes`, or says why there is none.
  SendResult TryEnter(Lane lane, uint64_t bytes) {
    const State state = state_.load(std::memory_order_acquire);
    if (state == State::kRemoved) return SendResult::kUnknownPeer;
    if (draining()) return Count(SendResult::kDraining);
    // Without a link, urgent messages may wait for one; the rest would only grow old.
    if (state == State::kNotConnected && lane != Lane::kUrgent) {
      return Count(SendResult::kNotConnected);
    }
    Queue& queue = queues_[static_cast<int>(lane)];
    const uint32_t messages = queue.messages.fetch_add(1);
    if (messages >= messages_max_[static_cast<int>(lane)]) {
      return Refuse(&queue, SendResult::kQueueMessages);
    }
    const uint64_t queued = queue.bytes.fetch_add(bytes, std::memory_order_relaxed);
    if (queued != 0 && queued + bytes > bytes_max_[static_cast<int>(lane)]) {
      queue.bytes.fetch_sub(bytes, std::memory_order_relaxed);
      return Refuse(&queue, SendResult::kQueueBytes);
    }
    // Who is in when a drain begins is seen by Empty(); who is not goes.
    if (draining()) {
      queue.bytes.fetch_sub(bytes, std::memory_order_relaxed);
      queue.messages.fetch_sub(1, std::memory_order_relaxed);
      return Count(SendResult::kDraining);
    }
    return SendResult::kAccepted;
  }

  // Takes a place in any case, for an answer: calls are bounded, so their answers are. Loop thread.
  void Enter(Lane lane, uint64_t bytes) {
    Queue& queue = queues_[static_cast<int>(lane)];
    queue.messages.fetch_add(1);
    queue.bytes.fetch_add(bytes, std::memory_order_relaxed);
  }

  // Messages left their queue: put into a frame, superseded or lost. True when this drained a queue
  // that had refused to half: OnWritable is due.
  bool Leave(Lane lane, uint64_t bytes) { return Leave(lane, Tally{1, bytes}); }
  bool Leave(Lane lane, Tally left) {
    Queue& queue = queues_[static_cast<int>(lane)];
    const auto count = static_cast<uint32_t>(left.messages);
    const uint32_t messages = queue.messages.fetch_sub(count, std::memory_order_relaxed) - count;
    const uint64_t queued =
        queue.bytes.fetch_sub(left.bytes, std::memory_order_relaxed) - left.bytes;
    return queue.refused.load(std::memory_order_relaxed) &&
           messages <= messages_max_[static_cast<int>(lane)] / 2 &&
           queued <= bytes_max_[static_cast<int>(lane)] / 2 &&
           queue.refused.exchange(false, std::memory_order_relaxed);
  }

  // The node became a peer, or is none any more. Any thread; from then on Send goes by it.
  void Open() {
    wanted_.store(true);
    draining_.store(0);
    state_.store(State::kOpen);
  }
  void Remove() {
    wanted_.store(false);
    state_.store(State::kRemoved);
    draining_.store(0);
  }
  // No message comes in any more; or again, unless the other end drains too. Any thread.
  void Drain() { draining_.fetch_or(kDrainingHere); }
  void Resume() { draining_.fetch_and(static_cast<uint8_t>(~kDrainingHere)); }
  // The other end asks for the same. Loop thread.
  void set_draining_there(bool draining) {
    if (draining) {
      draining_.fetch_or(kDrainingThere);
    } else {
      draining_.fetch_and(static_cast<uint8_t>(~kDrainingThere));
    }
  }
  bool draining_there() const { return (draining_.load() & kDrainingThere) != 0; }
  bool draining() const { return draining_.load() != 0; }
  // Nobody is in.
  bool Empty() const {
    for (const Queue& queue : queues_) {
      if (queue.messages.load() != 0) return false;
    }
    return true;
  }
  // The node came by itself and may stay for a while. Loop thread.
  void Admit() { state_.store(State::kOpen); }
  // It goes, unless somebody has opened the gate for it. Loop thread.
  void Expel() {
    if (wanted_.load()) return;
    state_.store(State::kRemoved);
    if (wanted_.load()) state_.store(State::kOpen);
  }
  // There is a way to the peer, or has been none for too long. Changes nothing once removed.
  void set_connected(bool connected) {
    State expected = connected ? State::kNotConnected : State::kOpen;
    const State desired = connected ? State::kOpen : State::kNotConnected;
    state_.compare_exchange_strong(expected, desired, std::memory_order_acq_rel);
  }
  State state() const { return state_.load(std::memory_order_acquire); }

  // All that entered and did not leave, from any thread.
  Tally entered(Lane lane) const {
    const Queue& queue = queues_[static_cast<int>(lane)];
    return {queue.messages.load(std::memory_order_relaxed),
            queue.bytes.load(std::memory_order_relaxed)};
  }

  // What TryEnter refused for want of a link or of room, as SendRefusal() numbers it.
  std::array<uint64_t, kSendRefusalCount> refused() const {
    return {
        refused_[0].load(std::memory_order_relaxed), refused_[1].load(std::memory_order_relaxed),
        refused_[2].load(std::memory_order_relaxed), refused_[3].load(std::memory_order_relaxed)};
  }

  NodeId node() const { return node_; }

  // The peer behind the gate; nullptr while there is none. Loop thread.
  Peer* peer = nullptr;

 private:
  static constexpr uint8_t kDrainingHere = 1;
  static constexpr uint8_t kDrainingThere = 2;

  struct Queue {
    std::atomic<uint32_t> messages{0};
    std::atomic<uint64_t> bytes{0};
    std::atomic<bool> refused{false};
  };

  SendResult Refuse(Queue* queue, SendResult result) {
    queue->messages.fetch_sub(1, std::memory_order_relaxed);
    queue->refused.store(true, std::memory_order_relaxed);
    return Count(result);
  }
  SendResult Count(SendResult result) {
    const int refusal = static_cast<int>(result) - static_cast<int>(SendResult::kNotConnected);
    refused_[refusal].fetch_add(1, std::memory_order_relaxed);
    return result;
  }

  const NodeId node_;
  const std::array<uint32_t, kLaneCount> messages_max_;
  const std::array<uint64_t, kLaneCount> bytes_max_;

  std::atomic<bool> wanted_{false};  // AddPeer was called, and not RemovePeer.
  std::atomic<State> state_{State::kRemoved};
  std::atomic<uint8_t> draining_{0};  // kDrainingHere, kDrainingThere
  std::array<Queue, kLaneCount> queues_;
  std::array<std::atomic<uint64_t>, kSendRefusalCount> refused_{};
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_PEER_GATE_H_
