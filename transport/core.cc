#include "transport/core.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "transport/peer.h"
#include "transport/session.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kMs = 1000000;
// Enough to see through one slow wake-up; some milliseconds in all.
constexpr int kProbePings = 8;

LinkReason ObstacleOf(const Core::Parts& parts) {
  const Options& options = *parts.options;
  if (options.link_policy == LinkPolicy::kGrpc) return LinkReason::kGrpcOnly;
  if (parts.rdma_provider == nullptr) return parts.rdma_obstacle;
  return options.rdma_unprotected() ? LinkReason::kRdmaUnprotected : LinkReason::kNoLink;
}

SelectorRules RulesOf(const Options& options) {
  SelectorRules rules;
  rules.retry_ns_min = options.rdma_retry_ms_min * kMs;
  rules.retry_ns_max = options.rdma_retry_ms_max * kMs;
  rules.stable_ns = options.rdma_stable_ms * kMs;
  rules.flaps_max = static_cast<int>(options.rdma_flaps_max);
  rules.flap_window_ns = options.rdma_flap_window_ms * kMs;
  rules.quarantine_ns = options.rdma_quarantine_ms * kMs;
  rules.probe_pings = kProbePings;
  return rules;
}

std::vector<std::string> RdmaAddresses(LinkProvider* provider) {
  return provider->tickets() == nullptr ? std::vector<std::string>{provider->listen_address()}
                                        : provider->tickets()->addresses();
}

}  // namespace

Core::Core(const Parts& parts)
    : parts_(parts),
      next_deadline_ns_(kNever),
      rdma_obstacle_(ObstacleOf(parts)),
      rdma_addresses_(rdma_obstacle_ != LinkReason::kNoLink ? std::vector<std::string>()
                                                            : RdmaAddresses(parts.rdma_provider)),
      selector_rules_(RulesOf(*parts.options)),
      random_(static_cast<uint32_t>(parts.incarnation)) {}

Core::~Core() { HAWSER_CHECK(stopped_ || peers_.empty()); }

void Core::Start(int64_t now_ns) {
  now_ns_ = now_ns;
  started_ = true;
  next_deadline_ns_ = now_ns;
}

Peer* Core::MakePeer(PeerGate* gate) {
  auto& peer = peers_[gate->node()];
  HAWSER_CHECK(peer == nullptr);
  peer = std::make_unique<Peer>(this, gate);
  gate->peer = peer.get();
  WakeAt(now_ns_);
  return peer.get();
}

void Core::AddPeer(PeerGate* gate, std::vector<std::string> addresses) {
  Peer* peer = FindPeer(gate->node());
  if (peer == nullptr) {
    peer = MakePeer(gate);
  } else {
    HAWSER_CHECK(peer->provisional_until_ns != 0);
    peer->provisional_until_ns = 0;
  }
  // The lower id dials at once, the other one only if nobody came: fewer ties.
  peer->set_addresses(std::move(addresses), /*wait=*/options().node_id > gate->node());
}

void Core::UpdatePeer(PeerGate* gate, std::vector<std::string> addresses) {
  if (gate->peer == nullptr) return;
  gate->peer->Resume();
  gate->peer->set_addresses(std::move(addresses), /*wait=*/false);
}

void Core::DrainPeer(PeerGate* gate) {
  if (gate->peer != nullptr) gate->peer->Drain();
}

void Core::CloseSessions(NodeId node, CloseReason reason, absl::string_view text) {
  for (size_t i = 0; i < sessions_.size(); ++i) {
    if (sessions_[i]->node() == node) sessions_[i]->Close(reason, text);
  }
}

void Core::PinLink(PeerGate* gate, LinkKind kind) {
  if (gate->peer != nullptr) gate->peer->Pin(kind);
}

void Core::RemovePeer(PeerGate* gate) {
  gate->Expel();
  auto found = peers_.find(gate->node());
  if (found == peers_.end()) return;
  std::unique_ptr<Peer> peer = std::move(found->second);
  peers_.erase(found);
  peer->ForgetAnyChallenger();
  // A session that still dials belongs to nobody now.
  CloseSessions(gate->node(), CloseReason::kPeerRemoved, "removed from the peers of this node");
  // First: the release of a Hold may send, to a peer that was added again.
  gate->peer = nullptr;
  peer->LoseAll(LossReason::kPeerRemoved, /*tell=*/false);
  awaiting_leases_.erase(std::remove(awaiting_leases_.begin(), awaiting_leases_.end(), peer.get()),
                         awaiting_leases_.end());
  removed_.push_back(std::move(peer));
}

