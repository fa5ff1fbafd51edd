#include "tests/sim/oracle.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace hawser {
namespace {

Tally TotalOf(const std::array<Tally, kLossReasonCount>& by_reason) {
  Tally total;
  for (const Tally& tally : by_reason) total = total + tally;
  return total;
}

std::string Text(Tally tally) { return absl::StrCat(tally.messages, " (", tally.bytes, " bytes)"); }

Tally Minus(Tally a, Tally b) { return {a.messages - b.messages, a.bytes - b.bytes}; }

bool AtMost(Tally a, Tally b) { return a.messages <= b.messages && a.bytes <= b.bytes; }

// What one link may bring before it is consumed: in frames, and in bytes.
uint64_t WindowFrames(const Options& options) {
  return std::max<uint64_t>(options.receive_window_bytes / kGrpcCreditUnitBytes,
                            options.rdma_receive_slots - kRdmaUngrantedSlots);
}
uint64_t WindowBytes(const Options& options) {
  return std::max<uint64_t>(
      options.receive_window_bytes,
      uint64_t{options.rdma_receive_slots - kRdmaUngrantedSlots} * options.rdma_slot_bytes);
}

uint64_t PeerKey(uint32_t process, NodeId peer) { return uint64_t{process} << 32 | peer; }

// Processes, groups and lanes are few.
uint64_t StreamKey(uint32_t from, uint32_t to, GroupId group, Lane lane) {
  return uint64_t{from} << 44 | uint64_t{to} << 24 | group << 2 | static_cast<uint64_t>(lane);
}

const Tally& Of(const std::array<Tally, kLossReasonCount>& by_reason, LossReason reason) {
  return by_reason[static_cast<int>(reason)];
}

}  // namespace

void Oracle::Fail(std::string text) {
  trace_->Line("BROKEN: ", text);
  if (failure_.empty()) failure_ = absl::StrCat("at ", trace_->now_ms(), " ms: ", text);
}

std::string Oracle::Name(const SimAccount& account) const {
  return absl::StrCat("node ", account.from, " (process ", account.process, ") to ", account.to);
}

std::string Oracle::Name(const SimMessage& message) const {
  return absl::StrCat("#", message.number, " ", SimKindName(message.kind), " of group ",
                      message.group, ", ", Name(accounts_[message.account]));
}

uint32_t Oracle::OpenAccount(uint32_t process, NodeId from, NodeId to) {
  accounts_.emplace_back();
  SimAccount& account = accounts_.back();
  account.number = static_cast<uint32_t>(accounts_.size() - 1);
  account.process = process;
  account.from = from;
  account.to = to;
  auto before = closed_.find(PeerKey(process, to));
  if (before != closed_.end()) {
    SimAccount& last = accounts_[before->second];
    account.inherited = Minus(last.accepted + last.inherited, last.ledger.accepted);
    if (account.inherited.messages > 0) last.heir = account.number;
  }
  return account.number;
}

void Oracle::CloseAccount(uint32_t account_number, const PeerStatus* last) {
  SimAccount& account = accounts_[account_number];
  if (last != nullptr) {
    account.ledger = last->ledger;
    // Nothing is left: the process stopped.
    CheckLedger(account, *last);
    if (last->ledger.queued.messages + last->ledger.in_flight.messages != 0) {
      Fail(absl::StrCat(Name(account), ": stopped with messages queued or in flight"));
    }
  } else {
    closed_[PeerKey(account.process, account.to)] = account_number;
  }
  counts_.acknowledged += account.ledger.acknowledged.messages;
  counts_.acknowledged_bytes += account.ledger.acknowledged.bytes;
  counts_.superseded += account.ledger.superseded.messages;
  for (int i = 0; i < kLossReasonCount; ++i) counts_.lost[i] += account.ledger.lost[i].messages;
}

SimMessage* Oracle::NewMessage(uint32_t account_number) {
  const SimAccount& account = accounts_[account_number];
  messages_.emplace_back();
  SimMessage& message = messages_.back();
  message.number = messages_.size();
  message.account = account_number;
  message.process = account.process;
  message.from_node = account.from;
  message.to_node = account.to;
  return &message;
}

Hold Oracle::HoldOf(SimMessage* message) {
  message->with_hold = true;
  FillBlock(message);
  return {&Oracle::Release, message};
}

