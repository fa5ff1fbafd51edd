#include "transport/peer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/little_endian.h"
#include "base/log.h"
#include "transport/core.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kMs = 1000000;

CodecLimits LimitsOf(const Options& options) {
  CodecLimits limits;
  limits.message_bytes_max = options.message_bytes_max;
  limits.entries_max = options.message_entries_max;
  return limits;
}

AckPolicy AckPolicyOf(const Options& options) {
  return {options.ack_delay_ms * kMs, options.ack_frames_max, options.ack_bytes_max};
}

}  // namespace

Peer::Peer(Core* core, PeerGate* gate, std::vector<std::string> addresses)
    : core_(core),
      gate_(gate),
      addresses_(std::move(addresses)),
      since_ns_(core->now_ns()),
      backoff_(core->options().redial_delay_ms_min * kMs, core->options().redial_delay_ms_max * kMs,
               core->incarnation() ^ gate->node()),
      down_since_ns_(core->now_ns()),
      encoders_{MessageEncoder(LimitsOf(core->options())),
                MessageEncoder(LimitsOf(core->options())),
                MessageEncoder(LimitsOf(core->options()))},
      receive_(AckPolicyOf(core->options())),
      decoders_{MessageDecoder(LimitsOf(core->options())),
                MessageDecoder(LimitsOf(core->options())),
                MessageDecoder(LimitsOf(core->options()))} {
  gate_->set_connected(true);
  // The lower id dials at once, the other one only if nobody came: fewer ties.
  const bool first = core->options().node_id < gate->node();
  dial_at_ns_ = core->now_ns() + (first ? 0 : core->options().redial_delay_ms_max * kMs);
}

Peer::~Peer() { HAWSER_CHECK(quiet()); }

void Peer::SetState(PeerState state, CloseReason reason, absl::string_view text) {
  // kIdle <-> kConnecting -> kSettling -> kUp; every state may fall back to kIdle.
  HAWSER_CHECK(state == PeerState::kIdle || state != PeerState::kUp ||
               state_ == PeerState::kSettling);
  if (state != state_) since_ns_ = core_->now_ns();
  state_ = state;
  reason_ = reason;
  reason_text_.assign(text.data(), text.size());
}

void Peer::set_addresses(std::vector<std::string> addresses) {
  addresses_ = std::move(addresses);
  next_address_ = 0;
  if (session_ != nullptr) return;
  backoff_.Reset();
  dial_at_ns_ = core_->now_ns();
  core_->WakeAt(dial_at_ns_);
}

void Peer::Attach(Session* session) {
  if (session == dialling_) dialling_ = nullptr;
  if (session_ != nullptr) session_->Close(CloseReason::kReplaced, "a newer stream of this pair");
  session_ = session;
  started_by_peer_ = discarding_ = started_ = false;
  receive_.NewLink();
  for (FragmentJoiner& joiner : joiners_) joiner.Reset();
  const uint64_t incarnation = session->remote_hello().incarnation;
  if (incarnation != remote_incarnation_) {
    // Another process: what was on its way died with the old one.
    LoseInFlight(LossReason::kPeerRestarted);
    LoseBehindGap();
    receive_.StartEpoch(0);
    consumed_ = Position();
    fence_seen_ = 0;
    remote_incarnation_ = incarnation;
  }
  ++counters_.connects;
  SetState(PeerState::kSettling, CloseReason::kNone, "");
  fence_sent_ = core_->NextFence();
  char body[12];
  StoreLittle<uint32_t>(consumed_.epoch, body);
  StoreLittle<uint32_t>(consumed_.sequence, body + 4);
  StoreLittle<uint32_t>(fence_sent_, body + 8);
  session->SendControl(FrameType::kFence, absl::string_view(body, sizeof(body)));
  session->Flush();
}

CloseReason Peer::OnFence(uint32_t epoch, uint32_t sequence, uint32_t fence) {
  // A repeat of what was answered.
  if (fence_seen_ != 0 && !SequenceAfter(fence, fence_seen_)) return CloseReason::kNone;
  fence_seen_ = fence;
  // An older epoch: our last one never began there, all of it is lost. One that was sent before
  // this peer was removed and added again settles nothing.
  if (SequenceAfter(epoch, core_->last_epoch())) return CloseReason::kBadEpoch;
  if (epoch == send_.epoch() && Acknowledge(sequence) != CloseReason::kNone) {
    return CloseReason::kBadEpoch;
  }
  LoseInFlight(LossReason::kLinkLost);
  LoseBehindGap();
  TellOutage();
  StartSending();
  return CloseReason::kNone;
}

