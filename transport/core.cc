#include "transport/core.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "transport/peer.h"
#include "transport/session.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

}  // namespace

Core::Core(const Parts& parts) : parts_(parts), next_deadline_ns_(kNever) {}

Core::~Core() { HAWSER_CHECK(stopped_ || peers_.empty()); }

void Core::Start(int64_t now_ns) {
  now_ns_ = now_ns;
  started_ = true;
  next_deadline_ns_ = now_ns;
}

void Core::AddPeer(PeerGate* gate, std::vector<std::string> addresses) {
  auto& peer = peers_[gate->node()];
  HAWSER_CHECK(peer == nullptr);
  peer = std::make_unique<Peer>(this, gate, std::move(addresses));
  gate->peer = peer.get();
  WakeAt(now_ns_);
}

void Core::UpdatePeer(PeerGate* gate, std::vector<std::string> addresses) {
  if (gate->peer != nullptr) gate->peer->set_addresses(std::move(addresses));
}

void Core::RemovePeer(PeerGate* gate) {
  auto found = peers_.find(gate->node());
  if (found == peers_.end()) return;
  std::unique_ptr<Peer> peer = std::move(found->second);
  peers_.erase(found);
  // A session that still dials belongs to nobody now.
  for (const auto& session : sessions_) {
    if (session->node() == gate->node()) {
      session->Close(CloseReason::kPeerRemoved, "removed from the peers of this node");
    }
  }
  // First: the release of a Hold may send, to a peer that was added again.
  gate->peer = nullptr;
  peer->LoseAll(LossReason::kPeerRemoved, /*tell=*/false);
  removed_.push_back(std::move(peer));
}

void Core::Enqueue(QueuedMessage* message) {
  message->accepted_ns = now_ns_;
  Peer* peer = message->gate->peer;
  if (peer != nullptr) {
    peer->Enqueue(message);
    return;
  }
  // Its peer was removed while it was on its way from another thread.
  message->gate->Leave(message->lane, message->payload_bytes);
  Release(message);
}

void Core::Release(QueuedMessage* message) {
  if (!message->hold.empty()) message->hold.release(message->hold.argument);
  parts_.messages->Free(message);
}

void Core::MarkDirty(Peer* peer) {
  if (peer->dirty) return;
  peer->dirty = true;
  dirty_.push_back(peer);
}

void Core::FinishTurn() {
  if (now_ns_ >= next_deadline_ns_) RunTimers();
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

LinkEvents* Core::OnAccepted(Link* link) {
  if (stopped_) return nullptr;
  sessions_.push_back(std::make_unique<Session>(this, /*dialled=*/0));
  sessions_.back()->SetLink(link, /*up=*/true);
  return sessions_.back().get();
}

Session* Core::Dial(Peer* peer, const std::string& address) {
  sessions_.push_back(std::make_unique<Session>(this, peer->node()));
  Session* session = sessions_.back().get();
  session->SetLink(parts_.provider->Dial(address, session), /*up=*/false);
  return session;
}

Peer* Core::FindPeer(NodeId node) const {
  auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : found->second.get();
}

Session* Core::FindRival(const Session* session, NodeId node) const {
  for (const auto& other : sessions_) {
    const bool in_hello_stage =
        other->state() == SessionState::kHello || other->state() == SessionState::kDeciding;
    if (other.get() != session && other->node() == node && in_hello_stage) return other.get();
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
  parts_.provider->Shutdown();
}

void Core::Describe(TransportStatus* status) const {
  status->node = options().node_id;
  status->cluster_id = options().cluster_id;
  status->incarnation = incarnation();
  status->listen_address = listen_address();
  status->refused = refused_;
  status->peers.clear();
  for (const auto& [node, peer] : peers_) status->peers.push_back(peer->Describe());
  std::sort(status->peers.begin(), status->peers.end(),
            [](const PeerStatus& a, const PeerStatus& b) { return a.node < b.node; });
}

}  // namespace hawser
