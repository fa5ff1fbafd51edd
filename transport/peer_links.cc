// A peer's links: dialled, attached, doubted, gone.

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

}  // namespace

bool Peer::attached() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.session != nullptr; });
}

int64_t Peer::DialNs(const Slot& slot) const {
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  if (drained()) return kNever;
  if (&slot == &slots_[SlotOf(LinkKind::kRdma)]) {
    // That takes the thread milliseconds: what was lost is settled first.
    return selection_.make_rdma && (rdma_only_ || !settling()) ? slot.dialler.DueNs() : kNever;
  }
  if (slot.session == nullptr) return slot.dialler.DueNs();
  // One renewal at a time: the link before it is let go of first.
  const bool renew =
      slot.session->role.expiring && renewal_ns_ != 0 && slots_[kRetiring].session == nullptr;
  return renew ? std::max(slot.dialler.DueNs(), renewal_ns_) : kNever;
}

void Peer::set_addresses(std::vector<std::string> addresses, bool wait) {
  const int64_t wait_ms = wait ? core_->options().redial_delay_ms_max : 0;
  slots_[SlotOf(LinkKind::kGrpc)].dialler.set_addresses(std::move(addresses),
                                                        core_->now_ns() + wait_ms * kMs);
  core_->WakeAt(core_->now_ns());
}

void Peer::DialDue(int slot) {
  Dialler& dialler = slots_[slot].dialler;
  if (core_->now_ns() < DialNs(slots_[slot])) return;
  if (KindOf(slot) == LinkKind::kRdma && core_->tickets() != nullptr) return AskForTicket();
  const std::string address = dialler.NextAddress();
  if (state_ == PeerState::kIdle) {
    SetState(PeerState::kConnecting, reason_, std::string(reason_text_));
  }
  dialler.set_session(core_->Dial(this, KindOf(slot), address));
}

void Peer::OfferRdma(const Session* grpc) {
  // RDMA links are dialled by the lower id only, where the other end says that it listens.
  if (core_->rdma_addresses().empty() || core_->options().node_id > node()) return;
  slots_[SlotOf(LinkKind::kRdma)].dialler.set_addresses(grpc->remote_hello().rdma_addresses,
                                                        core_->now_ns());
  core_->WakeAt(core_->now_ns());
}

void Peer::Attach(Session* session) {
  Slot& slot = slots_[SlotOf(session->kind())];
  if (slot.dialler.session() == session) slot.dialler.set_session(nullptr);
  const uint64_t incarnation = session->remote_hello().incarnation;
  if (slot.session != nullptr && slot.session->role.expiring &&
      incarnation == remote_incarnation_) {
    Retire(&slot);
  } else if (slot.session != nullptr) {
    slot.session->Close(CloseReason::kReplaced, "a newer link of this pair");
  }
  if (incarnation != remote_incarnation_) OnOtherProcess(session, incarnation);
  slot.session = session;
  rdma_only_ = core_->options().link_policy == LinkPolicy::kRdma ||
               (session->remote_hello().features_required & kFeatureRdmaOnly) != 0;
  if (!calls_.TakeLimits(session->remote_hello())) LoseQueuedCalls();
  slot.dialler.Succeeded();
  ++counters_.connects;
  if (state_ != PeerState::kUp) SetState(PeerState::kSettling, CloseReason::kNone, "");
  if (receive_.fenced()) {
    // The same fence again if a link that carried it is still open, else a new one: the peer may
    // have answered it on the link that is gone.
    const bool carried = std::any_of(slots_.begin(), slots_.end(), [&](const Slot& other) {
      return other.session != nullptr && other.session != session && fence_sent_ != 0 &&
             other.session->role.fence_carried == fence_sent_;
    });
    if (!carried) fence_sent_ = core_->NextFence();
    session->role.fence_due = true;
  } else if (session->dialled_by_us()) {
    // Nothing to fence: this commits the link.
    session->SendControl(FrameType::kAck, "");
    session->Flush();
  }
  session->role.fence_request_due = failed_epoch_ != 0;
  session->role.drain_due = drain_ != DrainState::kNone;
  if (session->kind() == LinkKind::kGrpc) OfferRdma(session);
  selection_.measure = false;  // With a new link it begins anew.
  Choose();
  SendDue(session);
  core_->MarkDirty(this);
}