void Peer::StartSending() {
  if (!started_) send_.NewLink();
  send_.StartEpoch(core_->NextEpoch());
  for (MessageEncoder& encoder : encoders_) encoder.Reset();
  for (Fragments& fragments : fragments_) fragments = Fragments();
  started_ = true;
  char body[8];
  StoreLittle<uint32_t>(send_.epoch(), body);
  StoreLittle<uint32_t>(fence_seen_, body + 4);
  session_->SendControl(FrameType::kStart, absl::string_view(body, sizeof(body)));
  session_->Flush();
  gate_->set_connected(true);
  core_->MarkDirty(this);
  MaybeUp();
}

CloseReason Peer::OnStart(uint32_t epoch, uint32_t fence) {
  if (SequenceAfter(fence, fence_sent_)) return CloseReason::kBadEpoch;
  discarding_ = fence != fence_sent_;
  if (discarding_) return CloseReason::kNone;
  // An epoch ends by failure or by SWITCH: nothing ended the one that was started here.
  if (started_by_peer_ || !SequenceAfter(epoch, receive_.epoch())) return CloseReason::kBadEpoch;
  receive_.StartEpoch(epoch);
  for (MessageDecoder& decoder : decoders_) decoder.Reset();
  started_by_peer_ = true;
  MaybeUp();
  return CloseReason::kNone;
}

void Peer::MaybeUp() {
  if (!started_ || !started_by_peer_ || state_ == PeerState::kUp) return;
  SetState(PeerState::kUp, CloseReason::kNone, "");
  backoff_.Reset();
  dial_failures_ = 0;
  core_->handler()->OnPeerChange(node(), true, session_->link_kind(), CloseReason::kNone);
}

void Peer::Detach(CloseReason reason, absl::string_view text) {
  const bool was_up = state_ == PeerState::kUp;
  session_ = nullptr;
  started_ = false;
  down_since_ns_ = core_->now_ns();
  outage_.open = outage_.open || was_up;
  ++counters_.disconnects;
  Log(absl::StrCat("node ", node(), ": stream closed: ", CloseReasonName(reason), ": ", text));
  SetState(PeerState::kIdle, reason, text);
  ScheduleDial();
  if (was_up) core_->handler()->OnPeerChange(node(), false, LinkKind::kNone, reason);
}

void Peer::DialFailed(CloseReason reason, absl::string_view text) {
  dialling_ = nullptr;
  if (session_ != nullptr) return;
  if (LogThis(++dial_failures_)) {
    Log(absl::StrCat("node ", node(), ": cannot connect (", dial_failures_,
                     " times): ", CloseReasonName(reason), ": ", text));
  }
  SetState(PeerState::kIdle, reason, text);
  ScheduleDial();
}

void Peer::Refused(CloseReason reason, absl::string_view text) {
  core_->handler()->OnRefused(node(), reason, text);
}

void Peer::ScheduleDial() {
  dial_at_ns_ = core_->now_ns() + backoff_.Next();
  core_->WakeAt(dial_at_ns_);
}

void Peer::DialNow() {
  const std::string address = addresses_[next_address_++ % addresses_.size()];
  SetState(PeerState::kConnecting, reason_, std::string(reason_text_));
  dialling_ = core_->Dial(this, address);
}

void Peer::Tick() {
  const int64_t now_ns = core_->now_ns();
  if (session_ != nullptr) {
    if (receive_.AckDue(now_ns)) core_->MarkDirty(this);
    return;
  }
  if (dialling_ == nullptr && !addresses_.empty() && now_ns >= dial_at_ns_) DialNow();
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
    TellOutage();
  }
}

int64_t Peer::NextDeadline() const {
  if (session_ != nullptr) return started_by_peer_ ? receive_.AckDeadline() : kNever;
  int64_t deadline_ns = kNever;
  if (dialling_ == nullptr && !addresses_.empty()) deadline_ns = dial_at_ns_;
  if (gate_->state() == PeerGate::State::kOpen) {
    deadline_ns = std::min(deadline_ns, down_since_ns_ + core_->options().no_link_append_ms * kMs);
  }
  if (const QueuedMessage* oldest = queue_.front(Lane::kUrgent)) {
    deadline_ns =
        std::min(deadline_ns, oldest->accepted_ns + core_->options().no_link_urgent_ms * kMs);
  }
  return deadline_ns;
}

