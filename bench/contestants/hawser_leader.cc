// The leader's end of hawser and hawser_poll.

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "bench/clock.h"
#include "bench/contestants/hawser.h"
#include "bench/contestants/hawser_node.h"
#include "bench/group_map.h"

namespace hawser::bench {
namespace {

// The payloads never change and live as long as the process: nothing to give back.
void KeepPayload(void* /*argument*/) {}

// A HawserLeader sends what an answer makes room for from within OnMessage.
//
// Threads: the transport's (or, polling, the member's own) and RunPhase()'s; mu_ guards the
// replication's state. It is contended only while a phase begins or ends.
class HawserLeader : public LeaderSide, private RaftHandler {
 public:
  HawserLeader(const Workload& workload, LoopMode mode, FailFn fail)
      : workload_(workload),
        fail_(std::move(fail)),
        payload_(workload.entry_bytes, 'x'),
        entries_(static_cast<size_t>(workload.entries_per_message)),
        groups_(workload.groups, workload.entries_per_message),
        node_(workload, kLeaderNode, mode) {
    for (EntryView& entry : entries_) {
      entry.term = kTerm;
      entry.data = payload_;
    }
    append_.type = MessageType::kApp;
    append_.from = kLeaderNode;
    append_.term = kTerm;
    append_.log_term = kTerm;
    append_.entries = entries_;
  }

  ~HawserLeader() override {
    {
      MutexLock lock(&mu_);
      stopping_ = true;
    }
    node_.Stop();
  }

  absl::StatusOr<int> Listen() override { return node_.Listen(this); }

  absl::Status Connect(const std::vector<int>& follower_ports) override {
    NodeId follower = FollowerNode(0);
    for (const int port : follower_ports) {
      absl::Status added = node_.AddPeer(follower++, {LoopbackAddress(port)});
      if (!added.ok()) return added;
    }
    WaitUntil(&HawserLeader::Connected);
    node_.StopLogging();
    return node_.WaitForRdma();
  }

  void RunPhase(const PhaseGoal& goal, ReplicaLeader* leader) override {
    {
      MutexLock lock(&mu_);
      leader_ = leader;
      leader_->BeginPhase(goal, NowNs());
      SendWhatIsReady();
    }
    WaitUntil(&HawserLeader::Idle);
  }

  uint64_t drops() const override {
    MutexLock lock(&mu_);
    return drops_;
  }

 private:
  bool Connected() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return connected_ == workload_.followers;
  }
  bool Idle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return leader_->Idle(); }

  void WaitUntil(bool (HawserLeader::*done)() const) {
    if (node_.polls()) {
      node_.PollUntil([this, done] {
        MutexLock lock(&mu_);
        return (this->*done)();
      });
      return;
    }
    MutexLock lock(&mu_);
    while (!(this->*done)()) changed_.Wait(&mu_);
  }

  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) override {
    const int64_t now_ns = NowNs();
    const auto follower = static_cast<int>(from - FollowerNode(0));
    MutexLock lock(&mu_);
    if (leader_ == nullptr ||
        !leader_->OnAppResp(follower, groups_.IndexInLog(group, message.index), now_ns)) {
      fail_("a follower acknowledged what it was not sent");
    }
    SendWhatIsReady();
    if (leader_->Idle()) changed_.NotifyAll();
  }

  void OnWritable(NodeId node) override {
    MutexLock lock(&mu_);
    SendWhatIsReady();
  }

  void OnPeerChange(NodeId node, bool up, LinkKind link, CloseReason reason) override {
    MutexLock lock(&mu_);
    if (!up && !stopping_) {
      fail_(absl::StrCat("the link to follower ", node, " ended: ", CloseReasonName(reason)));
    }
    connected_ += up ? 1 : -1;
    changed_.NotifyAll();
  }

  void OnRefused(NodeId node, CloseReason reason, absl::string_view text) override {
    fail_(absl::StrCat("follower ", node, " refuses the leader: ", CloseReasonName(reason), ": ",
                       text));
  }

  void OnUnreachable(NodeId node, const LossReport& report) override {
    MutexLock lock(&mu_);
    for (const Tally& tally : report.by_reason) drops_ += tally.messages;
    if (!stopping_) fail_(absl::StrCat("follower ", node, " is unreachable"));
  }

  void SendWhatIsReady() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (leader_ == nullptr) return;
    for (bool sent = true; sent;) {
      sent = false;
      for (int i = 0; i < workload_.followers; ++i) sent |= SendOne(i);
    }
  }

  // Sends the next message for a follower, if there is one and its queue takes it. One that it
  // refused waits in refused_ for OnWritable.
  bool SendOne(int follower) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    AppendRange& refused = refused_[follower];
    AppendRange range = refused;
    if (range.first_index == 0 && !leader_->NextMessage(follower, &range)) return false;
    append_.to = FollowerNode(follower);
    const GroupId group = groups_.GroupOf(range.first_index);
    uint64_t index = groups_.IndexInGroup(range.first_index);
    append_.index = index - 1;
    append_.commit = groups_.CountInGroup(range.commit, group);
    for (EntryView& entry : entries_) entry.index = index++;
    const SendResult result =
        node_.transport().Send(append_.to, group, append_, Hold{KeepPayload, nullptr});
    refused = AppendRange();
    if (result == SendResult::kAccepted) return true;
    if (result != SendResult::kQueueMessages && result != SendResult::kQueueBytes) {
      fail_(absl::StrCat("Send to follower ", append_.to, ": ", SendResultName(result)));
    }
    ++drops_;
    refused = range;
    return false;
  }

  const Workload workload_;
  const FailFn fail_;
  const std::string payload_;

  mutable Mutex mu_;
  CondVar changed_;
  // The message that is sent, again and again with other indices.
  std::vector<EntryView> entries_ ABSL_GUARDED_BY(mu_);
  const GroupMap groups_;
  MessageView append_ ABSL_GUARDED_BY(mu_);
  // By follower; first_index 0: none.
  std::array<AppendRange, kMaxFollowers> refused_ ABSL_GUARDED_BY(mu_);
  ReplicaLeader* leader_ ABSL_GUARDED_BY(mu_) = nullptr;
  int connected_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t drops_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  // The last member: its callbacks end before the rest goes.
  HawserNode node_;
};

}  // namespace

std::unique_ptr<LeaderSide> MakeHawserLeader(const Workload& workload, FailFn fail) {
  return std::make_unique<HawserLeader>(workload, LoopMode::kThread, std::move(fail));
}

std::unique_ptr<LeaderSide> MakeHawserPollLeader(const Workload& workload, FailFn fail) {
  return std::make_unique<HawserLeader>(workload, LoopMode::kPoll, std::move(fail));
}

}  // namespace hawser::bench
