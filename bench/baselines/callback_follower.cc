// The follower's end of grpc_callback.

#include <deque>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "bench/baselines/callback_stream.h"
#include "bench/baselines/grpc_server.h"
#include "bench/baselines/naive_replicate.grpc.pb.h"
#include "bench/baselines/raftpb_messages.h"
#include "grpcpp/support/server_callback.h"

namespace hawser::bench {
namespace {

// The reactions of the stream that the leader opened. Deletes itself when the stream is done.
//
// Threads: gRPC's; reads come one at a time, and so do writes. mu_ guards the answers between.
class FollowerStream : public grpc::ServerBidiReactor<raftpb::Message, raftpb::Message> {
 public:
  FollowerStream(const FailFn& fail, uint64_t node, ReplicaFollower* follower)
      : fail_(fail), follower_(follower), resp_(MakeAppResp(node)) {
    StartSendInitialMetadata();
    StartRead(&append_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    const ReplicaFollower::Verdict verdict = Receive(append_, follower_);
    if (verdict == ReplicaFollower::Verdict::kBroken) fail_(follower_->error());
    if (verdict == ReplicaFollower::Verdict::kAnswer) Answer(follower_->last_index());
    StartRead(&append_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return;
    uint64_t index;
    {
      MutexLock lock(&mu_);
      if (unsent_.empty()) {
        writing_ = false;
        return;
      }
      index = unsent_.front();
      unsent_.pop_front();
    }
    Write(index);
  }

  void OnDone() override { delete this; }

 private:
  void Answer(uint64_t index) {
    {
      MutexLock lock(&mu_);
      if (writing_) {
        unsent_.push_back(index);
        return;
      }
      writing_ = true;
    }
    Write(index);
  }

  void Write(uint64_t index) {
    resp_.set_index(index);
    StartWrite(&resp_);
  }

  const FailFn& fail_;
  ReplicaFollower* const follower_;
  raftpb::Message append_;
  // Only touched by whoever set writing_.
  raftpb::Message resp_;

  Mutex mu_;
  std::deque<uint64_t> unsent_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
};

// A CallbackFollower serves the one stream of its leader.
class CallbackFollower : public FollowerSide, public NaiveReplicate::CallbackService {
 public:
  CallbackFollower(const Workload& workload, uint64_t node, FailFn fail)
      : fail_(std::move(fail)), node_(node), follower_(workload), server_(this) {}

  absl::StatusOr<int> Listen() override { return server_.Start(); }
  void Serve() override { server_.WaitUntilStopped(); }
  void Stop() override { server_.Stop(); }

  grpc::ServerBidiReactor<raftpb::Message, raftpb::Message>* Replicate(
      grpc::CallbackServerContext* context) override {
    return new FollowerStream(fail_, node_, &follower_);
  }

 private:
  const FailFn fail_;
  const uint64_t node_;
  ReplicaFollower follower_;
  LoopbackServer server_;
};

}  // namespace

std::unique_ptr<FollowerSide> MakeCallbackFollower(const Workload& workload, uint64_t node,
                                                   FailFn fail) {
  return std::make_unique<CallbackFollower>(workload, node, std::move(fail));
}

}  // namespace hawser::bench
