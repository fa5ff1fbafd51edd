#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "docs/sketches/sketches.h"
#include "gtest/gtest.h"

namespace hawser::sketches {
namespace {

// The leader (1) appends what is proposed, again at each tick until the follower (2) has answered.
class ScriptedRaft : public foreign::RawNode {
 public:
  explicit ScriptedRaft(uint64_t id) : id_(id) {}

  void Tick() override {
    if (proposed_.has_index() && acknowledged_index == 0) {
      *Add(raftpb::MsgApp, 2)->add_entries() = proposed_;
    }
  }

  void Propose(std::string data) override {
    proposed_.set_term(1);
    proposed_.set_index(1);
    proposed_.set_data(data);
    ready_.entries.push_back(proposed_);
    *Add(raftpb::MsgApp, 2)->add_entries() = proposed_;
  }

  void Step(const raftpb::Message& message) override {
    if (message.type() == raftpb::MsgApp) {
      if (last_index_ == 0) ready_.entries.push_back(message.entries(0));
      last_index_ = message.entries(0).index();
      Add(raftpb::MsgAppResp, message.from())->set_index(message.entries(0).index());
    } else if (message.type() == raftpb::MsgAppResp) {
      acknowledged_index = message.index();
    }
  }

  bool HasReady() override { return !ready_.messages.empty(); }
  foreign::Ready TakeReady() override { return std::exchange(ready_, {}); }
  void Advance() override {}
  void ReportUnreachable(uint64_t id) override { ++unreachable; }
  void ReportSnapshot(uint64_t id, bool finished) override {
    if (!finished) ++snapshots_failed;
  }

  // Asks for a snapshot to a node that nobody knows.
  void SendSnapshotToNobody() { Add(raftpb::MsgSnap, 99); }

  std::atomic<uint64_t> acknowledged_index{0};
  std::atomic<int> unreachable{0};
  std::atomic<int> snapshots_failed{0};

 private:
  raftpb::Message* Add(raftpb::MessageType type, uint64_t to) {
    raftpb::Message& message = ready_.messages.emplace_back();
    message.set_type(type);
    message.set_from(id_);
    message.set_to(to);
    message.set_term(1);
    return &message;
  }

  const uint64_t id_;
  foreign::Ready ready_;
  raftpb::Entry proposed_;
  uint64_t last_index_ = 0;
};

class MemoryStorage : public foreign::Storage {
 public:
  void Save(const raftpb::HardState& state, const std::vector<raftpb::Entry>& entries) override {
    for (const raftpb::Entry& entry : entries) saved = saved + entry.data();
  }
  void Apply(const std::vector<raftpb::Entry>& entries) override {}
  bool IsRemoved(uint64_t id) override { return false; }

  std::string saved;  // Of the loop's thread; read after it ended.
};

struct Node {
  explicit Node(uint64_t id) : raft(id) {
    Options options;
    options.node_id = id;
    options.cluster_id = "etcd-style";
    auto made = MakeEtcdNode(options, {}, &raft, &storage);
    EXPECT_EQ(made.status(), absl::OkStatus());
    if (made.ok()) node = *std::move(made);
  }

  ScriptedRaft raft;
  MemoryStorage storage;
  std::unique_ptr<EtcdNode> node;
};

bool WaitFor(const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!done()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

TEST(EtcdStyleLoopTest, ProposalIsSavedOnBothAndAcknowledged) {
  Node leader(1);
  Node follower(2);
  ASSERT_TRUE(leader.node != nullptr && follower.node != nullptr);
  const std::string address = follower.node->transport()->listen_address();
  EXPECT_EQ(leader.node->transport()->AddPeer(2, {address}), absl::OkStatus());
  EXPECT_EQ(follower.node->transport()->AddPeer(1, {}), absl::OkStatus());
  std::thread leader_thread([&] { leader.node->Run(); });
  std::thread follower_thread([&] { follower.node->Run(); });

  leader.node->Propose("a proposal from another thread");
  EXPECT_TRUE(WaitFor([&] { return leader.raft.acknowledged_index == 1; }));

  leader.node->Stop();
  follower.node->Stop();
  leader_thread.join();
  follower_thread.join();
  EXPECT_EQ(leader.storage.saved, "a proposal from another thread");
  EXPECT_EQ(follower.storage.saved, "a proposal from another thread");
}

// Without the report the leader would wait for the snapshot for ever.
TEST(EtcdStyleLoopTest, SnapshotThatCannotBeSentIsReported) {
  Node leader(1);
  ASSERT_TRUE(leader.node != nullptr);
  leader.raft.SendSnapshotToNobody();
  std::thread thread([&] { leader.node->Run(); });
  EXPECT_TRUE(WaitFor([&] { return leader.raft.snapshots_failed == 1; }));
  leader.node->Stop();
  thread.join();
  EXPECT_EQ(leader.raft.unreachable, 1);
}

}  // namespace
}  // namespace hawser::sketches
