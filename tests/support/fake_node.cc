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

// Driven from outside; a turn of virtual time has nothing to spin for.
Options PollingOptions(Options options) {
  options.loop_mode = LoopMode::kPoll;
  options.spin_us = 0;
  return options;
}

}  // namespace

std::string FakeAddress(NodeId id) { return absl::StrCat("node:", id); }

Options FakeOptions(NodeId id) {
  Options options;
  options.node_id = id;
  options.cluster_id = "test";
  return options;
}

void FakeLinks::Start(LinkAcceptor* acceptor) {
  grpc_->Start(acceptor);
  if (rdma_ != nullptr) rdma_->Start(acceptor);
}

Link* FakeLinks::Dial(const std::string& address, LinkEvents* events) {
  return grpc_->Dial(address, events);
}

int FakeLinks::Poll(int64_t deadline_ns) {
  if (before_sleep) before_sleep();
  return First()->Poll(deadline_ns);
}

void FakeLinks::Shutdown() {
  grpc_->Shutdown();
  if (rdma_ != nullptr) rdma_->Shutdown();
}

void FakeLinks::Crash() {
  grpc_->Crash();
  if (rdma_ != nullptr) rdma_->Crash();
}

FakeProvider* FakeLinks::First() const {
  if (rdma_ == nullptr || grpc_->NextEventNs() < rdma_->NextEventNs()) return grpc_;
  if (rdma_->NextEventNs() < grpc_->NextEventNs()) return rdma_;
  return grpc_->NextEventOrder() < rdma_->NextEventOrder() ? grpc_ : rdma_;
}

FakeNode::FakeNode(FakeNetwork* network, const Options& options, uint64_t incarnation,
                   const FakeNodeParts& parts)
    : network_(network),
      options_(PollingOptions(options)),
      directory_(options_),
      grpc_(network, parts.address.empty() ? FakeAddress(options.node_id) : parts.address),
      rdma_(parts.rdma
                ? std::make_unique<FakeProvider>(
                      network, absl::StrCat(grpc_.listen_address(), "/rdma"), LinkKind::kRdma)
                : nullptr),
      links_(&grpc_, rdma_.get()) {
  HAWSER_CHECK(options_.Validate().ok());
  Core::Parts core_parts{};
  core_parts.options = &options_;
  core_parts.handler = parts.handler == nullptr ? &raft : parts.handler;
  core_parts.directory = &directory_;
  core_parts.provider = &links_;
  core_parts.rdma_provider = rdma_.get();
  core_parts.messages = &messages_;
  core_parts.incarnation = incarnation;
  core_parts.planted_bug = parts.planted_bug;
  core_parts.endpoints = &endpoints;
  core_parts.answers = this;
  core_ = std::make_unique<Core>(core_parts);
  core_->set_now(network_->now_ns());
  const LoopClock* clock = this;
  loop_ = std::make_unique<Loop>(options_, core_.get(), &links_, clock);
}

FakeNode::~FakeNode() {
  if (!ended_) Kill();
}

void FakeNode::Start() {
  running_ = true;
  loop_->Start();
  loop_->WaitFd();
}

void FakeNode::Stop() {
  running_ = false;
  ended_ = true;
  if (loop_->InTurn()) {
    loop_->StopAtEndOfTurn(/*deadline_ns=*/0);
  } else {
    loop_->RunDown(/*deadline_ns=*/0);
  }
}

void FakeNode::Kill() {
  links_.Crash();
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
  directory_.Find(node)->Resume();
  core_->UpdatePeer(directory_.Find(node), std::move(addresses));
}

void FakeNode::DrainPeer(NodeId node) {
  core_->set_now(network_->now_ns());
  directory_.Find(node)->Drain();
  core_->DrainPeer(directory_.Find(node));
  loop_->set_unsent();
}

void FakeNode::PinLink(NodeId node, LinkKind kind) {
  core_->set_now(network_->now_ns());
  core_->PinLink(directory_.Find(node), kind);
}

void FakeNode::PostAddPeer(NodeId node, std::vector<std::string> addresses) {
  PeerGate* gate = directory_.FindOrAdd(node);
  loop_->Post([this, gate, addresses = std::move(addresses)]() mutable {
    core_->AddPeer(gate, std::move(addresses));
  });
  gate->Open();
  peers_.push_back(node);
}

