// The follower's end of hawser and hawser_poll.

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "bench/contestants/hawser.h"
#include "bench/contestants/hawser_node.h"
#include "bench/group_map.h"
#include "bench/replica_follower.h"

namespace hawser::bench {
namespace {

// A HawserFollower answers from within OnMessage.
//
// Threads: callbacks come on the transport's thread, or inside Serve() when polling.
class HawserFollower : public FollowerSide, private RaftHandler {
 public:
  HawserFollower(const Workload& workload, uint64_t node, LoopMode mode, FailFn fail)
      : fail_(std::move(fail)),
        groups_(workload.groups, workload.entries_per_message),
        follower_(workload),
        node_(workload, node, mode) {
    resp_.type = MessageType::kAppResp;
    resp_.to = kLeaderNode;
    resp_.from = node;
    resp_.term = kTerm;
  }
  ~HawserFollower() override { node_.Stop(); }

  absl::StatusOr<int> Listen() override { return node_.Listen(this); }

  // The leader dials.
  absl::Status Connect(int leader_port) override {
    node_.StopLogging();
    return node_.AddPeer(kLeaderNode, {});
  }

  void Serve() override {
    if (node_.polls()) {
      node_.PollUntil([this] { return stop_.HasBeenNotified(); });
    } else {
      stop_.WaitForNotification();
    }
  }

  void Stop() override {
    stop_.Notify();
    node_.Wake();
  }

 private:
  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) override {
    const uint64_t first = groups_.IndexInLog(group, message.index + 1);
    follower_.BeginAppend(first - 1);
    for (const EntryView& entry : message.entries) {
      follower_.OnEntry(groups_.IndexInLog(group, entry.index), entry.data.size());
    }
    const ReplicaFollower::Verdict verdict = follower_.EndAppend();
    if (verdict == ReplicaFollower::Verdict::kBroken) fail_(follower_.error());
    if (verdict != ReplicaFollower::Verdict::kAnswer) return;
    resp_.index = groups_.IndexInGroup(follower_.last_index());
    const SendResult result = node_.transport().Send(from, group, resp_);
    if (result != SendResult::kAccepted) {
      fail_(absl::StrCat("Send to the leader: ", SendResultName(result)));
    }
  }

  // The leader leaves first.
  void OnUnreachable(NodeId node, const LossReport& report) override {}

  const FailFn fail_;
  const GroupMap groups_;
  ReplicaFollower follower_;
  MessageView resp_;
  absl::Notification stop_;

  // The last member: its callbacks end before the rest goes.
  HawserNode node_;
};

}  // namespace

std::unique_ptr<FollowerSide> MakeHawserFollower(const Workload& workload, uint64_t node,
                                                 FailFn fail) {
  return std::make_unique<HawserFollower>(workload, node, LoopMode::kThread, std::move(fail));
}

std::unique_ptr<FollowerSide> MakeHawserPollFollower(const Workload& workload, uint64_t node,
                                                     FailFn fail) {
  return std::make_unique<HawserFollower>(workload, node, LoopMode::kPoll, std::move(fail));
}

}  // namespace hawser::bench
