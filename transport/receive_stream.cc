#include "transport/receive_stream.h"

#include <utility>

#include "base/check.h"

namespace hawser {

void ReceiveStream::SetState(ReceiveState state) {
  transitions_->Take(Machine::kReceive, static_cast<int>(state_), static_cast<int>(state));
  state_ = state;
}

void ReceiveStream::GoLive(Session* session, uint32_t epoch) {
  SetState(ReceiveState::kLive);
  live_ = session;
  epoch_ = epoch;
  next_ = nullptr;
  next_epoch_ = 0;
}

CloseReason ReceiveStream::OnStart(Session* session, uint32_t epoch, int64_t switch_deadline_ns) {
  if (!SequenceAfter(epoch, epoch_)) return CloseReason::kBadEpoch;
  switch (state_) {
    case ReceiveState::kFenced:
      GoLive(session, epoch);
      return CloseReason::kNone;
    case ReceiveState::kLive:
      // An epoch ends by failure or by SWITCH: nothing ended the one of this link.
      if (session == live_) return CloseReason::kBadEpoch;
      SetState(ReceiveState::kHolding);
      next_ = session;
      next_epoch_ = epoch;
      switch_deadline_ns_ = switch_deadline_ns;
      return CloseReason::kNone;
    case ReceiveState::kSealed:
      if (session == live_ || epoch != next_epoch_) return CloseReason::kBadEpoch;
      GoLive(session, epoch);
      return CloseReason::kNone;
    case ReceiveState::kHolding:
      return CloseReason::kBadEpoch;
  }
  return CloseReason::kBadEpoch;
}

CloseReason ReceiveStream::OnSwitch(Session* session, uint32_t next_epoch,
                                    int64_t switch_deadline_ns) {
  if (session != live_ || !SequenceAfter(next_epoch, epoch_)) return CloseReason::kBadEpoch;
  if (state_ == ReceiveState::kLive) {
    SetState(ReceiveState::kSealed);
    next_epoch_ = next_epoch;
    switch_deadline_ns_ = switch_deadline_ns;
    return CloseReason::kNone;
  }
  if (state_ != ReceiveState::kHolding || next_epoch != next_epoch_) return CloseReason::kBadEpoch;
  GoLive(next_, next_epoch_);
  return CloseReason::kNone;
}

ReceiveStream::Route ReceiveStream::RouteOf(const Session* session) const {
  const bool consumes = state_ == ReceiveState::kLive || state_ == ReceiveState::kHolding;
  if (consumes && session == live_) return Route::kConsume;
  if (state_ == ReceiveState::kHolding && session == next_) return Route::kHold;
  return Route::kBadEpoch;
}

HeldFrame ReceiveStream::TakeHeld() {
  HeldFrame frame = std::move(held_.front());
  held_.pop_front();
  return frame;
}

void ReceiveStream::Fence() {
  if (!fenced()) SetState(ReceiveState::kFenced);
  // The epoch that was announced is fenced with the live one.
  epoch_ = epoch_seen();
  next_epoch_ = 0;
  live_ = next_ = nullptr;
}

bool ReceiveStream::OnSessionGone(const Session* session) {
  if (fenced()) return false;
  if (state_ == ReceiveState::kSealed) {
    // All that it carried was consumed.
    if (session == live_) live_ = nullptr;
    return false;
  }
  return session == live_ || session == next_;
}

void ReceiveStream::Forget() {
  HAWSER_CHECK(fenced() && !has_held());
  epoch_ = 0;
  consumed_ = Position();
}

}  // namespace hawser
