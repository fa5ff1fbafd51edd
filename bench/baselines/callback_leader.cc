// The leader's end of grpc_callback.

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "bench/baselines/callback_stream.h"
#include "bench/baselines/grpc_server.h"
#include "bench/baselines/naive_replicate.grpc.pb.h"
#include "bench/baselines/raftpb_messages.h"
#include "bench/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"

namespace hawser::bench {
namespace {

class LeaderStream;

// What the streams of a leader share: the replication's state, and who may write.
//
// Threads: gRPC's, and RunPhase()'s; mu_ guards all.
class CallbackLeader : public LeaderSide {
 public:
  CallbackLeader(const Workload& workload, FailFn fail)
      : workload_(workload), fail_(std::move(fail)) {}
  ~CallbackLeader() override;

  absl::Status Connect(const std::vector<int>& follower_ports) override;
  void RunPhase(const PhaseGoal& goal, ReplicaLeader* leader) override;

  // What the streams tell, from gRPC's threads.
  void OnConnected();
  void OnAnswer(int follower, uint64_t index);
  void OnWritten(int follower);
  void OnBroken(const std::string& why);
  void OnEnded();

 private:
  // The streams to start a write on, with what to write.
  struct Writes {
    std::array<AppendRange, kMaxFollowers> ranges;
    std::array<bool, kMaxFollowers> wanted{};
  };

  // Takes what can be sent now: at most one message a stream that is not writing.
  Writes TakeWrites() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartWrites(const Writes& writes);

  const Workload workload_;
  const FailFn fail_;
  std::vector<std::unique_ptr<LeaderStream>> streams_;

  Mutex mu_;
  CondVar changed_;
  ReplicaLeader* leader_ ABSL_GUARDED_BY(mu_) = nullptr;
  std::array<bool, kMaxFollowers> writing_ ABSL_GUARDED_BY(mu_) = {};
  int connected_ ABSL_GUARDED_BY(mu_) = 0;
  int ended_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

// The reactions of one stream; they only tell the CallbackLeader, who owns it.
class LeaderStream : public grpc::ClientBidiReactor<raftpb::Message, raftpb::Message> {
 public:
  LeaderStream(CallbackLeader* leader, int follower, std::shared_ptr<grpc::Channel> channel,
               raftpb::Message append)
      : leader_(leader),
        follower_(follower),
        channel_(std::move(channel)),
        stub_(NaiveReplicate::NewStub(channel_)),
        append_(std::move(append)) {}

  void Start() {
    stub_->async()->Replicate(&context_, this);
    StartRead(&resp_);
    StartCall();
  }

  // REQUIRES: no write is started.
  void Write(const AppendRange& range) {
    SetRange(range, &append_);
    StartWrite(&append_);
  }

  void Cancel() { context_.TryCancel(); }

  void OnReadInitialMetadataDone(bool ok) override {
    if (ok) leader_->OnConnected();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return leader_->OnBroken("a stream ended");
    leader_->OnAnswer(follower_, resp_.index());
    StartRead(&resp_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return leader_->OnBroken("a stream broke while the leader wrote to it");
    leader_->OnWritten(follower_);
  }
  void OnDone(const grpc::Status& status) override { leader_->OnEnded(); }

 private:
  CallbackLeader* const leader_;
  const int follower_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<NaiveReplicate::Stub> stub_;
  grpc::ClientContext context_;
  raftpb::Message append_;
  raftpb::Message resp_;
};

CallbackLeader::~CallbackLeader() {
  MutexLock lock(&mu_);
  stopping_ = true;
  for (const auto& stream : streams_) stream->Cancel();
  while (ended_ < static_cast<int>(streams_.size())) changed_.Wait(&mu_);
}

absl::Status CallbackLeader::Connect(const std::vector<int>& follower_ports) {
  for (const int port : follower_ports) {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = ConnectChannel(port);
    if (!channel.ok()) return channel.status();
    const int follower = static_cast<int>(streams_.size());
    streams_.push_back(std::make_unique<LeaderStream>(this, follower, *std::move(channel),
                                                      MakeAppend(workload_, follower)));
    streams_.back()->Start();
  }
  MutexLock lock(&mu_);
  while (connected_ < static_cast<int>(streams_.size())) changed_.Wait(&mu_);
  return absl::OkStatus();
}

void CallbackLeader::RunPhase(const PhaseGoal& goal, ReplicaLeader* leader) {
  mu_.Lock();
  leader_ = leader;
  leader_->BeginPhase(goal, NowNs());
  const Writes writes = TakeWrites();
  mu_.Unlock();
  StartWrites(writes);
  MutexLock lock(&mu_);
  while (!leader_->Idle()) changed_.Wait(&mu_);
}

void CallbackLeader::OnConnected() {
  MutexLock lock(&mu_);
  ++connected_;
  changed_.NotifyAll();
}

void CallbackLeader::OnAnswer(int follower, uint64_t index) {
  const int64_t now_ns = NowNs();
  mu_.Lock();
  if (leader_ == nullptr || !leader_->OnAppResp(follower, index, now_ns)) {
    fail_("a follower acknowledged what it was not sent");
  }
  const Writes writes = TakeWrites();
  if (leader_->Idle()) changed_.NotifyAll();
  mu_.Unlock();
  StartWrites(writes);
}

void CallbackLeader::OnWritten(int follower) {
  mu_.Lock();
  writing_[follower] = false;
  const Writes writes = TakeWrites();
  // What is written last may be of a round too short to be answered.
  if (leader_->Idle()) changed_.NotifyAll();
  mu_.Unlock();
  StartWrites(writes);
}

void CallbackLeader::OnBroken(const std::string& why) {
  MutexLock lock(&mu_);
  if (!stopping_) fail_(why);
}

void CallbackLeader::OnEnded() {
  MutexLock lock(&mu_);
  ++ended_;
  changed_.NotifyAll();
}

CallbackLeader::Writes CallbackLeader::TakeWrites() {
  Writes writes;
  for (int i = 0; i < workload_.followers; ++i) {
    writes.wanted[i] = !writing_[i] && leader_->NextMessage(i, &writes.ranges[i]);
    writing_[i] |= writes.wanted[i];
  }
  return writes;
}

void CallbackLeader::StartWrites(const Writes& writes) {
  for (int i = 0; i < workload_.followers; ++i) {
    if (writes.wanted[i]) streams_[i]->Write(writes.ranges[i]);
  }
}

}  // namespace

std::unique_ptr<LeaderSide> MakeCallbackLeader(const Workload& workload, FailFn fail) {
  return std::make_unique<CallbackLeader>(workload, std::move(fail));
}

}  // namespace hawser::bench
