#include "transport/peer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "base/check.h"
#include "transport/core.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kMs = 1000000;

CodecLimits LimitsOf(const Options& options) {
  CodecLimits limits;
  limits.message_bytes_max = options.message_bytes_max;
  limits.entries_max = options.message_entries_max;
  limits.groups_max = options.codec_groups_max;
  return limits;
}

Backoff BackoffOf(const Core& core, NodeId node) {
  const Options& options = core.options();
  return Backoff(options.redial_delay_ms_min * kMs, options.redial_delay_ms_max * kMs,
                 core.incarnation() ^ node);
}

void AddCounters(const CodecCounters& counters, std::array<CodecTally, kWireTypeCount>* tallies) {
  for (size_t type = 0; type < tallies->size(); ++type) {
    const CodecCounters::Kind& kind = counters.kinds[type];
    CodecTally& tally = (*tallies)[type];
    tally.predicted += kind.predicted;
    tally.missed += kind.missed;
    tally.bytes += kind.bytes;
    tally.raftpb_bytes += kind.raftpb_bytes;
  }
}

void FillLink(const Session& session, LinkStatus* status) {
  status->up = true;
  status->remote_address = session.remote_address();
  status->rtt_us = session.rtt_ns() / 1000;
  status->frames_unacknowledged = session.send().unacknowledged();
  status->credit_units_left = session.credit_units_left();
}

}  // namespace

Peer::Peer(Core* core, PeerGate* gate)
    : core_(core),
      gate_(gate),
      since_ns_(core->now_ns()),
      down_since_ns_(core->now_ns()),
      slots_{Slot(BackoffOf(*core, gate->node())), Slot(BackoffOf(*core, gate->node())),
             Slot(BackoffOf(*core, gate->node()))},
      rdma_only_(core->options().link_policy == LinkPolicy::kRdma),
      send_(LimitsOf(core->options()), core->transitions()),
      receive_(core->transitions()),
      decoders_{MessageDecoder(LimitsOf(core->options())),
                MessageDecoder(LimitsOf(core->options())),
                MessageDecoder(LimitsOf(core->options()))},
      leases_(std::make_shared<LeaseAccount>(core->options().leased_bytes_max,
                                             [core] { core->Wake(); })),
      calls_(core, this, LimitsOf(core->options())) {
  gate_->set_connected(true);
  gate_->set_draining_there(false);
}

Peer::~Peer() {
  HAWSER_CHECK(quiet());
  DropHeld();
  leases_->Detach();
}

bool Peer::HasBug(PlantedBug bug) const { return core_->planted_bug() == bug; }

void Peer::SetState(PeerState state, CloseReason reason, absl::string_view text) {
  if (state != state_) {
    core_->transitions()->Take(Machine::kPeer, static_cast<int>(state_), static_cast<int>(state));
    since_ns_ = settling_since_ns_ = core_->now_ns();
    // Who settles must do so in time.
    core_->WakeAt(core_->now_ns());
  }
  state_ = state;
  reason_ = reason;
  reason_text_.assign(text.data(), text.size());
}

void Peer::Tick() {
  const int64_t now_ns = core_->now_ns();
  for (int slot = 0; slot < kSlots; ++slot) {
    DialDue(slot);
    const Session* session = slots_[slot].session;
    if (session != nullptr && slots_[slot].session->receive().AckDue(now_ns)) {
      core_->MarkDirty(this);
    }
  }
  CheckRetired();
  if (selection_.again_ns != 0 && now_ns >= selection_.again_ns) Choose();
  CheckSwitchDeadline();
  calls_.Expire(now_ns);
  if (!has_way()) TickWithoutLink();
  if (drain_answer_due_ && NothingLeft()) core_->MarkDirty(this);
  CheckDrain();
}

void Peer::TickWithoutLink() {
  const int64_t now_ns = core_->now_ns();
  const Options& options = core_->options();
  LoseQueued(Lane::kUrgent, LossReason::kExpired, now_ns - options.no_link_urgent_ms * kMs);
  if (gate_->state() == PeerGate::State::kOpen &&
      now_ns >= down_since_ns_ + options.no_link_append_ms * kMs) {
    // Nobody came back in time: the outage is a fact.
    gate_->set_connected(false);
    LoseInFlight(LossReason::kLinkLost);
    LoseBehindGap();
  }
  if (gate_->state() == PeerGate::State::kNotConnected) {
    LoseQueued(Lane::kAppend, LossReason::kExpired, kNever);
    LoseQueued(Lane::kBulk, LossReason::kExpired, kNever);
    if (outage_told_ || !outage_.open()) return;
    outage_told_ = true;
    TellOutage();
  }
}