void Oracle::Release(void* argument) {
  auto* message = static_cast<SimMessage*>(argument);
  // A second release is found by CheckEnd: the block is gone, the message says so.
  if (message->released) {
    message->released_twice = true;
    return;
  }
  message->released = true;
  std::memset(message->block.get(), 0xdd, message->payload_bytes + 1);
}

void Oracle::OnSent(SimMessage* message, SendResult result, int64_t now_ns) {
  message->sent_ns = now_ns;
  message->accepted = result == SendResult::kAccepted;
  if (trace_->on())
    trace_->Line("send ", Name(*message), ", ", message->payload_bytes,
                 " bytes: ", SendResultName(result));
  if (!message->accepted) {
    ++counts_.refused;
    if (message->released) Fail(absl::StrCat(Name(*message), ": refused, and its Hold released"));
    message->block.reset();
    return;
  }
  ++counts_.accepted;
  SimAccount& account = accounts_[message->account];
  account.accepted.Add(message->payload_bytes);
  ++account.groups[message->group].accepted;
  CountHeartbeat(&account, *message);
}

void Oracle::CountHeartbeat(SimAccount* account, const SimMessage& message) {
  if (message.type != MessageType::kHeartbeat) return;
  if (message.context_bytes > 0) return;
  const SimMessage*& last = account->last_heartbeat[message.term << 24 | message.group];
  if (last != nullptr && !last->delivered) ++account->superseded_max;
  last = &message;
}

SimMessage* Oracle::OnMessage(uint32_t process, NodeId node, NodeId from, GroupId group,
                              const MessageView& view, int64_t now_ns) {
  const uint64_t number = NumberIn(view);
  if (number == 0 || number > messages_.size()) {
    Fail(absl::StrCat("node ", node, " received #", number, " from ", from, ": never sent"));
    return nullptr;
  }
  SimMessage& message = messages_[number - 1];
  if (trace_->on()) trace_->Line("deliver ", Name(message), ", in process ", process);
  SimViewRoom room;
  if (!message.accepted) {
    Fail(absl::StrCat("received ", Name(message), ": Send refused it"));
  } else if (message.from_node != from || message.to_node != node || message.group != group) {
    Fail(absl::StrCat("received ", Name(message), ": as of group ", group, " from ", from, " to ",
                      node));
  } else if (view != ViewOf(message, /*own=*/false, &room)) {
    Fail(absl::StrCat("received ", Name(message), ": with another content"));
  } else if (message.delivered) {
    Fail(absl::StrCat("received ", Name(message), ": twice"));
  }
  message.delivered = true;
  uint64_t& last = last_delivered_[StreamKey(message.process, process, group, message.lane)];
  if (number < last) Fail(absl::StrCat("received ", Name(message), ": behind #", last));
  last = number;
  ++counts_.delivered;
  counts_.delivered_bytes += message.payload_bytes;
  const int lane = static_cast<int>(message.lane);
  ++counts_.delivered_in[lane];
  counts_.longest_ns[lane] = std::max(counts_.longest_ns[lane], now_ns - message.sent_ns);
  return &message;
}

void Oracle::OnReturned(SimMessage* message) {
  uint32_t number = message->account;
  do {
    SimAccount& account = accounts_[number];
    account.delivered.Add(message->payload_bytes);
    SimAccount::Group& group = account.groups[message->group];
    ++group.delivered;
    group.snapshots_delivered += message->type == MessageType::kSnap;
    number = account.heir;
  } while (number != 0);
}

void Oracle::OnUnreachable(uint32_t account_number, const LossReport& report) {
  SimAccount& account = accounts_[account_number];
  ++counts_.reports;
  const Tally total = TotalOf(report.by_reason);
  if (trace_->on()) trace_->Line("unreachable: ", Name(account), ", lost ", Text(total));
  uint64_t in_groups = 0;
  for (const GroupLoss& loss : report.groups) {
    SimAccount::Group& group = account.groups[loss.group];
    group.reported += loss.messages;
    in_groups += loss.messages;
    if (loss.messages == 0 || group.reported > group.accepted + account.inherited.messages) {
      Fail(absl::StrCat(Name(account), ": reports ", group.reported, " lost of ", group.accepted,
                        " in group ", loss.group));
    }
  }
  if (in_groups != total.messages) {
    Fail(absl::StrCat(Name(account), ": a report of ", total.messages, " lost has ", in_groups,
                      " in its groups"));
  }
  if (report.empty() && account.told_empty) {
    Fail(absl::StrCat(Name(account), ": the same outage told twice"));
  }
  account.told_empty = report.empty();
  for (int i = 0; i < kLossReasonCount; ++i) {
    account.reported[i] = account.reported[i] + report.by_reason[i];
  }
}

