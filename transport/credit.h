#ifndef HAWSER_TRANSPORT_CREDIT_H_
#define HAWSER_TRANSPORT_CREDIT_H_

// Credit: what a link may still send before the other end has made room. Pure arithmetic.

#include <cstddef>
#include <cstdint>

namespace hawser {

// Units that must be left after a frame was sent, by what the frame is: the last ones are kept for
// frames that let the peer go on (docs/wire_format.md, "No deadlock").
inline constexpr uint32_t kCreditLeftByAppendAndBulk = 8;
inline constexpr uint32_t kCreditLeftByUrgentAndControl = 4;
inline constexpr uint32_t kCreditLeftByAck = 2;
inline constexpr uint32_t kCreditLeftByPing = 1;
inline constexpr uint32_t kCreditLeftByLastWords = 0;  // PONG, GOAWAY

// The sender's half: absolute counts over the link's life, modulo 2^32.
//
// One per link. Invariant: spent <= granted.
class SendCredit {
 public:
  // `unit_bytes` is what one unit stands for.
  explicit SendCredit(uint32_t unit_bytes) : unit_bytes_(unit_bytes) {}

  // The grant in the peer's HELLO: counting starts here.
  void Start(uint32_t granted) {
    granted_ = granted;
    started_ = true;
  }
  bool started() const { return started_; }
  // The least that a first grant must be, so that the largest frame can always go some time.
  uint32_t FirstGrantMin(size_t frame_bytes_max) const {
    const uint32_t units = 2 * UnitsOf(frame_bytes_max) + 16;
    return units < 32 ? 32 : units;
  }

  // False when the grant goes back, or further ahead than any window: the peer's count is broken.
  bool OnGrant(uint32_t granted) {
    const int32_t step = static_cast<int32_t>(granted - granted_);
    if (step < 0 || granted - spent_ > kOutstandingMax) return false;
    granted_ = granted;
    return true;
  }

  uint32_t UnitsOf(size_t frame_bytes) const {
    return static_cast<uint32_t>((frame_bytes + unit_bytes_ - 1) / unit_bytes_);
  }
  // Whether a frame may go that must leave `must_be_left` units.
  bool MaySpend(uint32_t units, uint32_t must_be_left) const {
    return left() >= units + must_be_left;
  }
  void Spend(uint32_t units) { spent_ += units; }
  uint32_t left() const { return granted_ - spent_; }

 private:
  // No end grants more than this at a time.
  static constexpr uint32_t kOutstandingMax = 1u << 24;

  const uint32_t unit_bytes_;
  uint32_t granted_ = 0;
  uint32_t spent_ = 0;
  bool started_ = false;
};

// The receiver's half.
//
// One per link. Invariant: freed + withheld <= received <= told <= freed + window.
class ReceiveCredit {
 public:
  ReceiveCredit(uint32_t unit_bytes, uint32_t window_bytes)
      : unit_bytes_(unit_bytes), window_(window_bytes / unit_bytes) {}

  // A frame arrived. False: the peer sent more than it was told to have.
  bool OnReceived(size_t frame_bytes) {
    received_ += UnitsOf(frame_bytes);
    return static_cast<int32_t>(told_ - received_) >= 0;
  }
  // The memory of a frame is free again.
  void OnFreed(size_t frame_bytes, bool sequenced) {
    freed_ += UnitsOf(frame_bytes);
    sequenced_untold_ = sequenced_untold_ || sequenced;
  }
  // The same, but its units are granted only by ReleaseWithheld: what leases pin is at its limit.
  void Withhold(size_t frame_bytes) { withheld_ += UnitsOf(frame_bytes); }
  void ReleaseWithheld() {
    if (withheld_ == 0) return;
    freed_ += withheld_;
    withheld_ = 0;
    sequenced_untold_ = true;
  }
  uint32_t withheld() const { return withheld_; }

  // What to write into the next frame's header.
  uint32_t Grant() {
    told_ = freed_ + window_;
    sequenced_untold_ = false;
    return told_;
  }
  // True when the peer must be told although nothing else is sent: a quarter of the window was
  // freed since, or a message's units were and the peer may have too few left to send one.
  bool GrantDue() const {
    return freed_ + window_ - told_ >= window_ / 4 ||
           (sequenced_untold_ && told_ - received_ <= kCreditLeftByAppendAndBulk);
  }

 private:
  uint32_t UnitsOf(size_t frame_bytes) const {
    return static_cast<uint32_t>((frame_bytes + unit_bytes_ - 1) / unit_bytes_);
  }

  const uint32_t unit_bytes_;
  const uint32_t window_;
  uint32_t received_ = 0;
  uint32_t freed_ = 0;
  uint32_t told_ = 0;
  uint32_t withheld_ = 0;
  bool sequenced_untold_ = false;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_CREDIT_H_