CloseReason Core::AdmitUnknown(const Hello& hello) {
  if (stopped_ || options().provisional_peer_ms == 0) return CloseReason::kUnknownPeer;
  if (peers_.size() >= options().peers_max) return CloseReason::kResourceExhausted;
  const UnknownPeerVerdict verdict = handler()->OnUnknownPeer(hello.node_id, hello.grpc_addresses);
  if (verdict == UnknownPeerVerdict::kRefuse) return CloseReason::kUnknownPeer;
  PeerGate* gate = parts_.directory->FindOrAdd(hello.node_id);
  gate->Admit();
  Peer* peer = MakePeer(gate);
  peer->provisional_until_ns = now_ns_ + int64_t{options().provisional_peer_ms} * 1000000;
  WakeAt(peer->provisional_until_ns);
  return CloseReason::kNone;
}

void Core::EndProvisional() {
  std::vector<PeerGate*> over;
  for (const auto& [node, peer] : peers_) {
    if (peer->provisional_until_ns == 0) continue;
    if (now_ns_ >= peer->provisional_until_ns) {
      over.push_back(peer->gate());
    } else {
      WakeAt(peer->provisional_until_ns);
    }
  }
  for (PeerGate* gate : over) RemovePeer(gate);
}

void Core::Enqueue(QueuedMessage* message) {
  message->accepted_ns = now_ns_;
  Peer* peer = message->gate->peer;
  if (peer != nullptr) {
    peer->Enqueue(message);
    return;
  }
  // Its peer was removed while it was on its way from another thread.
  if (message->caller != nullptr) {
    const std::unique_ptr<OutgoingCall> call(message->caller);
    Complete(std::move(call->done), CallStatus::kNotSent, LossReasonName(LossReason::kPeerRemoved));
  }
  message->gate->Leave(message->lane, message->payload_bytes);
  Release(message);
}

Hold Core::Pin(QueuedMessage* message) { return parts_.messages->Pin(message); }

void Core::ReleaseLater(QueuedMessage* message) {
  message->next = std::exchange(released_, message);
  WakeAt(now_ns_);
}

void Core::ReleaseLeft() {
  while (released_ != nullptr) Release(std::exchange(released_, released_->next));
}

void Core::Complete(CallDone done, CallStatus status, std::string text) {
  completions_.push_back({std::move(done), status, std::move(text)});
  WakeAt(now_ns_);
}

void Core::RunCompletions() {
  while (!completions_.empty()) {
    // What runs may end further calls.
    for (Completion& completion : std::exchange(completions_, {})) {
      CallResult result;
      result.status = completion.status;
      result.text = completion.text;
      std::move(completion.done)(std::move(result));
    }
  }
}

void Core::Cancel(CallId call) {
  for (const auto& [node, peer] : peers_) {
    if (peer->calls().Cancel(call)) return;
  }
}

void Core::AwaitLeases(Peer* peer) {
  if (std::find(awaiting_leases_.begin(), awaiting_leases_.end(), peer) != awaiting_leases_.end()) {
    return;
  }
  awaiting_leases_.push_back(peer);
}

void Core::MarkDirty(Peer* peer) {
  if (peer->dirty) return;
  peer->dirty = true;
  dirty_.push_back(peer);
}

void Core::FinishTurn() {
  if (now_ns_ >= next_deadline_ns_) RunTimers();
  ReleaseLeft();
  RunCompletions();
  if (!awaiting_leases_.empty()) {
    awaiting_leases_.erase(std::remove_if(awaiting_leases_.begin(), awaiting_leases_.end(),
                                          [](Peer* peer) { return peer->ReleaseCredit(); }),
                           awaiting_leases_.end());
  }
  for (size_t i = 0; i < dirty_.size(); ++i) {
    dirty_[i]->dirty = false;
    dirty_[i]->Pump();
  }
  dirty_.clear();
  removed_.clear();
}

