#include "bench/baselines/byte_stream.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "bench/baselines/grpc_server.h"
#include "bench/clock.h"
#include "bench/replica_follower.h"

namespace hawser::bench {
namespace {

constexpr char kMethod[] = "/hawser.bench.Bytes/Stream";

grpc::Slice IndexSlice(uint64_t index) { return grpc::Slice(&index, sizeof(index)); }

// The index at the front of a message.
uint64_t IndexOf(const grpc::ByteBuffer& message, std::vector<grpc::Slice>* slices) {
  uint64_t index = 0;
  slices->clear();
  if (!message.Dump(slices).ok()) return 0;
  char* out = reinterpret_cast<char*>(&index);
  size_t left = sizeof(index);
  for (const grpc::Slice& slice : *slices) {
    const size_t piece = std::min(left, slice.size());
    std::memcpy(out, slice.begin(), piece);
    out += piece;
    left -= piece;
  }
  return left == 0 ? index : 0;
}

// A tag: what completed, and on which stream.
enum class Step : uintptr_t { kStarted, kRead, kWritten };
void* TagOf(int follower, Step step) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(follower) << 2 |
                                 static_cast<uintptr_t>(step));
}
int FollowerOf(void* tag) { return static_cast<int>(reinterpret_cast<uintptr_t>(tag) >> 2); }
Step StepOf(void* tag) { return static_cast<Step>(reinterpret_cast<uintptr_t>(tag) & 3); }

class ByteLeader : public LeaderSide {
 public:
  ByteLeader(const Workload& workload, FailFn fail)
      : workload_(workload),
        fail_(std::move(fail)),
        payload_(workload.entry_bytes * static_cast<size_t>(workload.entries_per_message), 'x') {}

  ~ByteLeader() override {
    for (const auto& stream : streams_) stream->context.TryCancel();
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  absl::Status Connect(const std::vector<int>& follower_ports) override {
    for (const int port : follower_ports) {
      absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = ConnectChannel(port);
      if (!channel.ok()) return channel.status();
      const int follower = static_cast<int>(streams_.size());
      streams_.push_back(std::make_unique<Stream>(*channel));
      Stream& stream = *streams_.back();
      stream.call = stream.stub.PrepareCall(&stream.context, kMethod, &queue_);
      stream.call->StartCall(TagOf(follower, Step::kStarted));
      void* tag;
      bool ok = false;
      queue_.Next(&tag, &ok);
      if (!ok) return absl::UnavailableError("a stream could not be opened");
      stream.call->Read(&stream.read, TagOf(follower, Step::kRead));
    }
    return absl::OkStatus();
  }

  void RunPhase(const PhaseGoal& goal, ReplicaLeader* leader) override {
    leader->BeginPhase(goal, NowNs());
    SendAll(leader);
    while (!leader->Idle()) {
      void* tag;
      bool ok;
      if (!queue_.Next(&tag, &ok) || !ok) fail_("a stream ended");
      const int follower = FollowerOf(tag);
      Stream& stream = *streams_[follower];
      if (StepOf(tag) == Step::kWritten) {
        stream.writing = false;
      } else {
        if (!leader->OnAppResp(follower, IndexOf(stream.read, &slices_), NowNs())) {
          fail_("a follower acknowledged what it was not sent");
        }
        stream.call->Read(&stream.read, tag);
      }
      SendAll(leader);
    }
  }

 private:
  struct Stream {
    explicit Stream(std::shared_ptr<grpc::Channel> to) : channel(std::move(to)), stub(channel) {}

    const std::shared_ptr<grpc::Channel> channel;
    grpc::GenericStub stub;
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
    grpc::ByteBuffer read;
    bool writing = false;
  };

  void SendAll(ReplicaLeader* leader) {
    for (int i = 0; i < workload_.followers; ++i) {
      AppendRange range;
      if (streams_[i]->writing || !leader->NextMessage(i, &range)) continue;
      streams_[i]->writing = true;
      const grpc::Slice slices[] = {
          IndexSlice(range.first_index - 1),
          grpc::Slice(payload_.data(), payload_.size(), grpc::Slice::STATIC_SLICE)};
      streams_[i]->call->Write(grpc::ByteBuffer(slices, 2), TagOf(i, Step::kWritten));
    }
  }

  const Workload workload_;
  const FailFn fail_;
  const std::string payload_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<grpc::Slice> slices_;
};

class ByteFollower : public FollowerSide {
 public:
  ByteFollower(const Workload& workload, FailFn fail)
      : workload_(workload), fail_(std::move(fail)), follower_(workload) {}

  ~ByteFollower() override {
    queue_->Shutdown();
    void* tag;
    bool ok;
    while (queue_->Next(&tag, &ok)) {
    }
  }

  absl::StatusOr<int> Listen() override {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterAsyncGenericService(&service_);
    queue_ = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return absl::UnavailableError("gRPC can't listen on 127.0.0.1");
    service_.RequestCall(&context_, &stream_, queue_.get(), queue_.get(), TagOf(0, Step::kStarted));
    return port;
  }

  void Serve() override {
    void* tag;
    bool ok;
    while (queue_->Next(&tag, &ok) && ok) {
      if (StepOf(tag) == Step::kWritten) {
        writing_ = false;
      } else {
        if (StepOf(tag) == Step::kRead) OnAppend();
        stream_.Read(&read_, TagOf(0, Step::kRead));
      }
      if (writing_ || unsent_.empty()) continue;
      writing_ = true;
      const grpc::Slice slice = IndexSlice(unsent_.front());
      unsent_.pop_front();
      stream_.Write(grpc::ByteBuffer(&slice, 1), TagOf(0, Step::kWritten));
    }
  }
  void Stop() override { server_->Shutdown(std::chrono::system_clock::now()); }

 private:
  void OnAppend() {
    const size_t entries = static_cast<size_t>(workload_.entries_per_message);
    const size_t bytes = read_.Length() - sizeof(uint64_t);
    uint64_t index = IndexOf(read_, &slices_);
    follower_.BeginAppend(index);
    for (size_t i = 0; i < entries; ++i) follower_.OnEntry(++index, bytes / entries);
    const ReplicaFollower::Verdict verdict = follower_.EndAppend();
    if (verdict == ReplicaFollower::Verdict::kBroken) fail_(follower_.error());
    if (verdict == ReplicaFollower::Verdict::kAnswer) unsent_.push_back(follower_.last_index());
  }

  const Workload workload_;
  const FailFn fail_;
  ReplicaFollower follower_;
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
  grpc::ByteBuffer read_;
  std::vector<grpc::Slice> slices_;
  std::deque<uint64_t> unsent_;
  bool writing_ = false;
};

}  // namespace

std::unique_ptr<LeaderSide> MakeByteLeader(const Workload& workload, FailFn fail) {
  return std::make_unique<ByteLeader>(workload, std::move(fail));
}

std::unique_ptr<FollowerSide> MakeByteFollower(const Workload& workload, uint64_t node,
                                               FailFn fail) {
  return std::make_unique<ByteFollower>(workload, std::move(fail));
}

}  // namespace hawser::bench