void Oracle::OnSnapshotAcknowledged(uint32_t account_number, GroupId group_id) {
  SimAccount& account = accounts_[account_number];
  SimAccount::Group& group = account.groups[group_id];
  if (++group.snapshots_acknowledged > group.snapshots_delivered) {
    Fail(absl::StrCat(Name(account), ": a snapshot of group ", group_id,
                      " is acknowledged and was not delivered"));
  }
}

void Oracle::CheckLedger(const SimAccount& account, const PeerStatus& status) {
  const Ledger& ledger = status.ledger;
  if (!ledger.Balanced()) Fail(absl::StrCat(Name(account), ": the ledger does not balance"));
  const Tally seen = ledger.accepted + status.handed_over;
  if (!AtMost(account.accepted, seen) || !AtMost(seen, account.accepted + account.inherited)) {
    Fail(absl::StrCat(Name(account), ": the ledger has accepted ", Text(ledger.accepted), " and ",
                      Text(status.handed_over), " handed over, Send ", Text(account.accepted)));
  }
  if (!AtMost(ledger.acknowledged, account.delivered)) {
    Fail(absl::StrCat(Name(account), ": acknowledged ", Text(ledger.acknowledged), ", delivered ",
                      Text(account.delivered)));
  }
  if (ledger.superseded.messages > account.superseded_max + account.inherited.messages) {
    Fail(absl::StrCat(Name(account), ": superseded ", ledger.superseded.messages, ", at most ",
                      account.superseded_max, " were replaced"));
  }
  // What never went out cannot have arrived.
  const Tally not_sent = ledger.superseded + Of(ledger.lost, LossReason::kBehindGap) +
                         Of(ledger.lost, LossReason::kExpired) +
                         Of(ledger.lost, LossReason::kOverPeerLimit);
  if (account.inherited.messages == 0 && !AtMost(account.delivered + not_sent, account.accepted)) {
    Fail(absl::StrCat(Name(account), ": delivered ", Text(account.delivered), ", never sent ",
                      Text(not_sent), ", accepted ", Text(account.accepted)));
  }
}

void Oracle::CheckReports(const SimAccount& account, const PeerStatus& status) {
  // All that was lost is told before the next epoch begins.
  const bool told = status.state == PeerState::kUp || (status.state == PeerState::kSettling &&
                                                       status.send_epoch != account.send_epoch);
  for (int i = 0; i < kLossReasonCount; ++i) {
    const Tally lost = status.ledger.lost[i];
    const Tally reported = account.reported[i];
    if (reported == lost || (!told && AtMost(reported, lost))) continue;
    Fail(absl::StrCat(Name(account), ": lost(", LossReasonName(static_cast<LossReason>(i)), ") ",
                      Text(lost), ", reported ", Text(reported), ", ", PeerStateName(status.state),
                      " in epoch ", status.send_epoch));
  }
}

void Oracle::CheckMemory(const SimAccount& account, const PeerStatus& status) {
  const Options& options = scenario_.options;
  const uint64_t held_max = 2 * WindowFrames(options);
  if (status.frames_held > held_max) {
    Fail(absl::StrCat(Name(account), ": ", status.frames_held, " frames are held"));
  }
  const std::array<uint64_t, kLaneCount> messages_max = {options.urgent_queue_messages_max,
                                                         options.append_queue_messages_max,
                                                         options.bulk_queue_messages_max};
  const std::array<uint64_t, kLaneCount> bytes_max = {
      options.urgent_queue_bytes_max, options.append_queue_bytes_max, options.bulk_queue_bytes_max};
  for (int lane = 0; lane < kLaneCount; ++lane) {
    // An empty queue takes any message.
    const Tally queued = status.queued[lane];
    if (queued.messages <= messages_max[lane] &&
        (queued.messages <= 1 || queued.bytes <= bytes_max[lane])) {
      continue;
    }
    Fail(absl::StrCat(Name(account), ": ", Text(queued), " are queued in ",
                      LaneName(static_cast<Lane>(lane))));
  }
}

