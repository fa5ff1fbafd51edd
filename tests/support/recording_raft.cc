#include "tests/support/recording_raft.h"

#include <utility>

namespace hawser {

void RecordingRaft::Changed(const std::function<void()>& change) {
  std::lock_guard<std::mutex> lock(mu_);
  change();
  changed_.notify_all();
}

bool RecordingRaft::WaitFor(const std::function<bool(const Recorded&)>& done,
                            std::chrono::milliseconds timeout) {
  std::unique_lock<std::mutex> lock(mu_);
  return changed_.wait_for(lock, timeout, [&] { return done(*this); });
}

Recorded RecordingRaft::Seen() {
  std::lock_guard<std::mutex> lock(mu_);
  return *this;
}

size_t RecordingRaft::MessageCount() {
  std::lock_guard<std::mutex> lock(mu_);
  return messages.size();
}

void RecordingRaft::Forget() {
  std::lock_guard<std::mutex> lock(mu_);
  static_cast<Recorded&>(*this) = Recorded();
}

void RecordingRaft::OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) {
  if (on_message) on_message(from, group, message, &lease);
  ReceivedMessage received;
  received.from = from;
  received.group = group;
  received.type = message.type;
  received.term = message.term;
  received.index = message.index;
  for (const EntryView& entry : message.entries) received.data.emplace_back(entry.data);
  received.context = std::string(message.context);
  Changed([&] {
    log.push_back("message " + std::to_string(received.index));
    messages.push_back(std::move(received));
  });
}

void RecordingRaft::OnCallAppend(NodeId from, GroupId group, const MessageView& message,
                                 Lease lease, CallResponder responder) {
  OnMessage(from, group, message, std::move(lease));
  if (on_call_append) on_call_append(from, group, message, std::move(responder));
}

void RecordingRaft::OnUnreachable(NodeId node, const LossReport& report) {
  if (on_unreachable) on_unreachable();
  Changed([&] {
    ++unreachable;
    for (const Tally& tally : report.by_reason) lost += tally.messages;
    reports.push_back({node, report.by_reason, {report.groups.begin(), report.groups.end()}});
    log.emplace_back("unreachable");
  });
}

void RecordingRaft::OnPeerChange(NodeId node, bool is_up, LinkKind link, CloseReason reason) {
  Changed([&] {
    log.emplace_back(is_up ? "up" : "down");
    if (is_up) {
      up.push_back(node);
    } else {
      downs.push_back(reason);
    }
  });
}

void RecordingRaft::OnRefused(NodeId node, CloseReason reason, absl::string_view text) {
  Changed([&] { refusals.push_back(reason); });
}

void RecordingRaft::OnWritable(NodeId node) {
  Changed([&] { ++writable; });
}

void RecordingRaft::OnSnapshotAcknowledged(NodeId node, GroupId group) {
  Changed([&] { ++snapshots; });
}

UnknownPeerVerdict RecordingRaft::OnUnknownPeer(NodeId node, absl::Span<const std::string>) {
  Changed([&] { unknown.push_back(node); });
  return unknown_peer;
}

bool RecordingRaft::IsRemoved(NodeId node) { return node == removed_node; }

}  // namespace hawser
