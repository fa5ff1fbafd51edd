// A peer's epochs: fences and settlement, orderly switches. docs/wire_format.md, "Epochs".

#include "base/little_endian.h"
#include "transport/control.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

}  // namespace

void Peer::SendDue(Session* session) {
  Session::Role& role = session->role;
  bool sent = false;
  if (role.fence_due) {
    char body[12];
    StoreLittle<uint32_t>(receive_.consumed().epoch, body);
    StoreLittle<uint32_t>(receive_.consumed().sequence, body + 4);
    StoreLittle<uint32_t>(fence_sent_, body + 8);
    if (!session->SendControl(FrameType::kFence, absl::string_view(body, sizeof(body)))) return;
    role.fence_due = false;
    role.fence_carried = fence_sent_;
    sent = true;
  }
  if (role.fence_request_due) {
    if (session->SendControl(FrameType::kControl, EncodeFenceRequest(failed_epoch_))) {
      role.fence_request_due = false;
      sent = true;
    }
  }
  if (role.renew_due && session->SendControl(FrameType::kControl, EncodeRenew(role.please_dial))) {
    role.renew_due = false;
    sent = true;
  }
  sent = SendDrain(session) || sent;
  if (sent) session->Flush();
}

// --- Receiving ---

void Peer::Fence() {
  Session* const held_from = receive_.next();
  receive_.Fence();
  while (receive_.has_held()) {
    const HeldFrame frame = receive_.TakeHeld();
    held_from->Free(frame.frame_bytes);
  }
  for (FragmentJoiner& joiner : joiners_) joiner.Reset();
  calls_.Fail();
  calls_.ForgetServed();
  LoseQueuedAnswers();
  if (SequenceAfter(receive_.epoch(), fenced_up_to_)) fenced_up_to_ = receive_.epoch();
  fence_sent_ = core_->NextFence();
  settling_since_ns_ = core_->now_ns();
  for (const Slot& slot : slots_) {
    if (slot.session == nullptr) continue;
    if (!HasBug(PlantedBug::kNoEpochFence)) {
      slot.session->role.discarding = slot.session->role.started;
    }
    slot.session->role.fence_due = true;
  }
  if (state_ == PeerState::kUp && attached()) SetState(PeerState::kSettling, reason_, "");
  core_->MarkDirty(this);
}

void Peer::DropHeld() {
  while (receive_.has_held()) receive_.TakeHeld();
}

void Peer::CountFallback() {
  if (rdma_only_ || fallback_at_ == counters_.connects) return;
  fallback_at_ = counters_.connects;
  ++counters_.fallbacks;
}

void Peer::OnFenceRequest(uint32_t epoch) {
  // Repeated on each link: fenced once.
  if (!SequenceAfter(epoch, fenced_up_to_)) return;
  if (state_ == PeerState::kUp && both_attached()) CountFallback();
  Fence();
  fenced_up_to_ = epoch;
}

CloseReason Peer::OnStart(Session* session, uint32_t epoch, uint32_t fence) {
  if (!MayCarry(session->kind())) return CloseReason::kBadEpoch;
  if (fence_sent_ == 0 || SequenceAfter(fence, fence_sent_)) return CloseReason::kBadEpoch;
  session->role.started = true;
  if (fence != fence_sent_) {
    session->role.discarding = true;
    return CloseReason::kNone;
  }
  const bool after_fence = receive_.fenced();
  const CloseReason reason =
      receive_.OnStart(session, epoch, core_->now_ns() + core_->options().switch_timeout_ms * kMs);
  if (reason != CloseReason::kNone) return reason;
  session->role.discarding = false;
  if (after_fence) session->receive().SkipToReceived();
  if (receive_.state() == ReceiveState::kLive) {
    BeginReceiveEpoch();
  } else if (HasBug(PlantedBug::kSwitchIgnored)) {
    receive_.OnSwitch(receive_.live(), epoch, 0);
    BeginReceiveEpoch();
  } else {
    core_->WakeAt(receive_.switch_deadline_ns());
  }
  MaybeUp();
  return CloseReason::kNone;
}

CloseReason Peer::OnSwitch(Session* session, uint32_t next_epoch) {
  if (session->role.discarding || HasBug(PlantedBug::kSwitchIgnored)) return CloseReason::kNone;
  for (const FragmentJoiner& joiner : joiners_) {
    if (joiner.busy()) return CloseReason::kBadFrame;
  }
  const CloseReason reason = receive_.OnSwitch(
      session, next_epoch, core_->now_ns() + core_->options().switch_timeout_ms * kMs);
  if (reason != CloseReason::kNone) return reason;
  if (receive_.state() == ReceiveState::kLive) {
    BeginReceiveEpoch();
    ConsumeHeld();
  } else {
    core_->WakeAt(receive_.switch_deadline_ns());
  }
  return CloseReason::kNone;
}

void Peer::BeginReceiveEpoch() {
  if (HasBug(PlantedBug::kPredictorNotReset)) return;
  for (MessageDecoder& decoder : decoders_) decoder.Reset();
}

