#include "bench/baselines/sync_stream.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "bench/baselines/grpc_server.h"
#include "bench/baselines/naive_replicate.grpc.pb.h"
#include "bench/baselines/raftpb_messages.h"
#include "bench/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"

namespace hawser::bench {
namespace {

using ClientStream = grpc::ClientReaderWriter<raftpb::Message, raftpb::Message>;
using ServerStream = grpc::ServerReaderWriter<raftpb::Message, raftpb::Message>;

// The leader's end of one stream.
struct Follower {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<NaiveReplicate::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<ClientStream> stream;
  // Only the thread that is writing touches it.
  raftpb::Message append;
  std::thread reader;
};

// A SyncLeader sends from whichever reader thread made room, one at a time.
//
// Threads: a reader a follower, and RunPhase()'s; mu_ guards the replication's state. Writes
// happen outside mu_, by the thread that set writing_; others leave their work to it.
class SyncLeader : public LeaderSide {
 public:
  SyncLeader(const Workload& workload, bool hint, FailFn fail)
      : workload_(workload), hint_(hint), fail_(std::move(fail)) {}

  ~SyncLeader() override {
    {
      MutexLock lock(&mu_);
      stopping_ = true;
    }
    for (const auto& follower : followers_) follower->context.TryCancel();
    for (const auto& follower : followers_) {
      if (follower->reader.joinable()) follower->reader.join();
    }
  }

  absl::Status Connect(const std::vector<int>& follower_ports) override {
    for (const int port : follower_ports) {
      auto follower = std::make_unique<Follower>();
      absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = ConnectChannel(port);
      if (!channel.ok()) return channel.status();
      follower->channel = *std::move(channel);
      follower->stub = NaiveReplicate::NewStub(follower->channel);
      follower->stream = follower->stub->Replicate(&follower->context);
      follower->stream->WaitForInitialMetadata();
      follower->append = MakeAppend(workload_, static_cast<int>(followers_.size()));
      followers_.push_back(std::move(follower));
    }
    for (size_t i = 0; i < followers_.size(); ++i) {
      followers_[i]->reader = std::thread([this, i] { ReadAnswers(static_cast<int>(i)); });
    }
    return absl::OkStatus();
  }

  void RunPhase(const PhaseGoal& goal, ReplicaLeader* leader) override {
    MutexLock lock(&mu_);
    leader_ = leader;
    leader_->BeginPhase(goal, NowNs());
    SendWhatIsReady();
    while (!leader_->Idle() || writing_) idle_.Wait(&mu_);
  }

 private:
  void ReadAnswers(int index) {
    ClientStream* const stream = followers_[index]->stream.get();
    raftpb::Message resp;
    while (stream->Read(&resp)) {
      const int64_t now_ns = NowNs();
      MutexLock lock(&mu_);
      if (leader_ == nullptr || !leader_->OnAppResp(index, resp.index(), now_ns)) {
        fail_("a follower acknowledged what it was not sent");
      }
      SendWhatIsReady();
    }
    MutexLock lock(&mu_);
    if (!stopping_) fail_("a stream ended: " + stream->Finish().error_message());
  }

  void SendWhatIsReady() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_) return;
    writing_ = true;
    for (bool sent = true; sent;) {
      sent = false;
      for (size_t i = 0; i < followers_.size(); ++i) sent |= SendOne(static_cast<int>(i));
    }
    writing_ = false;
    if (leader_->Idle()) idle_.NotifyAll();
  }

  // Sends the next message for a follower, if there is one. Releases mu_ while it writes.
  bool SendOne(int index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    AppendRange range;
    if (!leader_->NextMessage(index, &range)) return false;
    grpc::WriteOptions options;
    if (hint_ && leader_->HasMessage(index)) options.set_buffer_hint();
    mu_.Unlock();
    Follower& follower = *followers_[index];
    SetRange(range, &follower.append);
    const bool written = follower.stream->Write(follower.append, options);
    mu_.Lock();
    if (!written) fail_("a stream broke while the leader wrote to it");
    return true;
  }

  const Workload workload_;
  const bool hint_;
  const FailFn fail_;
  std::vector<std::unique_ptr<Follower>> followers_;

  Mutex mu_;
  CondVar idle_;
  ReplicaLeader* leader_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

// A SyncFollower reads and answers on the thread that gRPC gives the stream.
class SyncFollower : public FollowerSide, public NaiveReplicate::Service {
 public:
  SyncFollower(const Workload& workload, uint64_t node, FailFn fail)
      : fail_(std::move(fail)), node_(node), follower_(workload), server_(this) {}

  absl::StatusOr<int> Listen() override { return server_.Start(); }
  void Serve() override { server_.WaitUntilStopped(); }
  void Stop() override { server_.Stop(); }

  grpc::Status Replicate(grpc::ServerContext* context, ServerStream* stream) override {
    stream->SendInitialMetadata();
    raftpb::Message append;
    raftpb::Message resp = MakeAppResp(node_);
    while (stream->Read(&append)) {
      const ReplicaFollower::Verdict verdict = Receive(append, &follower_);
      if (verdict == ReplicaFollower::Verdict::kBroken) fail_(follower_.error());
      if (verdict != ReplicaFollower::Verdict::kAnswer) continue;
      resp.set_index(follower_.last_index());
      if (!stream->Write(resp)) break;
    }
    return grpc::Status::OK;
  }

 private:
  const FailFn fail_;
  const uint64_t node_;
  ReplicaFollower follower_;
  LoopbackServer server_;
};

}  // namespace

std::unique_ptr<LeaderSide> MakeSyncLeader(const Workload& workload, FailFn fail) {
  return std::make_unique<SyncLeader>(workload, /*hint=*/false, std::move(fail));
}

std::unique_ptr<LeaderSide> MakeSyncHintLeader(const Workload& workload, FailFn fail) {
  return std::make_unique<SyncLeader>(workload, /*hint=*/true, std::move(fail));
}

std::unique_ptr<FollowerSide> MakeSyncFollower(const Workload& workload, uint64_t node,
                                               FailFn fail) {
  return std::make_unique<SyncFollower>(workload, node, std::move(fail));
}

}  // namespace hawser::bench
