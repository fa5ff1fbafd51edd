#include "tests/transport/rdma/rdma_nodes.h"

#include <string>

#include "base/check.h"

namespace hawser {
namespace {

Options OptionsOf(NodeId id, const std::string& address) {
  Options options;
  options.node_id = id;
  options.cluster_id = "test";
  options.loop_mode = LoopMode::kPoll;
  options.listen_address = address + ":7000";
  options.allow_insecure_network = true;
  return options;
}

}  // namespace

RdmaNode::RdmaNode(NodeId id, const LoopClock* clock, FakeNic* fake_nic, const std::string& address)
    : nic(fake_nic), options_(OptionsOf(id, address)), directory_(options_) {
  auto provider = RdmaProvider::Create(options_, nic);
  HAWSER_CHECK(provider.ok());
  rdma = *std::move(provider);
  both_ = std::make_unique<BothLinks>(&grpc, rdma.get(), nic);
  Core::Parts parts{};
  parts.options = &options_;
  parts.handler = &raft;
  parts.directory = &directory_;
  parts.provider = &grpc;
  parts.rdma_provider = rdma.get();
  parts.messages = &messages_;
  parts.incarnation = id;
  core_ = std::make_unique<Core>(parts);
  core_->set_now(clock->NowNs());
  loop_ = std::make_unique<Loop>(options_, core_.get(), both_.get(), clock);
}

void RdmaNode::Start(NodeId peer) {
  gate_ = directory_.FindOrAdd(peer);
  gate_->Open();
  core_->AddPeer(gate_, {"plain"});
  core_->PinLink(gate_, LinkKind::kRdma);
  loop_->Start();
}

void RdmaNode::Send(const MessageView& message, Hold hold) {
  const Lane lane = LaneOfType(message.type);
  HAWSER_CHECK(gate_->TryEnter(lane, PayloadBytes(message)) == SendResult::kAccepted);
  QueuedMessage* queued = messages_.MakeLocal(message, hold);
  queued->gate = gate_;
  queued->lane = lane;
  core_->Enqueue(queued);
}

void RdmaNode::RemovePeer() {
  gate_->Remove();
  core_->RemovePeer(gate_);
}

PeerStatus RdmaNode::Status() const {
  TransportStatus status;
  core_->Describe(&status);
  return status.peers[0];
}

RdmaNodes::RdmaNodes()
    : a(1, this, fabric.AddNic({"10.0.0.1"}), "10.0.0.1"),
      b(2, this, fabric.AddNic({"10.0.0.2"}), "10.0.0.2") {
  a.grpc.other = &b.grpc;
  b.grpc.other = &a.grpc;
  b.Start(1);
  a.Start(2);
  const auto ready = [](const RdmaNode& node) { return node.Status().link == LinkKind::kRdma; };
  for (int i = 0; i < 10000 && !(ready(a) && ready(b)); ++i) Turns(100);
  HAWSER_CHECK(ready(a) && ready(b));
}

RdmaNodes::~RdmaNodes() {
  a.Stop();
  b.Stop();
}

void RdmaNodes::Turns(int64_t us) {
  fabric.RunFor(us * 1000);
  a.Turn();
  b.Turn();
}

}  // namespace hawser
