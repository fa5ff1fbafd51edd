#include "tests/support/fake_node.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codec/message_codec.h"
#include "codec/raftpb_wire.h"
#include "transport/lane.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kMs = 1000000;
// More turns than this without an end: something runs in a circle.
constexpr uint64_t kStepsMax = 5000000;

SendResult ToSendResult(PeerGate::Verdict verdict) {
  switch (verdict) {
    case PeerGate::Verdict::kEntered:
      return SendResult::kAccepted;
    case PeerGate::Verdict::kUnknownPeer:
      return SendResult::kUnknownPeer;
    case PeerGate::Verdict::kNotConnected:
      return SendResult::kNotConnected;
    case PeerGate::Verdict::kMessages:
      return SendResult::kQueueMessages;
    case PeerGate::Verdict::kBytes:
      return SendResult::kQueueBytes;
  }
  return SendResult::kUnknownPeer;
}

}  // namespace

std::string FakeAddress(NodeId id) { return absl::StrCat("node:", id); }

Options FakeOptions(NodeId id) {
  Options options;
  options.node_id = id;
  options.cluster_id = "test";
  return options;
}

FakeNode::FakeNode(FakeNetwork* network, const Options& options, uint64_t incarnation)
    : network_(network),
      options_(options),
      directory_(options_),
      provider_(network, FakeAddress(options.node_id)),
      core_(std::make_unique<Core>(
          Core::Parts{&options_, &raft, &provider_, &messages_, incarnation})) {
  HAWSER_CHECK(options_.Validate().ok());
  core_->set_now(network_->now_ns());
}

FakeNode::~FakeNode() {
  if (!ended_) Kill();
}

void FakeNode::Start() {
  running_ = true;
  provider_.Start(this);
  core_->Start(network_->now_ns());
}

void FakeNode::Stop() {
  running_ = false;
  ended_ = true;
  core_->set_now(network_->now_ns());
  core_->Shutdown();
}

void FakeNode::Kill() {
  provider_.Crash();
  Stop();
}

void FakeNode::AddPeer(NodeId node) { AddPeer(node, {FakeAddress(node)}); }

void FakeNode::AddPeer(NodeId node, std::vector<std::string> addresses) {
  core_->set_now(network_->now_ns());
  directory_.FindOrAdd(node)->Open();
  core_->AddPeer(directory_.Find(node), std::move(addresses));
  peers_.push_back(node);
}

void FakeNode::RemovePeer(NodeId node) {
  core_->set_now(network_->now_ns());
  directory_.Find(node)->Remove();
  core_->RemovePeer(directory_.Find(node));
  peers_.erase(std::remove(peers_.begin(), peers_.end(), node), peers_.end());
}

void FakeNode::UpdatePeer(NodeId node, std::vector<std::string> addresses) {
  core_->set_now(network_->now_ns());
  core_->UpdatePeer(directory_.Find(node), std::move(addresses));
}

SendResult FakeNode::Check(const MessageView& message, size_t size_bound) const {
  if (static_cast<int>(message.type) >= kMessageTypeCount || IsLocalOnly(message.type)) {
    return SendResult::kLocalOnlyType;
  }
  if (message.entries.size() > options_.message_entries_max ||
      size_bound > options_.message_bytes_max) {
    return SendResult::kTooLarge;
  }
  return IsEncodable(message) ? SendResult::kAccepted : SendResult::kMalformed;
}

SendResult FakeNode::Send(NodeId node, GroupId group, const MessageView& message, Hold hold) {
  if (!running_) return SendResult::kStopped;
  PeerGate* gate = directory_.Find(node);
  if (gate == nullptr) return SendResult::kUnknownPeer;
  const size_t size_bound = MessageEncoder::SizeBound(message);
  const SendResult checked = Check(message, size_bound);
  if (checked != SendResult::kAccepted) return checked;
  const Lane lane = LaneOf(message.type, size_bound);
  const PeerGate::Verdict verdict = gate->TryEnter(lane, PayloadBytes(message));
  if (verdict != PeerGate::Verdict::kEntered) return ToSendResult(verdict);
  QueuedMessage* queued = messages_.MakeLocal(message, hold);
  HAWSER_CHECK(queued != nullptr);
  queued->gate = gate;
  queued->group = group;
  queued->lane = lane;
  core_->set_now(network_->now_ns());
  core_->Enqueue(queued);
  unsent_ = true;
  return SendResult::kAccepted;
}

