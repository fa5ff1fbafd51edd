// A peer's drain: nothing new comes in, what was accepted is acknowledged, then the links close.
// docs/wire_format.md, "Draining".

#include <algorithm>

#include "transport/control.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;
// Who was refused in the gate just now wakes nobody.
constexpr int64_t kLookNs = 10 * kMs;

}  // namespace

bool Peer::NothingLeft() const { return gate_->Empty() && quiet() && calls_.served() == 0; }

void Peer::Drain() {
  if (drain_ != DrainState::kNone) return;
  drain_ = DrainState::kDraining;
  ++drain_number_;
  drain_deadline_ns_ = 0;
  AskToDrain();
}

void Peer::Resume() {
  if (drain_ == DrainState::kNone) return;
  drain_ = DrainState::kNone;
  AskToDrain();
}

void Peer::AskToDrain() {
  drained_there_ = false;
  for (const Slot& slot : slots_) {
    if (slot.session != nullptr) slot.session->role.drain_due = true;
  }
  core_->MarkDirty(this);
}

void Peer::OnDrain(Session* session, DrainStep step, uint32_t number) {
  switch (step) {
    case DrainStep::kAsk:
      session->role.drain_asked = true;
      drain_answer_due_ = true;
      drain_asked_ = number;
      break;
    case DrainStep::kDone:
      drained_there_ = drained_there_ || number == drain_number_;
      break;
    case DrainStep::kOff:
      for (const Slot& slot : slots_) {
        if (slot.session != nullptr) slot.session->role.drain_asked = false;
      }
      break;
  }
  CheckAsked();
  core_->MarkDirty(this);
}

void Peer::CheckAsked() {
  // It asks on each link: with the last of them that is forgotten.
  const bool asked = std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return slot.session != nullptr && slot.session->role.drain_asked;
  });
  gate_->set_draining_there(asked);
  drain_answer_due_ = drain_answer_due_ && asked;
}

bool Peer::SendDrain(Session* session) {
  bool sent = false;
  if (session->role.drain_due) {
    const DrainStep step = drain_ == DrainState::kNone ? DrainStep::kOff : DrainStep::kAsk;
    sent = session->SendControl(FrameType::kControl, EncodeDrain(step, drain_number_));
    session->role.drain_due = !sent;
  }
  if (drain_answer_due_ && NothingLeft() &&
      session->SendControl(FrameType::kControl, EncodeDrain(DrainStep::kDone, drain_asked_))) {
    drain_answer_due_ = false;
    sent = true;
  }
  return sent;
}

void Peer::CheckDrain() {
  // One that was removed has nothing more to say.
  if (drain_ != DrainState::kDraining || gate_->peer != this) return;
  if (!NothingLeft()) {
    if (quiet()) core_->WakeAt(core_->now_ns() + kLookNs);
    return;
  }
  if (attached() && !drained_there_) {
    const int64_t now_ns = core_->now_ns();
    if (drain_deadline_ns_ == 0) {
      drain_deadline_ns_ = now_ns + core_->options().hello_timeout_ms * kMs;
    }
    if (now_ns < drain_deadline_ns_) return core_->WakeAt(drain_deadline_ns_);
  }
  drain_ = DrainState::kDrained;
  const bool told = told_up_;
  // gRPC first: that RDMA is gone is no loss then.
  for (const Slot& slot : slots_) {
    if (slot.session != nullptr) slot.session->Close(CloseReason::kDrained, "the host drains it");
  }
  core_->CloseSessions(node(), CloseReason::kDrained, "the host drains it");
  SetState(PeerState::kIdle, CloseReason::kDrained, "by this node's host");
  if (!told) {
    core_->handler()->OnPeerChange(node(), false, LinkKind::kNone, CloseReason::kDrained);
  }
}

}  // namespace hawser
