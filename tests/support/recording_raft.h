#ifndef HAWSER_TESTS_SUPPORT_RECORDING_RAFT_H_
#define HAWSER_TESTS_SUPPORT_RECORDING_RAFT_H_

// A RaftHandler that remembers what it was told, for tests.

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "transport/raft_handler.h"

namespace hawser {

// What one message was, copied.
struct ReceivedMessage {
  NodeId from = 0;
  GroupId group = 0;
  MessageType type = MessageType::kHup;
  uint64_t term = 0;
  uint64_t index = 0;
  std::vector<std::string> data;
  std::string context;
};

// What one LossReport was, copied.
struct ReceivedReport {
  NodeId node = 0;
  std::array<Tally, kLossReasonCount> by_reason;
  std::vector<GroupLoss> groups;

  uint64_t messages(LossReason reason) const {
    return by_reason[static_cast<int>(reason)].messages;
  }
};

// All that a handler was told.
struct Recorded {
  std::vector<ReceivedMessage> messages;
  std::vector<NodeId> up;
  std::vector<CloseReason> downs;
  std::vector<CloseReason> refusals;
  std::vector<ReceivedReport> reports;
  // Every callback in the order it came: "message 5" (its index), "unreachable", "up", "down".
  std::vector<std::string> log;
  uint64_t unreachable = 0;
  uint64_t lost = 0;
  uint64_t writable = 0;
  uint64_t snapshots = 0;
  std::vector<NodeId> unknown;  // whom OnUnknownPeer was asked about
};

// Records from the loop thread; tests look at it from theirs.
class RecordingRaft : public RaftHandler, protected Recorded {
 public:
  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) override;
  void OnUnreachable(NodeId node, const LossReport& report) override;
  void OnPeerChange(NodeId node, bool up, LinkKind link, CloseReason reason) override;
  void OnRefused(NodeId node, CloseReason reason, absl::string_view text) override;
  void OnWritable(NodeId node) override;
  void OnSnapshotAcknowledged(NodeId node, GroupId group) override;
  bool IsRemoved(NodeId node) override;
  UnknownPeerVerdict OnUnknownPeer(NodeId node, absl::Span<const std::string> addresses) override;
  // Recorded as a message.
  void OnCallAppend(NodeId from, GroupId group, const MessageView& message, Lease lease,
                    CallResponder responder) override;

  // Waits until `done(recorded)` holds, looked at after each callback; false after `timeout`.
  bool WaitFor(const std::function<bool(const Recorded&)>& done,
               std::chrono::milliseconds timeout = std::chrono::seconds(20));

  // What came until now, copied.
  Recorded Seen();
  // How many messages came until now.
  size_t MessageCount();
  // Forgets what came until now.
  void Forget();

  // Set before the transport starts, or before the peer can cause a call.
  //
  // Runs on the loop thread for each message, before it is recorded.
  std::function<void(NodeId, GroupId, const MessageView&, Lease*)> on_message;
  // The same for each call; without it they go unanswered.
  std::function<void(NodeId, GroupId, const MessageView&, CallResponder)> on_call_append;
  // The same for each loss.
  std::function<void()> on_unreachable;

  std::atomic<NodeId> removed_node{0};
  // What OnUnknownPeer answers.
  std::atomic<UnknownPeerVerdict> unknown_peer{UnknownPeerVerdict::kRefuse};

 private:
  void Changed(const std::function<void()>& change);

  std::mutex mu_;  // of all in Recorded
  std::condition_variable changed_;
};

// The same for a program of one thread, which reads what was recorded as it stands.
class OneThreadRaft : public RecordingRaft {
 public:
  using Recorded::downs;
  using Recorded::log;
  using Recorded::lost;
  using Recorded::messages;
  using Recorded::refusals;
  using Recorded::reports;
  using Recorded::snapshots;
  using Recorded::unknown;
  using Recorded::unreachable;
  using Recorded::up;
  using Recorded::writable;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_RECORDING_RAFT_H_
