// Two nodes in one program: node 1 sends appends to node 2, which prints what arrived.

#include <chrono>
#include <cstdio>
#include <future>
#include <memory>
#include <string>

#include "hawser/transport/transport.h"

namespace {

constexpr int kAppends = 3;
constexpr std::chrono::seconds kPatience(20);

// Plays Raft. Its callbacks come on the transport's thread.
class Node final : public hawser::RaftHandler {
 public:
  void OnMessage(hawser::NodeId from, hawser::GroupId, const hawser::MessageView& message,
                 hawser::Lease) override {
    for (const hawser::EntryView& entry : message.entries) {
      std::printf("from %d: %s, term %d, index %d, \"%s\"\n", static_cast<int>(from),
                  hawser::MessageTypeName(message.type), static_cast<int>(entry.term),
                  static_cast<int>(entry.index), std::string(entry.data).c_str());
      if (++received_ == kAppends) all_here_.set_value();
    }
  }

  void OnUnreachable(hawser::NodeId node, const hawser::LossReport&) override {
    std::printf("lost the way to %d\n", static_cast<int>(node));
  }

  void OnPeerChange(hawser::NodeId, bool up, hawser::LinkKind, hawser::CloseReason) override {
    if (up && !was_up_) up_.set_value();
    was_up_ = was_up_ || up;
  }

  std::future<void> up() { return up_.get_future(); }
  std::future<void> all_here() { return all_here_.get_future(); }

 private:
  int received_ = 0;
  bool was_up_ = false;
  std::promise<void> up_;
  std::promise<void> all_here_;
};

std::unique_ptr<hawser::Transport> Open(hawser::NodeId id, Node* node) {
  hawser::Options options;
  options.node_id = id;
  options.cluster_id = "example";
  options.listen_address = "127.0.0.1:0";
  auto transport = hawser::Transport::Create(options, node);
  if (!transport.ok()) {
    std::fprintf(stderr, "node %d: %s\n", static_cast<int>(id),
                 transport.status().ToString().c_str());
    return nullptr;
  }
  return *std::move(transport);
}

bool SendAppend(hawser::Transport* transport, int index) {
  const std::string data = "command " + std::to_string(index);
  hawser::EntryView entry;
  entry.term = 1;
  entry.index = index;
  entry.data = data;
  hawser::MessageView append;
  append.type = hawser::MessageType::kApp;
  append.from = 1;
  append.to = 2;
  append.term = append.log_term = 1;
  append.index = index - 1;
  append.entries = absl::MakeConstSpan(&entry, 1);
  const hawser::SendResult result = transport->Send(2, /*group=*/0, append);
  if (result == hawser::SendResult::kAccepted) return true;
  std::fprintf(stderr, "not sent: %s\n", hawser::SendResultName(result));
  return false;
}

bool Run(hawser::Transport* one, hawser::Transport* two, std::future<void> up,
         std::future<void> all_here) {
  if (!one->AddPeer(2, {two->listen_address()}).ok() ||
      !two->AddPeer(1, {one->listen_address()}).ok() || !one->Start().ok() || !two->Start().ok()) {
    return false;
  }
  if (up.wait_for(kPatience) != std::future_status::ready) return false;
  for (int index = 1; index <= kAppends; ++index) {
    if (!SendAppend(one, index)) return false;
  }
  return all_here.wait_for(kPatience) == std::future_status::ready;
}

}  // namespace

int main() {
  Node node1;
  Node node2;
  std::unique_ptr<hawser::Transport> one = Open(1, &node1);
  std::unique_ptr<hawser::Transport> two = Open(2, &node2);
  if (one == nullptr || two == nullptr) return 1;
  const bool done = Run(one.get(), two.get(), node1.up(), node2.all_here());
  one->Stop(absl::Seconds(1));
  two->Stop(absl::Seconds(1));
  std::printf("%s\n", done ? "all appends arrived" : "not all appends arrived");
  return done ? 0 : 1;
}
