#include "tests/sim/sim_process.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kMs = 1000000;

Options OptionsOf(const Scenario& scenario, NodeId id) {
  Options options = scenario.options;
  options.node_id = id;
  options.cluster_id = "simulated";
  // What one end keeps is not what the other does.
  if ((scenario.seed + id) % 3 == 0) options.codec_groups_max = 2;
  // One that leaves it to the others: of each two nodes one asks for RDMA alone.
  if (id == 2) options.link_policy = LinkPolicy::kAuto;
  return options;
}

}  // namespace

SimProcess::SimProcess(SimWorld* world, uint32_t number, NodeId id, const std::string& address,
                       const std::vector<NodeId>& peers)
    : world_(world), number_(number), id_(id), address_(address) {
  FakeNodeParts parts;
  parts.address = address;
  parts.rdma = world->scenario.rdma;
  parts.handler = this;
  parts.planted_bug = world->scenario.planted_bug;
  node_ = std::make_unique<FakeNode>(&world->network, OptionsOf(world->scenario, id),
                                     MixBits(number + world->scenario.seed) | 1, parts);
  node_->links().before_sleep = [this] { SendDue(&before_sleep_); };
  for (const NodeId peer : peers) AddPeer(peer);
  node_->Start();
  world->trace.Line("start node ", id, " as process ", number, " at ", address);
}

SimProcess::~SimProcess() {
  if (alive()) End(/*kill=*/true);
}

void SimProcess::End(bool kill) {
  world_->trace.Line(kill ? "kill" : "stop", " node ", id_, ", process ", number_);
  if (kill) {
    node_->Kill();
  } else {
    node_->Stop();
  }
  for (const auto& [peer, account] : accounts_) {
    if (node_->core().FindPeer(peer) == nullptr) {
      world_->oracle.CloseAccount(account, nullptr);
      continue;
    }
    const PeerStatus status = node_->Describe(peer);
    world_->oracle.CloseAccount(account, &status);
  }
  accounts_.clear();
  world_->transitions.Add(*node_->core().transitions());
  node_.reset();
}

void SimProcess::AddPeer(NodeId peer) {
  world_->trace.Line("node ", id_, ", process ", number_, ": add peer ", peer);
  removed_.erase(peer);
  if (provisional_.erase(peer) == 0)
    accounts_[peer] = world_->oracle.OpenAccount(number_, id_, peer);
  node_->PostAddPeer(peer, {FakeAddress(peer)});
}

void SimProcess::RemovePeer(NodeId peer, bool for_good) {
  if (for_good) removed_.insert(peer);
  world_->trace.Line("node ", id_, ", process ", number_, ": remove peer ", peer);
  world_->oracle.CloseAccount(accounts_.at(peer), nullptr);
  accounts_.erase(peer);
  node_->PostRemovePeer(peer);
}

void SimProcess::PinLink(NodeId peer, LinkKind kind) {
  // Its loop may not know the peer yet.
  if (node_->core().FindPeer(peer) == nullptr) return;
  world_->trace.Line("node ", id_, ", process ", number_, ": pin ", peer, " to ",
                     LinkKindName(kind));
  node_->PinLink(peer, kind);
}

int64_t SimProcess::NextTurnNs() const {
  if (!alive()) return kNever;
  return std::max({node_->NextTurnNs(), paused_until_ns_, busy_until_ns_});
}

void SimProcess::Turn() {
  node_->Turn();
  CheckAccounts();
}

void SimProcess::CloseExpelled() {
  for (auto peer = provisional_.begin(); peer != provisional_.end();) {
    if (node_->core().FindPeer(*peer) != nullptr) {
      ++peer;
      continue;
    }
    world_->trace.Line("node ", id_, ", process ", number_, ": provisional peer ", *peer, " goes");
    world_->oracle.CloseAccount(accounts_.at(*peer), nullptr);
    accounts_.erase(*peer);
    peer = provisional_.erase(peer);
  }
}

void SimProcess::CheckAccounts() {
  if (!provisional_.empty()) CloseExpelled();
  for (const auto& [peer, account] : accounts_) {
    if (node_->core().FindPeer(peer) == nullptr) continue;
    const PeerStatus status = node_->Describe(peer);
    world_->oracle.Check(account, status);
    if (world_->oracle.LeasesMuch(status)) {
      world_->oracle.CheckLeases(account, status, LeasesOf(peer));
    }
  }
  CheckAwake();
}