void Peer::Renew(Session* session) {
  const bool we_dial = !slots_[SlotOf(session->kind())].dialler.addresses().empty();
  session->role.renew_due = true;
  session->role.please_dial = !we_dial;
  OnRenew(session, we_dial);
}

void Peer::OnRenew(Session* session, bool please_dial) {
  session->role.expiring = true;
  if (please_dial && renewal_ns_ == 0) {
    // The lower id is first: of two that come up at once one is closed, and may be in use already.
    const bool first = core_->options().node_id < node();
    renewal_ns_ = core_->now_ns() + (first ? 0 : core_->options().hello_timeout_ms * kMs);
  }
  core_->WakeAt(core_->now_ns());
  core_->MarkDirty(this);
}

void Peer::Retire(Slot* slot) {
  if (Session* older = slots_[kRetiring].session) {
    older->Close(CloseReason::kReplaced, "the second link before the newest of this pair");
  }
  slots_[kRetiring].session = std::exchange(slot->session, nullptr);
  retired_ns_ = 0;
  renewal_ns_ = 0;
}

void Peer::CheckRetired() {
  Session* old = slots_[kRetiring].session;
  if (old == nullptr) return;
  const bool used = (!send_.closed() && sending() == old) ||
                    (send_.state() == SendState::kSwitching && send_.sealed().session == old) ||
                    receive_.live() == old || receive_.next() == old;
  if (used) {
    retired_ns_ = 0;
    return;
  }
  const int64_t now_ns = core_->now_ns();
  if (retired_ns_ == 0) retired_ns_ = now_ns;
  // The other end may still wait for what its own switch needs.
  const int64_t close_ns = retired_ns_ + core_->options().switch_timeout_ms * kMs;
  if (now_ns < close_ns) return core_->WakeAt(close_ns);
  old->Close(CloseReason::kReplaced, "a newer link took over");
}

bool Peer::IsOtherProcess(uint64_t incarnation) const {
  return attached() && incarnation != remote_incarnation_;
}

void Peer::Challenge(Session* newcomer) {
  if (challenger_ != nullptr) {
    Session* older = std::exchange(challenger_, nullptr);
    older->Close(CloseReason::kReplaced, "a newer process of this node came");
  }
  challenger_ = newcomer;
  for (int slot = 0; slot < kSlots; ++slot) {
    Session* session = slots_[slot].session;
    challenge_pings_[slot] = session == nullptr ? 0 : session->RequestPing();
  }
}

void Peer::ForgetChallenger(const Session* newcomer) {
  if (challenger_ == newcomer) challenger_ = nullptr;
}

void Peer::OnPong(LinkKind kind, int64_t rtt_ns) {
  counters_.links[SlotOf(kind)].rtt.Add(rtt_ns);
  CheckSwitchDone();
  Measure();
  if (send_switch_wanted()) core_->MarkDirty(this);
  for (int slot = 0; slot < kSlots && challenger_ != nullptr; ++slot) {
    Session* session = slots_[slot].session;
    const bool lives = session != nullptr && challenge_pings_[slot] != 0 &&
                       session->Answered(challenge_pings_[slot]);
    if (!lives) continue;
    Session* newcomer = std::exchange(challenger_, nullptr);
    newcomer->Close(CloseReason::kDuplicateNode, "a live process has this node's id");
  }
}

void Peer::OnOtherProcess(const Session* session, uint64_t incarnation) {
  for (const Slot& slot : slots_) {
    if (slot.session != nullptr && slot.session != session) {
      slot.session->Close(CloseReason::kSupersededIncarnation, "the node was restarted");
    }
  }
  // What was on its way died with the old process.
  LoseInFlight(LossReason::kPeerRestarted);
  LoseBehindGap();
  if (!receive_.fenced()) Fence();
  receive_.Forget();
  fence_seen_ = failed_epoch_ = fenced_up_to_ = 0;
  start_due_ = false;
  remote_incarnation_ = incarnation;
}