void Peer::CheckSwitchDeadline() {
  if (!receive_.switching() || core_->now_ns() < receive_.switch_deadline_ns()) return;
  Session* const old = receive_.state() == ReceiveState::kHolding ? receive_.live() : nullptr;
  if (state_ == PeerState::kUp && both_attached()) CountFallback();
  Fence();
  if (old != nullptr) old->Close(CloseReason::kLinkError, "a switch was not complete in time");
}

// --- Sending ---

CloseReason Peer::OnFence(Session* session, uint32_t epoch, uint32_t sequence, uint32_t fence) {
  // A repeat of what was answered.
  if (fence_seen_ != 0 && !SequenceAfter(fence, fence_seen_)) return CloseReason::kNone;
  // An older epoch: our last one never began there, all of it is lost. One that was sent before
  // this peer was removed and added again settles nothing.
  if (SequenceAfter(epoch, core_->last_epoch())) return CloseReason::kBadEpoch;
  const bool settled =
      send_.Settle(epoch, sequence, [&](const InFlightMessage& message) { Acknowledged(message); });
  if (!settled) return CloseReason::kBadEpoch;
  fence_seen_ = fence;
  settling_since_ns_ = core_->now_ns();
  failed_epoch_ = 0;
  if (state_ == PeerState::kUp && both_attached()) CountFallback();
  CloseFenced(session);
  LoseInFlight(LossReason::kLinkLost);
  LoseBehindGap();
  // Without a way more will be lost, and is told with it.
  if (has_way()) TellOutage();
  if (state_ == PeerState::kUp) SetState(PeerState::kSettling, reason_, "");
  start_due_ = true;
  TryStart();
  return CloseReason::kNone;
}

void Peer::CloseFenced(const Session* survivor) {
  // What carried frames that were not consumed has failed at the peer; so has the link of the epoch
  // if the FENCE came another way: a START on it would be in vain.
  Session* const current = send_.current().session;
  Session* const sealed = send_.sealed().empty() ? nullptr : send_.sealed().session;
  send_.Fail();
  for (Session* session : {current, sealed}) {
    if (session != nullptr && session != survivor && session->state() == SessionState::kAttached) {
      session->Close(CloseReason::kLinkError, "the peer fenced what it carried");
    }
  }
}

void Peer::TryStart() {
  Session* session = Preferred();
  if (!start_due_ || session == nullptr) return;
  char body[8];
  if (!session->MaySendControl(FrameType::kStart, sizeof(body))) return;
  // What was lost while there was no way.
  TellOutage();
  const uint32_t epoch = core_->NextEpoch();
  StoreLittle<uint32_t>(epoch, body);
  StoreLittle<uint32_t>(fence_seen_, body + 4);
  session->SendControl(FrameType::kStart, absl::string_view(body, sizeof(body)));
  start_due_ = false;
  for (const Slot& slot : slots_) {
    if (slot.session != nullptr) slot.session->role.fence_request_due = false;
  }
  send_.Open(epoch, session, session->send().sent(), session->remote_hello().codec_groups_max);
  session->Flush();
  start_ping_ = session->RequestPing();
  gate_->set_connected(true);
  core_->MarkDirty(this);
  MaybeUp();
}

void Peer::TrySwitch() {
  // Until START is known to have come, one on another link could overtake it.
  if (!send_switch_wanted() || !send_.MaySwitch() || !sending()->Answered(start_ping_)) return;
  Session* const from = sending();
  Session* const to = Preferred();
  char body[8];
  if (!from->MaySendControl(FrameType::kSwitch, 4) ||
      !to->MaySendControl(FrameType::kStart, sizeof(body))) {
    return;
  }
  const uint32_t epoch = core_->NextEpoch();
  StoreLittle<uint32_t>(epoch, body);
  StoreLittle<uint32_t>(fence_seen_, body + 4);
  from->SendControl(FrameType::kSwitch, absl::string_view(body, 4));
  from->Flush();
  to->SendControl(FrameType::kStart, absl::string_view(body, sizeof(body)));
  to->Flush();
  send_.Switch(epoch, to, to->send().sent(), to->remote_hello().codec_groups_max);
  start_ping_ = to->RequestPing();
  // Its PONG tells that SWITCH was seen, also when no frame waits for an acknowledgement.
  switch_ping_ = from->RequestPing();
  ++counters_.switches;
  Choose();
  if (to->kind() != from->kind()) {
    counters_.upgrades += to->kind() == LinkKind::kRdma;
    core_->handler()->OnPeerChange(node(), true, to->kind(), CloseReason::kNone);
  }
}

void Peer::CheckSwitchDone() {
  if (send_.state() != SendState::kSwitching || !send_.sealed().empty() ||
      !send_.sealed().session->Answered(switch_ping_)) {
    return;
  }
  send_.SwitchDone();
  Choose();
  core_->MarkDirty(this);
}

void Peer::MaybeUp() {
  if (send_.closed() || receive_.fenced() || state_ != PeerState::kSettling) return;
  SetState(PeerState::kUp, CloseReason::kNone, "");
  told_up_ = true;
  core_->handler()->OnPeerChange(node(), true, sending()->kind(), CloseReason::kNone);
}

}  // namespace hawser
