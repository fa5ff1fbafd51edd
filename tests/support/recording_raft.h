#ifndef HAWSER_TESTS_SUPPORT_RECORDING_RAFT_H_
#define HAWSER_TESTS_SUPPORT_RECORDING_RAFT_H_

// A RaftHandler that remembers what it was told, for tests.

#include <array>
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

// Records from the loop thread; tests wait on it from theirs.
class RecordingRaft : public RaftHandler {
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

  // Waits until `done()` holds, looked at after each callback; false after `timeout`.
  bool WaitFor(const std::function<bool()>& done,
               std::chrono::milliseconds timeout = std::chrono::seconds(20));

  // How many messages came until now; the only thing to be read while more may come.
  size_t MessageCount();

  // Runs on the loop thread for each message, before it is recorded.
  std::function<void(NodeId, GroupId, const MessageView&, Lease*)> on_message;
  // The same for each call; without it they go unanswered.
  std::function<void(NodeId, GroupId, const MessageView&, CallResponder)> on_call_append;
  // The same for each loss.
  std::function<void()> on_unreachable;

  // Read inside WaitFor's condition, or when nothing more comes.
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
  NodeId removed_node = 0;
  // What OnUnknownPeer answers, and whom it was asked about.
  UnknownPeerVerdict unknown_peer = UnknownPeerVerdict::kRefuse;
  std::vector<NodeId> unknown;

 private:
  void Changed(const std::function<void()>& change);

  std::mutex mu_;
  std::condition_variable changed_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_RECORDING_RAFT_H_