void Peer::Detach(Session* session, CloseReason reason, absl::string_view text) {
  const bool retired = slots_[kRetiring].session == session;
  Slot& slot = slots_[retired ? kRetiring : SlotOf(session->kind())];
  const bool was_up = state_ == PeerState::kUp;
  const bool had_way = has_way();
  slot.session = nullptr;
  if (session->kind() == LinkKind::kRdma) {
    rdma_text_ = absl::StrCat(CloseReasonName(reason), ": ", text);
  }
  ++counters_.disconnects;
  Log(absl::StrCat("node ", node(), ": ", LinkKindName(session->kind()),
                   " link closed: ", CloseReasonName(reason), ": ", text));
  // When RDMA is tried again is said by the choice of a link.
  if (session->kind() != LinkKind::kRdma) {
    slot.dialler.Schedule(core_->now_ns(), IsSlow(reason));
  }
  core_->WakeAt(core_->now_ns());
  const bool sealed = send_.state() == SendState::kSwitching && send_.sealed().session == session;
  if (!send_.closed() && (sending() == session || sealed)) {
    failed_epoch_ = send_.current().number;
    send_.Fail();
    for (const Slot& other : slots_) {
      if (other.session != nullptr) other.session->role.fence_request_due = true;
    }
  }
  if (receive_.OnSessionGone(session)) Fence();
  CheckAsked();
  // The answer may have been lost with it.
  if (drain_ == DrainState::kDraining && !drained_there_) AskToDrain();
  Choose();
  if (session->kind() == LinkKind::kGrpc && !retired) {
    renewal_ns_ = 0;
    // Its tickets die with it; the link that it helped to make lives on.
    slots_[SlotOf(LinkKind::kRdma)].dialler.set_addresses({}, 0);
    asking_ = false;
    if (core_->tickets() != nullptr) core_->tickets()->Void(node());
  }
  if (!attached()) {
    OnLastLinkGone();
    SetState(PeerState::kIdle, reason, text);
  } else if ((was_up || !has_way()) && !drained() && (send_.closed() || receive_.fenced())) {
    CountFallback();
    SetState(PeerState::kSettling, reason, text);
  }
  if (had_way && !has_way()) OnWayLost();
  core_->MarkDirty(this);
}

void Peer::OnLastLinkGone() {
  if (!receive_.fenced()) Fence();
  // With those that were half sent when their calls were fenced.
  LoseQueuedAnswers();
  // A fence that was not answered comes again, the same or a newer one: only then begins an epoch.
  if (std::exchange(start_due_, false)) fence_seen_ = 0;
  drained_there_ = false;
  if (Session* newcomer = std::exchange(challenger_, nullptr)) newcomer->DoubtResolved();
}

void Peer::OnWayLost() {
  const bool was_up = std::exchange(told_up_, false);
  down_since_ns_ = core_->now_ns();
  // What its host has ended is no outage.
  if (was_up && !drained()) outage_.Open();
  outage_told_ = false;
  KeepNewestUrgent();
  if (was_up) core_->handler()->OnPeerChange(node(), false, LinkKind::kNone, reason_);
}

void Peer::DialFailed(Session* session, CloseReason reason, absl::string_view text) {
  Dialler& dialler = slots_[SlotOf(session->kind())].dialler;
  if (dialler.session() != session) return;
  dialler.set_session(nullptr);
  const bool rdma = session->kind() == LinkKind::kRdma;
  if (rdma) {
    rdma_text_ = absl::StrCat(CloseReasonName(reason), ": ", text);
    Choose(/*rdma_not_made=*/true);
  } else {
    dialler.Schedule(core_->now_ns(), IsSlow(reason));
  }
  core_->WakeAt(core_->now_ns());
  if (attached() && !rdma) return;
  if (const uint64_t failures = dialler.CountFailure(); LogThis(failures)) {
    Log(absl::StrCat("node ", node(), ": cannot connect (", failures,
                     " times): ", CloseReasonName(reason), ": ", text));
  }
  if (!attached()) SetState(PeerState::kIdle, reason, text);
}

void Peer::Refused(CloseReason reason, absl::string_view text) {
  core_->handler()->OnRefused(node(), reason, text);
}

}  // namespace hawser