void FakeNode::PostRemovePeer(NodeId node) {
  PeerGate* gate = directory_.Find(node);
  gate->Remove();
  loop_->Post([this, gate] { core_->RemovePeer(gate); });
  peers_.erase(std::remove(peers_.begin(), peers_.end(), node), peers_.end());
}

void FakeNode::PostDrainPeer(NodeId node) {
  PeerGate* gate = directory_.Find(node);
  gate->Drain();
  loop_->Post([this, gate] { core_->DrainPeer(gate); });
}

void FakeNode::PostUpdatePeer(NodeId node, std::vector<std::string> addresses) {
  PeerGate* gate = directory_.Find(node);
  gate->Resume();
  loop_->Post([this, gate, addresses = std::move(addresses)]() mutable {
    core_->UpdatePeer(gate, std::move(addresses));
  });
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

SendResult FakeNode::Enter(NodeId node, const MessageView& message, PeerGate** gate, Lane* lane) {
  if (!running_) return SendResult::kStopped;
  *gate = directory_.Find(node);
  if (*gate == nullptr) return SendResult::kUnknownPeer;
  const size_t size_bound = MessageEncoder::SizeBound(message);
  const SendResult checked = Check(message, size_bound);
  if (checked != SendResult::kAccepted) return checked;
  *lane = LaneOf(message.type, size_bound);
  return (*gate)->TryEnter(*lane, PayloadBytes(message));
}

SendResult FakeNode::Send(NodeId node, GroupId group, const MessageView& message, Hold hold) {
  PeerGate* gate = nullptr;
  Lane lane = Lane::kUrgent;
  const SendResult result = Enter(node, message, &gate, &lane);
  if (result != SendResult::kAccepted) return result;
  // Behind what other threads sent before.
  const bool local = gate->peer != nullptr && !loop_->InboxWaits();
  QueuedMessage* queued =
      local ? messages_.MakeLocal(message, hold) : messages_.MakeShared(message, hold);
  HAWSER_CHECK(queued != nullptr);
  queued->gate = gate;
  queued->group = group;
  queued->lane = lane;
  if (!local) {
    loop_->Submit(queued);
    return SendResult::kAccepted;
  }
  core_->set_now(network_->now_ns());
  core_->Enqueue(queued);
  loop_->set_unsent();
  return SendResult::kAccepted;
}

SendResult FakeNode::SendFromOutside(NodeId node, GroupId group, const MessageView& message,
                                     Hold hold) {
  PeerGate* gate = nullptr;
  Lane lane = Lane::kUrgent;
  const SendResult result = Enter(node, message, &gate, &lane);
  if (result != SendResult::kAccepted) return result;
  QueuedMessage* queued = messages_.MakeShared(message, hold);
  HAWSER_CHECK(queued != nullptr);
  queued->gate = gate;
  queued->group = group;
  queued->lane = lane;
  loop_->Submit(queued);
  return SendResult::kAccepted;
}

void FakeNode::Turn() {
  if (!running_) return;
  links_.Awake();
  loop_->Turn(network_->now_ns());
}

int64_t FakeNode::NextTurnNs() const {
  if (!running_) return kNever;
  if (links_.woken()) return network_->now_ns();
  return std::min(loop_->NextDeadlineNs(), links_.First()->NextEventNs());
}

uint64_t FakeNode::NextTurnOrder() const {
  // Timers before events: the same moment, but known for longer.
  const FakeProvider* first = links_.First();
  return first->NextEventNs() <= NextTurnNs() ? first->NextEventOrder() : 0;
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
  const Peer* found = core_->FindPeer(peer);
  HAWSER_CHECK(found != nullptr);
  return found->Describe();
}

void FakeCluster::Forget(const FakeParty* party) {
  parties_.erase(std::remove(parties_.begin(), parties_.end(), party), parties_.end());
}

FakeNode* FakeCluster::Add(const Options& options, const FakeNodeParts& parts) {
  // The address is free again only when the old process is gone.
  for (auto& node : nodes_) {
    if (node->id() != options.node_id) continue;
    HAWSER_CHECK(!node->running());
    parties_.erase(std::remove(parties_.begin(), parties_.end(), node.get()), parties_.end());
    node.reset();
  }
  nodes_.erase(std::remove(nodes_.begin(), nodes_.end(), nullptr), nodes_.end());
  nodes_.push_back(std::make_unique<FakeNode>(&network, options, next_incarnation_++, parts));
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
