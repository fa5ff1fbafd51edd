#ifndef HAWSER_TRANSPORT_SEQUENCE_H_
#define HAWSER_TRANSPORT_SEQUENCE_H_

// Sequence numbers and acknowledgements of one direction of a stream. Pure arithmetic.

#include <cstddef>
#include <cstdint>
#include <limits>

#include "transport/frame.h"

namespace hawser {

// The sender's half of one direction.
//
// One per link: numbers run on over its epochs. Invariant: acked <= sent (modulo 2^32).
class SendSequence {
 public:
  uint32_t Next() { return ++sent_; }
  // False: `ack` acknowledges what was never sent, or takes an acknowledgement back.
  bool OnAck(uint32_t ack) {
    if (SequenceAfter(ack, sent_) || SequenceAfter(acked_, ack)) return false;
    acked_ = ack;
    return true;
  }

  uint32_t sent() const { return sent_; }
  uint32_t acked() const { return acked_; }
  uint32_t unacknowledged() const { return sent_ - acked_; }

 private:
  uint32_t sent_ = 0;
  uint32_t acked_ = 0;
};

// When the receiver acknowledges without being asked to send anything else.
struct AckPolicy {
  int64_t delay_ns;
  uint32_t frames_max;
  uint32_t bytes_max;
};

// The receiver's half of one direction.
//
// One per link. Invariant: told <= consumed <= received (modulo 2^32).
class ReceiveSequence {
 public:
  explicit ReceiveSequence(AckPolicy policy) : policy_(policy) {}

  // The next sequenced frame. False: a gap or a repeat.
  bool OnFrame(uint32_t sequence) { return sequence == ++received_; }
  // All frames up to `sequence` were consumed: the handler returned for their messages.
  void OnConsumed(uint32_t sequence, size_t frame_bytes, int64_t now_ns) {
    if (consumed_ == told_) oldest_ns_ = now_ns;
    consumed_ = sequence;
    unacked_bytes_ += frame_bytes;
  }
  // A new epoch begins after a fence: what came before it is settled and counts as consumed.
  void SkipToReceived() { consumed_ = received_; }

  // True when an acknowledgement must go out although nothing else does.
  bool AckDue(int64_t now_ns) const {
    return consumed_ != told_ && (consumed_ - told_ >= policy_.frames_max ||
                                  unacked_bytes_ >= policy_.bytes_max || now_ns >= AckDeadline());
  }
  // When AckDue turns true by time alone; the far future when nothing waits.
  int64_t AckDeadline() const {
    return consumed_ == told_ ? std::numeric_limits<int64_t>::max() : oldest_ns_ + policy_.delay_ns;
  }
  // What to write into the next frame's header.
  uint32_t Tell() {
    told_ = consumed_;
    unacked_bytes_ = 0;
    return told_;
  }

  uint32_t received() const { return received_; }
  uint32_t consumed() const { return consumed_; }

 private:
  const AckPolicy policy_;
  uint32_t received_ = 0;
  uint32_t consumed_ = 0;
  uint32_t told_ = 0;
  size_t unacked_bytes_ = 0;
  int64_t oldest_ns_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SEQUENCE_H_
