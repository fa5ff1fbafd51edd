// An etcd-raft style node: one thread polls the transport, ticks Raft and works off its Readys.
// Messages go out when what they speak of is on disk; what is lost is reported to Raft.

#include <atomic>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "docs/sketches/sketches.h"
#include "transport/raftpb_transport.h"

namespace hawser::sketches {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(100);

class EtcdStyleNode final : public EtcdNode, public RaftpbHandler {
 public:
  EtcdStyleNode(foreign::RawNode* raft, foreign::Storage* storage)
      : raft_(raft), storage_(storage) {}

  absl::Status Init(const Options& options, const std::map<NodeId, std::string>& addresses) {
    auto transport = Transport::Create(options, this);
    if (!transport.ok()) return transport.status();
    transport_ = *std::move(transport);
    for (const auto& [node, address] : addresses) {
      if (absl::Status added = transport_->AddPeer(node, {address}); !added.ok()) return added;
    }
    return transport_->Start();
  }

  void Run() override {
    absl::Time next_tick = absl::Now() + kTick;
    while (!stop_) {
      transport_->Poll(next_tick);  // Sends what the last Ready held; the callbacks run in here.
      if (absl::Now() >= next_tick) {
        raft_->Tick();
        next_tick += kTick;
      }
      for (std::string& data : TakeProposals()) raft_->Propose(std::move(data));
      while (raft_->HasReady()) Handle(raft_->TakeReady());
    }
    transport_->Stop(absl::Seconds(1));
  }

  void Propose(std::string data) override {
    {
      MutexLock lock(&mu_);
      proposals_.push_back(std::move(data));
    }
    transport_->Wake();
  }

  void Stop() override {
    stop_ = true;
    transport_->Wake();
  }

  Transport* transport() override { return transport_.get(); }

 private:
  void Handle(foreign::Ready ready) {
    storage_->Save(ready.hard_state, ready.entries);
    for (raftpb::Message& message : ready.messages) SendOne(std::move(message));
    storage_->Apply(ready.committed_entries);
    raft_->Advance();
  }

  // Raft sends again whatever matters; it must only hear that this one did not go.
  void SendOne(raftpb::Message message) {
    const NodeId node = message.to();
    const bool snapshot = message.type() == raftpb::MsgSnap;
    auto owned = std::make_unique<raftpb::Message>(std::move(message));
    if (Send(transport_.get(), node, /*group=*/0, &owned) == SendResult::kAccepted) return;
    raft_->ReportUnreachable(node);
    if (snapshot) raft_->ReportSnapshot(node, /*finished=*/false);
  }

  void OnRaftpb(NodeId from, GroupId group, raftpb::Message* message) override {
    raft_->Step(*message);
  }

  void OnUnreachable(NodeId node, const LossReport& report) override {
    raft_->ReportUnreachable(node);
    for (const GroupLoss& loss : report.groups) {
      if (loss.snapshot) raft_->ReportSnapshot(node, /*finished=*/false);
    }
  }

  void OnSnapshotAcknowledged(NodeId node, GroupId group) override {
    raft_->ReportSnapshot(node, /*finished=*/true);
  }

  bool IsRemoved(NodeId node) override { return storage_->IsRemoved(node); }

  std::vector<std::string> TakeProposals() {
    MutexLock lock(&mu_);
    return std::exchange(proposals_, {});
  }

  foreign::RawNode* const raft_;
  foreign::Storage* const storage_;
  std::unique_ptr<Transport> transport_;
  std::atomic<bool> stop_{false};
  Mutex mu_;
  std::vector<std::string> proposals_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<EtcdNode>> MakeEtcdNode(
    Options options, const std::map<NodeId, std::string>& addresses, foreign::RawNode* raft,
    foreign::Storage* storage) {
  options.loop_mode = LoopMode::kPoll;
  auto node = std::make_unique<EtcdStyleNode>(raft, storage);
  if (absl::Status status = node->Init(options, addresses); !status.ok()) return status;
  return node;
}

}  // namespace hawser::sketches