int64_t Peer::NextDeadline() const {
  int64_t deadline_ns = calls_.NextDeadlineNs();
  for (const Slot& slot : slots_) {
    if (slot.session != nullptr) deadline_ns = std::min(deadline_ns, AckWakeNs(slot.session));
    deadline_ns = std::min(deadline_ns, DialNs(slot));
  }
  if (receive_.switching()) deadline_ns = std::min(deadline_ns, receive_.switch_deadline_ns());
  if (selection_.again_ns != 0) deadline_ns = std::min(deadline_ns, selection_.again_ns);
  if (has_way()) return deadline_ns;
  if (gate_->state() == PeerGate::State::kOpen) {
    deadline_ns = std::min(deadline_ns, down_since_ns_ + core_->options().no_link_append_ms * kMs);
  }
  if (const QueuedMessage* oldest = queue_.front(Lane::kUrgent)) {
    deadline_ns =
        std::min(deadline_ns, oldest->accepted_ns + core_->options().no_link_urgent_ms * kMs);
  }
  return deadline_ns;
}

void Peer::Left(Lane lane, Tally messages) {
  if (!gate_->Leave(lane, messages)) return;
  writable_due_ = true;
  core_->MarkDirty(this);
}

void Peer::Forget(QueuedMessage* message) {
  Left(message->lane, {1, message->payload_bytes});
  core_->Release(message);
}

void Peer::ForgetLater(QueuedMessage* message) {
  Left(message->lane, {1, message->payload_bytes});
  core_->ReleaseLater(message);
}

void Peer::LoseInFlight(LossReason reason) {
  send_.Drain([&](const InFlightMessage& message) {
    ledger_.LoseInFlight(message.payload_bytes, reason);
    if (message.untold) return;
    outage_.Add(message.group, message.payload_bytes, message.snapshot, reason);
  });
  calls_.Fail();
}

void Peer::LoseQueuedMessage(QueuedMessage* message, LossReason reason) {
  ledger_.LoseQueued(message->payload_bytes, reason);
  if (!IsUntold(message->role)) {
    outage_.Add(message->group, message->payload_bytes, message->view.type == MessageType::kSnap,
                reason);
  }
  if (message->role != CallRole::kNone) calls_.Lost(message, reason);
  Forget(message);
}

template <typename Which>
void Peer::LoseQueuedIf(Lane lane, Which which, LossReason reason) {
  // One that is half sent goes on: its first pieces cannot be taken back.
  const QueuedMessage* const half_sent =
      send_.fragments(lane).left > 0 ? queue_.front(lane) : nullptr;
  queue_.RemoveIf(
      lane, [&](const QueuedMessage& message) { return &message != half_sent && which(message); },
      [&](QueuedMessage* message) { LoseQueuedMessage(message, reason); });
}

void Peer::LoseBehindGap() {
  if (!outage_.HasLoss()) return;
  LoseQueuedIf(
      Lane::kAppend,
      [&](const QueuedMessage& message) {
        return !IsUntold(message.role) && outage_.HasLossOf(message.group);
      },
      LossReason::kBehindGap);
}

void Peer::LoseQueued(Lane lane, LossReason reason, int64_t accepted_before_ns) {
  queue_.RemoveIf(
      lane, [&](const QueuedMessage& message) { return message.accepted_ns <= accepted_before_ns; },
      [&](QueuedMessage* message) { LoseQueuedMessage(message, reason); });
}

void Peer::LoseQueuedCalls() {
  for (int lane = 0; lane < kLaneCount; ++lane) {
    LoseQueuedIf(
        static_cast<Lane>(lane),
        [](const QueuedMessage& message) { return message.caller != nullptr; },
        LossReason::kOverPeerLimit);
  }
}

void Peer::LoseQueuedAnswers() {
  for (int lane = 0; lane < kLaneCount; ++lane) {
    LoseQueuedIf(
        static_cast<Lane>(lane),
        [](const QueuedMessage& message) { return message.role == CallRole::kAnswer; },
        LossReason::kExpired);
  }
}

void Peer::LoseOlderUrgent(const QueuedMessage& newest) {
  queue_.RemoveIf(
      Lane::kUrgent,
      [&](const QueuedMessage& message) {
        return &message != &newest && message.group == newest.group &&
               message.view.type == newest.view.type && message.role == CallRole::kNone;
      },
      [&](QueuedMessage* message) {
        ledger_.LoseQueued(message->payload_bytes, LossReason::kExpired);
        outage_.Add(message->group, message->payload_bytes, false, LossReason::kExpired);
        ForgetLater(message);
      });
}

