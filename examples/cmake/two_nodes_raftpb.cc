// Two nodes that speak hawser.raftpb, driven by this program's one thread: node 1 sends an append
// to node 2, which prints it.

#include <cstdio>
#include <memory>

#include "absl/time/clock.h"
#include "hawser/transport/raftpb_transport.h"

namespace {

class Node final : public hawser::RaftpbHandler {
 public:
  void OnRaftpb(hawser::NodeId from, hawser::GroupId, hawser::raftpb::Message* message) override {
    std::printf("from %d: %s\n", static_cast<int>(from), message->ShortDebugString().c_str());
    received_ = true;
  }
  void OnUnreachable(hawser::NodeId, const hawser::LossReport&) override {}
  void OnPeerChange(hawser::NodeId, bool up, hawser::LinkKind, hawser::CloseReason) override {
    up_ = up;
  }

  bool up() const { return up_; }
  bool received() const { return received_; }

 private:
  bool up_ = false;
  bool received_ = false;
};

std::unique_ptr<hawser::Transport> Open(hawser::NodeId id, Node* node) {
  hawser::Options options;
  options.node_id = id;
  options.cluster_id = "example";
  options.loop_mode = hawser::LoopMode::kPoll;
  auto transport = hawser::Transport::Create(options, node);
  return transport.ok() ? *std::move(transport) : nullptr;
}

hawser::raftpb::Message Append() {
  hawser::raftpb::Message message;
  message.set_type(hawser::raftpb::MsgApp);
  message.set_from(1);
  message.set_to(2);
  message.set_term(1);
  hawser::raftpb::Entry* entry = message.add_entries();
  entry->set_term(1);
  entry->set_index(1);
  entry->set_data("command 1");
  return message;
}

}  // namespace

int main() {
  Node node1;
  Node node2;
  std::unique_ptr<hawser::Transport> one = Open(1, &node1);
  std::unique_ptr<hawser::Transport> two = Open(2, &node2);
  if (one == nullptr || two == nullptr || !one->AddPeer(2, {two->listen_address()}).ok() ||
      !two->AddPeer(1, {one->listen_address()}).ok() || !one->Start().ok() || !two->Start().ok()) {
    return 1;
  }
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  bool sent = false;
  while (!node2.received() && absl::Now() < give_up) {
    one->Poll(absl::Now() + absl::Milliseconds(1));
    two->Poll(absl::Now() + absl::Milliseconds(1));
    if (node1.up() && !sent) {
      sent = hawser::Send(one.get(), 2, /*group=*/0, Append()) == hawser::SendResult::kAccepted;
    }
  }
  one->Stop(absl::ZeroDuration());
  two->Stop(absl::ZeroDuration());
  return node2.received() ? 0 : 1;
}
