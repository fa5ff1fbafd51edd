// The C interface of c_api.h.

#include "docs/sketches/c_api.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "transport/transport.h"

namespace {

hawser_message ToC(const hawser::MessageView& in, std::vector<hawser_entry>* entries) {
  entries->clear();
  for (const hawser::EntryView& entry : in.entries) {
    entries->push_back({entry.term, entry.index, static_cast<uint8_t>(entry.type),
                        entry.data.data(), entry.data.size()});
  }
  return {static_cast<uint8_t>(in.type),
          in.reject,
          in.to,
          in.from,
          in.term,
          in.log_term,
          in.index,
          in.commit,
          in.reject_hint,
          entries->data(),
          entries->size(),
          in.context.data(),
          in.context.size()};
}

hawser::MessageView FromC(const hawser_message& in, std::vector<hawser::EntryView>* entries) {
  entries->clear();
  for (size_t i = 0; i < in.entry_count; ++i) {
    hawser::EntryView& entry = entries->emplace_back();
    entry.term = in.entries[i].term;
    entry.index = in.entries[i].index;
    entry.type = static_cast<hawser::EntryType>(in.entries[i].type);
    entry.data = {static_cast<const char*>(in.entries[i].data), in.entries[i].data_bytes};
  }
  hawser::MessageView out;
  out.type = static_cast<hawser::MessageType>(in.type);
  out.reject = in.reject != 0;
  out.to = in.to;
  out.from = in.from;
  out.term = in.term;
  out.log_term = in.log_term;
  out.index = in.index;
  out.commit = in.commit;
  out.reject_hint = in.reject_hint;
  out.entries = *entries;
  out.context = {static_cast<const char*>(in.context), in.context_bytes};
  return out;
}

}  // namespace

struct hawser_node final : hawser::RaftHandler {
  explicit hawser_node(const hawser_callbacks& c) : callbacks(c) {}

  void OnMessage(hawser::NodeId from, hawser::GroupId group, const hawser::MessageView& view,
                 hawser::Lease lease) override {
    const hawser_message message = ToC(view, &entries);
    callbacks.on_message(callbacks.argument, from, group, &message,
                         reinterpret_cast<hawser_lease*>(lease.Detach()));
  }

  void OnUnreachable(hawser::NodeId node, const hawser::LossReport& report) override {
    uint64_t lost = 0;
    for (const hawser::Tally& tally : report.by_reason) lost += tally.messages;
    callbacks.on_unreachable(callbacks.argument, node, lost);
  }

  void OnWritable(hawser::NodeId node) override { callbacks.on_writable(callbacks.argument, node); }

  const hawser_callbacks callbacks;
  std::vector<hawser_entry> entries;
  std::unique_ptr<hawser::Transport> transport;
};

hawser_node* hawser_create(const char* cluster_id, uint64_t node_id, const char* listen_address,
                           const hawser_callbacks* callbacks, char* error, size_t error_bytes) {
  hawser::Options options;
  options.cluster_id = cluster_id;
  options.node_id = node_id;
  options.listen_address = listen_address;
  options.loop_mode = hawser::LoopMode::kPoll;
  auto node = std::make_unique<hawser_node>(*callbacks);
  auto transport = hawser::Transport::Create(options, node.get());
  absl::Status status = transport.status();
  if (status.ok()) {
    node->transport = *std::move(transport);
    status = node->transport->Start();
  }
  if (status.ok()) return node.release();
  if (error_bytes > 0) error[status.message().copy(error, error_bytes - 1)] = '\0';
  return nullptr;
}

void hawser_destroy(hawser_node* node, int patience_ms) {
  node->transport->Stop(absl::Milliseconds(patience_ms));
  delete node;
}

const char* hawser_listen_address(hawser_node* node) {
  return node->transport->listen_address().c_str();
}

int hawser_add_peer(hawser_node* node, uint64_t peer, const char* address) {
  return static_cast<int>(node->transport->AddPeer(peer, {address}).code());
}

int hawser_send(hawser_node* node, uint64_t peer, uint64_t group, const hawser_message* message,
                void (*release)(void* argument), void* argument) {
  thread_local std::vector<hawser::EntryView> entries;
  return static_cast<int>(
      node->transport->Send(peer, group, FromC(*message, &entries), {release, argument}));
}

const char* hawser_send_result_name(int result) {
  return hawser::SendResultName(static_cast<hawser::SendResult>(result));
}

void hawser_release(hawser_lease* lease) {
  if (lease != nullptr) hawser::Lease(reinterpret_cast<hawser::ReceiveBuffer*>(lease)).Release();
}

int hawser_poll(hawser_node* node, int timeout_ms) {
  return node->transport->Poll(absl::Now() + absl::Milliseconds(timeout_ms));
}

int hawser_wait_fd(hawser_node* node) { return node->transport->WaitFd(); }

int hawser_timeout_ms(hawser_node* node) {
  const absl::Time deadline = node->transport->PollDeadline();
  if (deadline == absl::InfiniteFuture()) return -1;
  const absl::Duration rest = absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1));
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(rest), 0, 1 << 30));
}