void Peer::KeepNewestUrgent() {
  // Newest first would be simpler, but the queue runs one way: count, then drop all but the last.
  absl::flat_hash_map<std::pair<GroupId, MessageType>, int> waiting;
  const auto key = [](const QueuedMessage& message) {
    return std::make_pair(message.group, message.view.type);
  };
  queue_.ForEach(Lane::kUrgent, [&](const QueuedMessage& message) { ++waiting[key(message)]; });
  queue_.RemoveIf(
      Lane::kUrgent,
      [&](const QueuedMessage& message) {
        return --waiting[key(message)] > 0 && message.role == CallRole::kNone;
      },
      [&](QueuedMessage* message) { LoseQueuedMessage(message, LossReason::kExpired); });
}

void Peer::TellOutage() {
  if (!outage_.open()) return;
  outage_.Close([&](const LossReport& report) { core_->handler()->OnUnreachable(node(), report); });
}

void Peer::LoseAll(LossReason reason, bool tell) {
  LoseInFlight(reason);
  for (int lane = 0; lane < kLaneCount; ++lane) {
    LoseQueued(static_cast<Lane>(lane), reason, kNever);
  }
  if (tell) TellOutage();
  outage_ = Outage();
}

PeerStatus Peer::Describe() const {
  PeerStatus status = counters_;
  status.node = node();
  status.provisional = provisional_until_ns != 0;
  status.addresses = slots_[0].dialler.addresses();
  status.state = state_;
  status.reason = reason_;
  status.reason_text = reason_text_;
  status.drain = drain_;
  status.draining_there = gate_->draining_there();
  status.since_ms = (core_->now_ns() - since_ns_) / kMs;
  const Session* session = sending() != nullptr ? sending() : Preferred();
  status.link = session == nullptr ? LinkKind::kNone : session->kind();
  status.pinned = pinned_;
  for (int i = 0; i < kLinkStatusCount; ++i) status.links[i].kind = KindOf(i);
  status.selector_state = selection_.state;
  status.link_reason = selection_.reason;
  status.rdma_text = core_->rdma_absent().empty() ? rdma_text_ : core_->rdma_absent();
  status.selector_since_ms = (core_->now_ns() - selection_.since_ns) / kMs;
  status.checksums = session != nullptr && session->trailer_bytes() > 0;
  status.incarnation = remote_incarnation_;
  status.send_epoch = send_.current().number;
  status.receive_epoch = receive_.epoch();
  status.ledger = ledger_;
  for (int i = 0; i < kLaneCount; ++i) {
    const Lane lane = static_cast<Lane>(i);
    status.queued[i] = queue_.tally(lane);
    status.in_flight[i] = send_.in_flight(lane);
    status.unacknowledged_frame_bytes[i] = send_.unacked_bytes(lane);
    AddCounters(send_.codec_counters(lane), &status.codec_sent);
    AddCounters(decoders_[i].counters(), &status.codec_received);
    const Tally entered = gate_->entered(lane);
    // Another thread may be between the two counters just now.
    if (entered.messages > status.queued[i].messages && entered.bytes >= status.queued[i].bytes) {
      status.handed_over.messages += entered.messages - status.queued[i].messages;
      status.handed_over.bytes += entered.bytes - status.queued[i].bytes;
    }
  }
  status.refused = gate_->refused();
  calls_.Describe(&status);
  status.frames_held = receive_.held_count();
  status.leased_bytes = leases_->bytes();
  for (int i = 0; i < kSlots; ++i) {
    const Session* const attached = slots_[i].session;
    if (attached == nullptr) continue;
    status.frames_unacknowledged += attached->send().unacknowledged();
    if (i < kLinkStatusCount) FillLink(*attached, &status.links[i]);
  }
  status.credit_units_left = session == nullptr ? 0 : session->credit_units_left();
  status.rtt_us = session == nullptr ? 0 : session->rtt_ns() / 1000;
  return status;
}

void Peer::CheckInvariants() const {
  HAWSER_CHECK(ledger_.Balanced());
  Tally queued;
  Tally in_flight;
  for (int i = 0; i < kLaneCount; ++i) {
    const Lane lane = static_cast<Lane>(i);
    queued = queued + queue_.tally(lane);
    in_flight = in_flight + send_.in_flight(lane);
  }
  HAWSER_CHECK(queued == ledger_.queued);
  HAWSER_CHECK(in_flight == ledger_.in_flight);
  HAWSER_CHECK(receive_.has_held() ? receive_.state() == ReceiveState::kHolding : true);
  HAWSER_CHECK(send_.state() == SendState::kSwitching || send_.sealed().empty() || send_.closed());
}

}  // namespace hawser