void Core::RunTimers() {
  next_deadline_ns_ = kNever;
  for (size_t i = 0; i < sessions_.size(); ++i) sessions_[i]->Tick();
  if (started_ && !stopped_) EndProvisional();
  for (const auto& [node, peer] : peers_) {
    if (started_ && !stopped_) peer->Tick();
    WakeAt(peer->NextDeadline());
  }
  sessions_.erase(std::remove_if(sessions_.begin(), sessions_.end(),
                                 [](const std::unique_ptr<Session>& session) {
                                   return session->state() == SessionState::kClosed;
                                 }),
                  sessions_.end());
}

void Core::MakeRoomForHello() {
  Session* oldest = nullptr;
  uint32_t waiting = 0;
  for (const auto& session : sessions_) {
    if (session->state() != SessionState::kHello || session->dialled_by_us()) continue;
    if (waiting++ == 0) oldest = session.get();
  }
  if (waiting < options().hello_connections_max) return;
  oldest->Close(CloseReason::kResourceExhausted,
                absl::StrCat("there are ", waiting, " connections that have said no hello"));
}

LinkEvents* Core::OnAccepted(Link* link) {
  if (stopped_) return nullptr;
  MakeRoomForHello();
  sessions_.push_back(std::make_unique<Session>(this, link->kind(), /*dialled=*/0));
  sessions_.back()->SetLink(link, /*up=*/true);
  return sessions_.back().get();
}

Session* Core::Dial(Peer* peer, LinkKind kind, const std::string& address) {
  sessions_.push_back(std::make_unique<Session>(this, kind, peer->node()));
  Session* session = sessions_.back().get();
  LinkProvider* provider = kind == LinkKind::kRdma ? parts_.rdma_provider : parts_.provider;
  session->SetLink(provider->Dial(address, session), /*up=*/false);
  return session;
}

Session* Core::DialWithTicket(Peer* peer, const TicketParties& parties,
                              const TicketRequest& request, const Ticket& ticket) {
  sessions_.push_back(std::make_unique<Session>(this, LinkKind::kRdma, peer->node()));
  Session* session = sessions_.back().get();
  Link* link = tickets()->Redeem(parties, request, ticket, session);
  if (link == nullptr) {
    sessions_.pop_back();
    return nullptr;
  }
  session->SetLink(link, /*up=*/false);
  return session;
}

Peer* Core::FindPeer(NodeId node) const {
  auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : found->second.get();
}

Session* Core::FindRival(const Session* session) const {
  for (const auto& other : sessions_) {
    const bool in_hello_stage = other->state() == SessionState::kHello ||
                                other->state() == SessionState::kDoubting ||
                                other->state() == SessionState::kDeciding;
    if (other.get() != session && other->node() == session->node() &&
        other->kind() == session->kind() && in_hello_stage) {
      return other.get();
    }
  }
  return nullptr;
}

bool Core::Quiet() const {
  return std::all_of(peers_.begin(), peers_.end(),
                     [](const auto& entry) { return entry.second->quiet(); });
}

void Core::Shutdown() {
  stopped_ = true;
  for (const auto& [node, peer] : peers_) peer->LoseAll(LossReason::kStopped, /*tell=*/false);
  for (size_t i = 0; i < sessions_.size(); ++i) {
    sessions_[i]->Close(CloseReason::kLocalStop, "the transport stops");
  }
  ReleaseLeft();
  RunCompletions();
  parts_.provider->Shutdown();
  if (parts_.rdma_provider != nullptr) parts_.rdma_provider->Shutdown();
}

void Core::Describe(TransportStatus* status) const {
  status->node = options().node_id;
  status->cluster_id = options().cluster_id;
  status->incarnation = incarnation();
  status->listen_address = listen_address();
  status->refused = refused_;
  status->endpoints.clear();
  if (parts_.endpoints != nullptr) status->endpoints = parts_.endpoints->Describe();
  status->peers.clear();
  for (const auto& [node, peer] : peers_) status->peers.push_back(peer->Describe());
  std::sort(status->peers.begin(), status->peers.end(),
            [](const PeerStatus& a, const PeerStatus& b) { return a.node < b.node; });
}

}  // namespace hawser
