#ifndef HAWSER_TRANSPORT_CREDIT_H_
#define HAWSER_TRANSPORT_CREDIT_H_

// Credit: what a link may still send before the other end has made room. Pure arithmetic.

#include <cstddef>
#include <cstdint>

namespace hawser {

// Units that only control frames may spend, so that an acknowledgement can always go out.
inline constexpr uint32_t kControlCreditReserve = 4;
// Further units that only the URGENT lane may spend.
inline constexpr uint32_t kUrgentCreditReserve = 4;

// The sender's half: absolute counts over the link's life, modulo 2^32.
//
// One per link. Invariant: spent <= granted.
class SendCredit {
 public:
  // `unit_bytes` is what one unit stands for.
  explicit SendCredit(uint32_t unit_bytes) : unit_bytes_(unit_bytes) {}

  // The grant in the peer's HELLO: counting starts here.
  void Start(uint32_t granted) { granted_ = granted; }

  // False when the grant goes backwards by more than reordering of threads could explain, or
  // jumps beyond reason: the peer's arithmetic is broken.
  bool OnGrant(uint32_t granted) {
    const int32_t step = static_cast<int32_t>(granted - granted_);
    if (step < 0 || granted - spent_ > kOutstandingMax) return false;
    granted_ = granted;
    return true;
  }

  uint32_t UnitsOf(size_t frame_bytes) const {
    return static_cast<uint32_t>((frame_bytes + unit_bytes_ - 1) / unit_bytes_);
  }
  bool MaySpend(uint32_t units, uint32_t reserve) const { return left() >= units + reserve; }
  void Spend(uint32_t units) { spent_ += units; }
  uint32_t left() const { return granted_ - spent_; }

 private:
  // No end grants more than this at a time.
  static constexpr uint32_t kOutstandingMax = 1u << 24;

  const uint32_t unit_bytes_;
  uint32_t granted_ = 0;
  uint32_t spent_ = 0;
};

// The receiver's half.
//
// One per link. Invariant: freed <= received <= granted; granted = freed + window.
class ReceiveCredit {
 public:
  ReceiveCredit(uint32_t unit_bytes, uint32_t window_bytes)
      : unit_bytes_(unit_bytes), window_(window_bytes / unit_bytes) {}

  // A frame arrived. False: the peer sent more than it was granted.
  bool OnReceived(size_t frame_bytes) {
    received_ += UnitsOf(frame_bytes);
    return received_ - freed_ <= window_;
  }
  // The memory of a frame is free again.
  void OnFreed(size_t frame_bytes) { freed_ += UnitsOf(frame_bytes); }

  // What to write into the next frame's header.
  uint32_t Grant() {
    told_ = freed_ + window_;
    return told_;
  }
  // True when a quarter of the window was freed and the peer does not know.
  bool GrantDue() const { return freed_ + window_ - told_ >= window_ / 4; }

 private:
  uint32_t UnitsOf(size_t frame_bytes) const {
    return static_cast<uint32_t>((frame_bytes + unit_bytes_ - 1) / unit_bytes_);
  }

  const uint32_t unit_bytes_;
  const uint32_t window_;
  uint32_t received_ = 0;
  uint32_t freed_ = 0;
  uint32_t told_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_CREDIT_H_