SimLeases SimProcess::LeasesOf(NodeId peer) const {
  SimLeases leases;
  absl::flat_hash_set<const ReceiveBuffer*> buffers;
  for (const auto& [number, kept] : leases_) {
    if (kept->message->from_node != peer) continue;
    if (kept->lease.empty() || !buffers.insert(kept->lease.buffer()).second) continue;
    ++leases.buffers;
    if (kept->message->lane == Lane::kUrgent) leases.urgent_bytes += kept->lease.pinned_bytes();
  }
  return leases;
}

void SimProcess::CheckAwake() {
  if (node_->inbox_waits() && node_->NextTurnNs() > world_->network.now_ns()) {
    world_->oracle.Fail(absl::StrCat("node ", id_, " sleeps; messages of other threads wait"));
  }
}

bool SimProcess::AtRest() const {
  for (const auto& [peer, number] : accounts_) {
    const SimAccount& account = world_->oracle.account(number);
    if (account.state != PeerState::kUp || account.handed_over.messages != 0 ||
        account.ledger.queued.messages + account.ledger.in_flight.messages != 0) {
      return false;
    }
  }
  return !node_->inbox_waits();
}

void SimProcess::CheckSettled() {
  for (const auto& [peer, account] : accounts_) {
    world_->oracle.CheckSettled(account, node_->Describe(peer));
  }
}

std::string SimProcess::DescribePeers() const {
  std::string text;
  for (const auto& [peer, number] : accounts_) {
    const SimAccount& account = world_->oracle.account(number);
    absl::StrAppend(&text, "peer ", peer, " ", PeerStateName(account.state), ", ",
                    account.ledger.queued.messages, " queued, ", account.ledger.in_flight.messages,
                    " in flight, ", account.handed_over.messages, " handed over, ",
                    account.credit_units_left, " units left; ");
  }
  return text;
}

SimKind SimProcess::DrawKind() {
  const auto& kinds = world_->scenario.kinds;
  uint64_t total = 0;
  for (const uint32_t weight : kinds) total += weight;
  uint64_t drawn = world_->random.Below(total);
  for (int i = 0; i < kSimKindCount; ++i) {
    if (drawn < kinds[i]) return static_cast<SimKind>(i);
    drawn -= kinds[i];
  }
  return SimKind::kHeartbeat;
}

void SimProcess::SendSome(NodeId to, int count, bool from_outside) {
  for (int i = 0; i < count; ++i) SendKind(to, DrawKind(), from_outside);
}

void SimProcess::SendKind(NodeId to, SimKind kind, bool from_outside) {
  auto account = accounts_.find(to);
  if (!alive() || account == accounts_.end()) return;
  SimRandom* random = &world_->random;
  SimMessage* message = world_->oracle.NewMessage(account->second);
  message->kind = kind;
  message->group = random->Below(static_cast<uint64_t>(world_->scenario.groups));
  streams_[to << 32 | message->group].Draw(random, message);
  const bool with_hold = random->Percent(world_->scenario.holds_percent);
  Hold hold;
  if (with_hold) hold = world_->oracle.HoldOf(message);
  SimViewRoom room;
  const MessageView view = ViewOf(*message, with_hold, &room);
  const SendResult result = from_outside ? node_->SendFromOutside(to, message->group, view, hold)
                                         : node_->Send(to, message->group, view, hold);
  world_->oracle.OnSent(message, result, world_->network.now_ns());
  if (from_outside && !node_->in_turn()) CheckAwake();
}

void SimProcess::SendLater(NodeId to, int count, bool in_callback) {
  (in_callback ? in_callback_ : before_sleep_).push_back({to, count});
}

void SimProcess::SendDue(std::vector<Later>* later) {
  if (later->empty()) return;
  for (const Later& due : std::exchange(*later, {})) {
    SendSome(due.to, due.count, /*from_outside=*/true);
  }
}

bool SimProcess::Answers() {
  return world_->troubled && world_->random.Percent(world_->scenario.answers_percent);
}