uint64_t Oracle::LeasedBytesMax() const {
  // Over the limit may be what two links were granted, and two messages: one whose pieces were
  // being joined, and the one that is too many.
  return scenario_.options.leased_bytes_max + 2 * WindowBytes(scenario_.options) +
         2 * kSimMessageBytesMax;
}

bool Oracle::LeasesMuch(const PeerStatus& status) const {
  return status.leased_bytes > LeasedBytesMax();
}

void Oracle::CheckLeases(uint32_t account_number, const PeerStatus& status,
                         const SimLeases& leases) {
  const SimAccount& account = accounts_[account_number];
  // The limit is not for urgent messages. A message that was copied out has a header.
  constexpr uint64_t kBlockHeaderBytesMax = 64;
  const uint64_t bytes_max =
      LeasedBytesMax() + leases.urgent_bytes + leases.buffers * kBlockHeaderBytesMax;
  if (status.leased_bytes <= bytes_max) return;
  Fail(absl::StrCat(Name(account), ": ", status.leased_bytes, " bytes are leased, at most ",
                    bytes_max, " may be; ", leases.urgent_bytes, " of them urgent"));
}

void Oracle::Check(uint32_t account_number, const PeerStatus& status) {
  SimAccount& account = accounts_[account_number];
  CheckLedger(account, status);
  CheckReports(account, status);
  CheckMemory(account, status);
  if (status.state != account.state) {
    trace_->Line("state ", Name(account), ": ", PeerStateName(account.state), " -> ",
                 PeerStateName(status.state), " (", status.reason_text, ")");
  }
  if (status.state == PeerState::kUp) account.told_empty = false;
  counts_.leased_bytes_max = std::max(counts_.leased_bytes_max, status.leased_bytes);
  counts_.queued_bytes_max = std::max(counts_.queued_bytes_max, status.ledger.queued.bytes);
  counts_.in_flight_bytes_max =
      std::max(counts_.in_flight_bytes_max, status.ledger.in_flight.bytes);
  counts_.switches += status.switches - account.switches;
  counts_.fallbacks += status.fallbacks - account.fallbacks;
  account.switches = status.switches;
  account.fallbacks = status.fallbacks;
  account.state = status.state;
  account.ledger = status.ledger;
  account.handed_over = status.handed_over;
  account.incarnation = status.incarnation;
  account.send_epoch = status.send_epoch;
  account.credit_units_left = status.credit_units_left;
}

void Oracle::CheckSettled(uint32_t account_number, const PeerStatus& status) {
  const SimAccount& account = accounts_[account_number];
  const Ledger& ledger = status.ledger;
  if (!(ledger.acknowledged + ledger.superseded + TotalOf(ledger.lost) == ledger.accepted)) {
    Fail(absl::StrCat(Name(account), ": at rest, and not all is settled"));
  }
  if (scenario_.processes_stay && !(account.delivered == ledger.acknowledged)) {
    Fail(absl::StrCat(Name(account), ": at rest, delivered ", Text(account.delivered),
                      ", acknowledged ", Text(ledger.acknowledged)));
  }
  uint64_t unexplained = 0;
  for (const auto& [id, group] : account.groups) {
    if (group.accepted > group.delivered + group.reported) {
      unexplained += group.accepted - group.delivered - group.reported;
    }
  }
  if (unexplained > ledger.superseded.messages) {
    Fail(absl::StrCat(Name(account), ": ", unexplained, " messages vanished, ",
                      ledger.superseded.messages, " were superseded"));
  }
  const uint32_t window_units = scenario_.options.receive_window_bytes / kGrpcCreditUnitBytes;
  if (status.link == LinkKind::kGrpc && status.credit_units_left < window_units / 2) {
    Fail(absl::StrCat(Name(account), ": at rest with ", status.credit_units_left, " of ",
                      window_units, " units"));
  }
}

void Oracle::CheckEnd() {
  for (const SimMessage& message : messages_) {
    if (!message.with_hold || !message.accepted) continue;
    if (message.released_twice) Fail(absl::StrCat(Name(message), ": Hold released twice"));
    if (!message.released) Fail(absl::StrCat(Name(message), ": Hold never released"));
  }
}

}  // namespace hawser