void FakeNode::Turn() {
  if (!running_) return;
  core_->set_now(network_->now_ns());
  core_->FinishTurn();
  unsent_ = false;
  provider_.Poll(network_->now_ns());
  core_->FinishTurn();
}

int64_t FakeNode::NextTurnNs() const {
  if (!running_) return kNever;
  if (unsent_) return network_->now_ns();
  return std::min(core_->next_deadline_ns(), provider_.NextEventNs());
}

uint64_t FakeNode::NextTurnOrder() const {
  // Timers before events: the same moment, but known for longer.
  return provider_.NextEventNs() <= NextTurnNs() ? provider_.NextEventOrder() : 0;
}

void FakeNode::CheckInvariants() const {
  for (const NodeId node : peers_) {
    if (const Peer* peer = core_->FindPeer(node)) peer->CheckInvariants();
  }
}

TransportStatus FakeNode::Describe() const {
  TransportStatus status;
  core_->Describe(&status);
  return status;
}

PeerStatus FakeNode::Describe(NodeId peer) const {
  const TransportStatus status = Describe();
  for (const PeerStatus& found : status.peers) {
    if (found.node == peer) return found;
  }
  HAWSER_CHECK(false);
  return PeerStatus();
}

FakeNode* FakeCluster::Add(const Options& options) {
  // The address is free again only when the old process is gone.
  for (auto& node : nodes_) {
    if (node->id() != options.node_id) continue;
    HAWSER_CHECK(!node->running());
    parties_.erase(std::remove(parties_.begin(), parties_.end(), node.get()), parties_.end());
    node.reset();
  }
  nodes_.erase(std::remove(nodes_.begin(), nodes_.end(), nullptr), nodes_.end());
  nodes_.push_back(std::make_unique<FakeNode>(&network, options, next_incarnation_++));
  parties_.push_back(nodes_.back().get());
  return nodes_.back().get();
}

bool FakeCluster::Connect(FakeNode* a, FakeNode* b) {
  a->AddPeer(b->id());
  b->AddPeer(a->id());
  if (!a->running()) a->Start();
  if (!b->running()) b->Start();
  return RunUntil([&] {
    return a->Describe(b->id()).state == PeerState::kUp &&
           b->Describe(a->id()).state == PeerState::kUp;
  });
}

bool FakeCluster::Step(int64_t until_ns) {
  FakeParty* first = nullptr;
  int64_t at_ns = until_ns;
  for (FakeParty* party : parties_) {
    const int64_t party_ns = std::max(party->NextTurnNs(), network.now_ns());
    if (party_ns > at_ns) continue;
    const bool tie = first != nullptr && party_ns == at_ns;
    if (tie && party->NextTurnOrder() >= first->NextTurnOrder()) continue;
    first = party;
    at_ns = party_ns;
  }
  if (first == nullptr) return false;
  network.AdvanceTo(at_ns);
  first->Turn();
  for (const FakeParty* party : parties_) party->CheckInvariants();
  return true;
}

bool FakeCluster::RunUntil(const std::function<bool()>& done, int64_t within_ms) {
  const int64_t until_ns = network.now_ns() + within_ms * kMs;
  for (uint64_t steps = 0; !done(); ++steps) {
    HAWSER_CHECK(steps < kStepsMax);
    if (!Step(until_ns)) {
      network.AdvanceTo(until_ns);
      return done();
    }
  }
  return true;
}

void FakeCluster::RunFor(int64_t ms) {
  RunUntil([] { return false; }, ms);
}

void FakeCluster::Settle() { RunFor(0); }

}  // namespace hawser