void SimProcess::OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) {
  SimMessage* sent =
      world_->oracle.OnMessage(number_, id_, from, group, message, world_->network.now_ns());
  if (sent == nullptr) return;
  busy_until_ns_ = std::max(busy_until_ns_, world_->network.now_ns()) + handler_ns_;
  SendDue(&in_callback_);
  if (Answers()) {
    const SimKind kind =
        message.type == MessageType::kApp ? SimKind::kAppendResponse : SimKind::kHeartbeatResponse;
    SendKind(from, kind, /*from_outside=*/false);
  }
  if (world_->troubled && (world_->random.Percent(world_->scenario.leases_percent) ||
                           world_->network.now_ns() < hold_until_ns_)) {
    Keep(sent, message, std::move(lease));
  }
  world_->oracle.OnReturned(sent);
}

void SimProcess::Keep(const SimMessage* message, const MessageView& view, Lease lease) {
  auto kept = std::make_unique<Kept>();
  kept->message = message;
  kept->lease = std::move(lease);
  kept->view = view;
  kept->entries.assign(view.entries.begin(), view.entries.end());
  kept->view.entries = kept->entries;
  if (view.snapshot != nullptr) {
    kept->snapshot = *view.snapshot;
    kept->view.snapshot = &kept->snapshot;
  }
  const Scenario& scenario = world_->scenario;
  const int64_t lease_ms = world_->random.Skewed(scenario.lease_ms_min, scenario.lease_ms_max);
  const int64_t until_ns = std::max(hold_until_ns_, world_->network.now_ns() + lease_ms * kMs);
  const uint64_t number = message->number;
  leases_[number] = std::move(kept);
  world_->timers.At(until_ns, [this, number] { ReleaseLease(number); });
}

void SimProcess::ReleaseLease(uint64_t message_number) {
  auto found = leases_.find(message_number);
  if (found == leases_.end()) return;
  SimViewRoom room;
  if (found->second->view != ViewOf(*found->second->message, /*own=*/false, &room)) {
    world_->oracle.Fail(
        absl::StrCat("#", message_number, " changed while node ", id_, " leased it"));
  }
  leases_.erase(found);
}

void SimProcess::Calm() {
  paused_until_ns_ = busy_until_ns_ = handler_ns_ = hold_until_ns_ = 0;
  in_callback_.clear();
  before_sleep_.clear();
  ReleaseLeases();
}

void SimProcess::ReleaseLeases() {
  while (!leases_.empty()) ReleaseLease(leases_.begin()->first);
}

void SimProcess::OnUnreachable(NodeId peer, const LossReport& report) {
  auto account = accounts_.find(peer);
  if (account == accounts_.end()) return;
  world_->oracle.OnUnreachable(account->second, report);
  if (Answers()) {
    SendSome(peer, 2, /*from_outside=*/false);
  }
}

void SimProcess::OnSnapshotAcknowledged(NodeId peer, GroupId group) {
  auto account = accounts_.find(peer);
  if (account != accounts_.end()) world_->oracle.OnSnapshotAcknowledged(account->second, group);
}

void SimProcess::OnWritable(NodeId peer) {
  world_->trace.Line("node ", id_, ": writable to ", peer);
  if (Answers()) {
    SendSome(peer, 3, /*from_outside=*/false);
  }
}

void SimProcess::OnPeerChange(NodeId peer, bool up, LinkKind link, CloseReason reason) {
  world_->trace.Line("node ", id_, ": peer ", peer, up ? " up on " : " down ",
                     up ? LinkKindName(link) : CloseReasonName(reason));
}

UnknownPeerVerdict SimProcess::OnUnknownPeer(NodeId peer, absl::Span<const std::string> addresses) {
  const bool admit = !world_->troubled || world_->random.Percent(70);
  world_->trace.Line("node ", id_, ", process ", number_, ": unknown peer ", peer,
                     admit ? " may talk" : " is refused");
  if (!admit) return UnknownPeerVerdict::kRefuse;
  provisional_.insert(peer);
  accounts_[peer] = world_->oracle.OpenAccount(number_, id_, peer);
  return UnknownPeerVerdict::kProvisional;
}

void SimProcess::OnRefused(NodeId peer, CloseReason reason, absl::string_view text) {
  world_->trace.Line("node ", id_, ": refused by ", peer, ": ", CloseReasonName(reason), ", ",
                     text);
}

}  // namespace hawser