void Peer::Forget(QueuedMessage* message) {
  if (gate_->Leave(message->lane, message->payload_bytes)) {
    writable_due_ = true;
    core_->MarkDirty(this);
  }
  core_->Release(message);
}

void Peer::Outage::Add(GroupId group, uint64_t bytes, bool snapshot, LossReason reason) {
  open = true;
  by_reason[static_cast<int>(reason)].Add(bytes);
  GroupLoss& loss = groups[group];
  loss.group = group;
  ++loss.messages;
  loss.snapshot = loss.snapshot || snapshot;
}

void Peer::LoseInFlight(LossReason reason) {
  for (InFlightLane& lane : in_flight_) {
    lane.Drain([&](const InFlightMessage& message) {
      ledger_.LoseInFlight(message.payload_bytes, reason);
      outage_.Add(message.group, message.payload_bytes, message.snapshot, reason);
    });
  }
}

void Peer::LoseBehindGap() {
  if (outage_.groups.empty()) return;
  queue_.RemoveIf(
      Lane::kAppend,
      [&](const QueuedMessage& message) { return outage_.groups.contains(message.group); },
      [&](QueuedMessage* message) {
        ledger_.LoseQueued(message->payload_bytes, LossReason::kBehindGap);
        outage_.Add(message->group, message->payload_bytes, false, LossReason::kBehindGap);
        Forget(message);
      });
}

void Peer::LoseQueued(Lane lane, LossReason reason, int64_t accepted_before_ns) {
  queue_.RemoveIf(
      lane, [&](const QueuedMessage& message) { return message.accepted_ns <= accepted_before_ns; },
      [&](QueuedMessage* message) {
        ledger_.LoseQueued(message->payload_bytes, reason);
        outage_.Add(message->group, message->payload_bytes,
                    message->view.type == MessageType::kSnap, reason);
        Forget(message);
      });
}

void Peer::TellOutage() {
  if (!outage_.open) return;
  std::vector<GroupLoss> groups;
  for (const auto& [group, loss] : outage_.groups) groups.push_back(loss);
  std::sort(groups.begin(), groups.end(),
            [](const GroupLoss& a, const GroupLoss& b) { return a.group < b.group; });
  LossReport report;
  report.by_reason = outage_.by_reason;
  report.groups = groups;
  outage_ = Outage();
  core_->handler()->OnUnreachable(node(), report);
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
  status.addresses = addresses_;
  status.state = state_;
  status.reason = reason_;
  status.reason_text = reason_text_;
  status.since_ms = (core_->now_ns() - since_ns_) / kMs;
  status.link = session_ == nullptr ? LinkKind::kNone : session_->link_kind();
  status.link_reason = "rdma: not built into this version";
  status.incarnation = remote_incarnation_;
  status.send_epoch = send_.epoch();
  status.receive_epoch = receive_.epoch();
  status.ledger = ledger_;
  for (int i = 0; i < kLaneCount; ++i) {
    const Lane lane = static_cast<Lane>(i);
    status.queued[i] = queue_.tally(lane);
    status.in_flight[i] = in_flight_[i].tally();
    const Tally entered = gate_->entered(lane);
    // Another thread may be between the two counters just now.
    if (entered.messages > status.queued[i].messages && entered.bytes >= status.queued[i].bytes) {
      status.handed_over.messages += entered.messages - status.queued[i].messages;
      status.handed_over.bytes += entered.bytes - status.queued[i].bytes;
    }
  }
  status.frames_unacknowledged = send_.unacknowledged();
  status.credit_units_left = session_ == nullptr ? 0 : session_->credit_units_left();
  status.rtt_us = session_ == nullptr ? 0 : session_->rtt_ns() / 1000;
  return status;
}

void Peer::CheckInvariants() const {
  HAWSER_CHECK(ledger_.Balanced());
  Tally queued;
  Tally in_flight;
  for (int lane = 0; lane < kLaneCount; ++lane) {
    queued = queued + queue_.tally(static_cast<Lane>(lane));
    in_flight = in_flight + in_flight_[lane].tally();
  }
  HAWSER_CHECK(queued == ledger_.queued);
  HAWSER_CHECK(in_flight == ledger_.in_flight);
}

}  // namespace hawser
