#ifndef HAWSER_TRANSPORT_RECEIVE_STREAM_H_
#define HAWSER_TRANSPORT_RECEIVE_STREAM_H_

// The receiving direction of a peer: which frames belong to it, and which must wait.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "base/ring.h"
#include "transport/close_reason.h"
#include "transport/frame.h"
#include "transport/ownership.h"
#include "transport/transitions.h"

namespace hawser {

class Session;

// Where the receiving direction stands. docs/wire_format.md, "Epochs".
enum class ReceiveState : uint8_t {
  kFenced,   // Nothing is consumed until the peer's START answers our newest FENCE.
  kLive,     // Frames of one epoch, on one link.
  kSealed,   // SWITCH has come, all before it is consumed; the next epoch's START has not.
  kHolding,  // The next epoch's START has come on another link, SWITCH has not: its frames wait.
};

// A frame of the next epoch that waits for the end of this one.
struct HeldFrame {
  FrameHeader header;
  absl::string_view body;
  size_t frame_bytes = 0;
  ReceiveBuffer* buffer = nullptr;
  Lease lease;  // on `buffer`
};

// The epochs of one direction, as its receiver decides them.
//
// One per Peer, owned by it. It knows links only as names for where frames come from. Pure; loop
// thread only.
// Invariants: a live link exactly in kLive and kHolding (kSealed: perhaps); held frames only in
// kHolding.
class ReceiveStream {
 public:
  enum class Route : uint8_t { kConsume, kHold, kBadEpoch };

  explicit ReceiveStream(TransitionCounts* transitions) : transitions_(transitions) {}

  // START with our newest fence, on `session`. kNone or kBadEpoch. Afterwards kLive (a new epoch:
  // the codec begins anew) or kHolding.
  CloseReason OnStart(Session* session, uint32_t epoch, int64_t switch_deadline_ns);
  // SWITCH on `session`. kNone or kBadEpoch. Afterwards kSealed, or kLive: what is held is to be
  // consumed now, as the new epoch.
  CloseReason OnSwitch(Session* session, uint32_t next_epoch, int64_t switch_deadline_ns);

  Route RouteOf(const Session* session) const;
  void Hold(HeldFrame frame) { held_.push_back(std::move(frame)); }
  // Takes out the first held frame. REQUIRES: has_held().
  HeldFrame TakeHeld();
  bool has_held() const { return !held_.empty(); }
  size_t held_count() const { return held_.size(); }

  // A frame of the live epoch was consumed.
  void OnConsumed(uint32_t sequence) { consumed_ = {epoch_, sequence}; }

  // Decides that nothing after what was consumed ever will be. Held frames stay to be taken out.
  void Fence();
  // `session` is gone. True: the direction has failed and must be fenced.
  bool OnSessionGone(const Session* session);
  // Another process is at the other end.
  void Forget();

  ReceiveState state() const { return state_; }
  bool fenced() const { return state_ == ReceiveState::kFenced; }
  bool switching() const {
    return state_ == ReceiveState::kSealed || state_ == ReceiveState::kHolding;
  }
  int64_t switch_deadline_ns() const { return switch_deadline_ns_; }
  Session* live() const { return live_; }
  Session* next() const { return next_; }
  uint32_t epoch() const { return epoch_; }
  // How far the peer's frames were consumed, over all links: what a FENCE says.
  struct Position {
    uint32_t epoch = 0;
    uint32_t sequence = 0;  // of the epoch's link
  };
  Position consumed() const { return consumed_; }
  // The newest epoch of which anything was heard.
  uint32_t epoch_seen() const { return next_epoch_ == 0 ? epoch_ : next_epoch_; }

 private:
  void SetState(ReceiveState state);
  void GoLive(Session* session, uint32_t epoch);

  TransitionCounts* const transitions_;
  ReceiveState state_ = ReceiveState::kFenced;
  uint32_t epoch_ = 0;
  Session* live_ = nullptr;
  uint32_t next_epoch_ = 0;  // kSealed, kHolding
  Session* next_ = nullptr;  // kHolding
  int64_t switch_deadline_ns_ = 0;
  Position consumed_;
  Ring<HeldFrame> held_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RECEIVE_STREAM_H_
