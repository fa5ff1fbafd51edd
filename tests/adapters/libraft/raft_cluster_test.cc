#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/adapters/libraft/raft_node.h"

namespace hawser::libraft {
namespace {

// Three servers of libraft in this thread, over gRPC on loopback, with their logs on disk.
class RaftClusterTest : public testing::Test {
 protected:
  void MakeCluster(const RaftNode::Settings& settings) {
    RaftNode::Settings made = settings;
    made.io.transport.cluster_id = "cluster-test";
    for (raft_id id = 1; id <= 3; ++id) {
      nodes_.push_back(std::make_unique<RaftNode>(&loop_, id, made));
    }
    for (const auto& node : nodes_) node->Start(All());
  }

  std::vector<RaftNode*> All() {
    std::vector<RaftNode*> all;
    for (const auto& node : nodes_) all.push_back(node.get());
    return all;
  }

  // The one leader that all who run have.
  RaftNode* AwaitLeader(const RaftNode* other_than = nullptr) {
    RaftNode* leader = nullptr;
    const auto agreed = [&] {
      leader = nullptr;
      for (RaftNode* node : All()) {
        if (node != other_than && node->leads()) leader = node;
      }
      if (leader == nullptr) return false;
      for (RaftNode* node : All()) {
        if (node != other_than && node->running() && node->leader() != leader->id()) return false;
      }
      return true;
    };
    EXPECT_TRUE(loop_.RunUntil(agreed)) << Streams();
    return leader;
  }

  // For who looks for the reason of a failure.
  std::string Streams() {
    std::string text;
    for (RaftNode* node : All()) {
      if (!node->running()) continue;
      for (const PeerStatus& peer : TransportOf(node->io())->Describe().peers) {
        text += absl::StrCat(node->id(), " to ", peer.node, ": ", PeerStateName(peer.state), ", ",
                             CloseReasonName(peer.reason), " ", peer.reason_text, ", accepted ",
                             peer.ledger.accepted.messages, ", acknowledged ",
                             peer.ledger.acknowledged.messages, ", lost ",
                             peer.ledger.lost_total().messages, ", received ",
                             peer.received.messages, "\n");
      }
    }
    return text;
  }

  RaftNode* FollowerOf(const RaftNode* leader) {
    return nodes_[leader == nodes_[0].get() ? 1 : 0].get();
  }

  // Commits `count` commands of so many bytes, at most 32 under way.
  void Commit(RaftNode* leader, int count, size_t bytes = 24) {
    int proposed = 0;
    int committed = 0;
    EXPECT_TRUE(loop_.RunUntil([&] {
      while (proposed < count && proposed - committed < 32) {
        std::string command = std::to_string(commands_.size()) + " ";
        command.resize(std::max(bytes, command.size()), 'x');
        EXPECT_TRUE(leader->Apply(command, [&](int status) {
          EXPECT_EQ(status, 0);
          ++committed;
        }));
        commands_.push_back(std::move(command));
        ++proposed;
      }
      return committed == count;
    }));
  }

  void ExpectAllApplied(const RaftNode* but = nullptr) {
    for (RaftNode* node : All()) {
      if (node == but || !node->running()) continue;
      EXPECT_TRUE(loop_.RunUntil([&] { return node->applied().size() == commands_.size(); }))
          << node->id() << " has " << node->applied().size() << " of " << commands_.size();
      EXPECT_EQ(node->applied(), commands_);
    }
  }

  TestLoop loop_;
  std::vector<std::unique_ptr<RaftNode>> nodes_;
  std::vector<std::string> commands_;
};

TEST_F(RaftClusterTest, ElectsAndCommits) {
  MakeCluster({});
  RaftNode* const leader = AwaitLeader();
  ASSERT_NE(leader, nullptr);
  Commit(leader, 300);
  ExpectAllApplied();
  for (RaftNode* node : All()) {
    for (const PeerStatus& peer : TransportOf(node->io())->Describe().peers) {
      EXPECT_TRUE(peer.ledger.Balanced());
      EXPECT_EQ(peer.ledger.lost_total().messages, 0u);
    }
  }
}

// Everything is there after all have been stopped.
TEST_F(RaftClusterTest, SurvivesARestartOfAll) {
  MakeCluster({});
  RaftNode* leader = AwaitLeader();
  ASSERT_NE(leader, nullptr);
  Commit(leader, 50);
  ExpectAllApplied();
  for (RaftNode* node : All()) node->Stop();
  for (RaftNode* node : All()) node->Start();
  leader = AwaitLeader();
  ASSERT_NE(leader, nullptr);
  // With it, what was committed before is committed again.
  Commit(leader, 1);
  ExpectAllApplied();
}

// With writes and sends on their way: libraft breaks when two writes are canceled. (It is not
// started again: entries that only a former leader has make libraft 0.15 count them as acknowledged
// to the next one.)
TEST_F(RaftClusterTest, ClosesWithProposalsUnderWay) {
  MakeCluster({});
  RaftNode* const leader = AwaitLeader();
  ASSERT_NE(leader, nullptr);
  int failed = 0;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(leader->Apply("not awaited yet!", [&](int status) { failed += status != 0; }));
  }
  leader->Stop();
  EXPECT_EQ(failed, 20);
}

// What a follower missed comes in messages of a bounded size, however much it is.
TEST_F(RaftClusterTest, AFollowerThatWasAwayCatchesUp) {
  RaftNode::Settings settings;
  settings.io.append_bytes_max = 64 * 1024;
  settings.io.append_queue_bytes_max = 256 * 1024;
  MakeCluster(settings);
  RaftNode* const leader = AwaitLeader();
  ASSERT_NE(leader, nullptr);
  RaftNode* const follower = FollowerOf(leader);
  Commit(leader, 10);
  follower->Stop();
  Commit(leader, 300, 10 * 1024);
  follower->Start();
  ExpectAllApplied();
  EXPECT_EQ(follower->snapshots_restored(), 0);
}

TEST_F(RaftClusterTest, AnotherLeadsWhenTheLeaderIsGone) {
  MakeCluster({});
  RaftNode* const first = AwaitLeader();
  ASSERT_NE(first, nullptr);
  Commit(first, 20);
  first->Stop();
  RaftNode* const second = AwaitLeader();
  ASSERT_NE(second, nullptr);
  EXPECT_NE(second, first);
  Commit(second, 20);
  first->Start();
  ExpectAllApplied();
}

// TimeoutNow, and votes that disrupt a live leader.
TEST_F(RaftClusterTest, LeadershipIsHandedOver) {
  MakeCluster({});
  RaftNode* const first = AwaitLeader();
  ASSERT_NE(first, nullptr);
  Commit(first, 5);
  ExpectAllApplied();
  RaftNode* const target = FollowerOf(first);
  struct raft_transfer transfer {};
  bool ended = false;
  transfer.data = &ended;
  ASSERT_EQ(raft_transfer(first->server(), &transfer, target->id(),
                          [](struct raft_transfer* t) { *static_cast<bool*>(t->data) = true; }),
            0);
  EXPECT_TRUE(loop_.RunUntil([&] { return ended && target->leads(); }));
  ASSERT_EQ(AwaitLeader(), target);
  Commit(target, 5);
  ExpectAllApplied();
}

// Who is removed is no peer any more, once that is committed; the others elect one of them.
TEST_F(RaftClusterTest, ALeaderThatIsRemovedIsNoPeerAnyMore) {
  MakeCluster({});
  RaftNode* const first = AwaitLeader();
  ASSERT_NE(first, nullptr);
  Commit(first, 5);
  raft_change change{};
  int status = -1;
  change.data = &status;
  ASSERT_EQ(raft_remove(first->server(), &change, first->id(),
                        [](raft_change* c, int s) { *static_cast<int*>(c->data) = s; }),
            0);
  EXPECT_TRUE(loop_.RunUntil([&] { return status != -1; }));
  EXPECT_EQ(status, 0);
  RaftNode* const second = AwaitLeader(first);
  ASSERT_NE(second, nullptr);
  Commit(second, 5);
  ExpectAllApplied(first);
  for (RaftNode* node : All()) {
    if (node == first) continue;
    EXPECT_TRUE(
        loop_.RunUntil([&] { return TransportOf(node->io())->Describe().peers.size() == 1; }));
  }
}

// It is told so when it comes again; a server that has lost its leader lets it in.
TEST_F(RaftClusterTest, AServerThatWasRemovedIsRefusedWhileThereIsALeader) {
  MakeCluster({});
  RaftNode* const leader = AwaitLeader();
  ASSERT_NE(leader, nullptr);
  RaftNode* const removed = All()[leader == All()[0] ? 1 : 0];
  raft_change change{};
  int status = -1;
  change.data = &status;
  ASSERT_EQ(raft_remove(leader->server(), &change, removed->id(),
                        [](raft_change* c, int s) { *static_cast<int*>(c->data) = s; }),
            0);
  EXPECT_TRUE(loop_.RunUntil([&] { return status != -1; }));
  EXPECT_EQ(status, 0);
  const auto link_to_leader = [&] {
    for (const PeerStatus& peer : TransportOf(removed->io())->Describe().peers) {
      if (peer.node == leader->id()) return peer;
    }
    return PeerStatus{};
  };
  EXPECT_TRUE(loop_.RunUntil([&] { return link_to_leader().reason == CloseReason::kPeerRemoved; }));
  for (RaftNode* node : All()) {
    if (node != leader && node != removed) node->Stop();
  }
  // A leader alone gives up, and knows no leader.
  EXPECT_TRUE(loop_.RunUntil([&] { return link_to_leader().state == PeerState::kUp; }));
}

// A server that is added learns of the others from what they send.
TEST_F(RaftClusterTest, AServerThatIsAddedTakesPart) {
  MakeCluster({});
  RaftNode* const leader = AwaitLeader();
  ASSERT_NE(leader, nullptr);
  Commit(leader, 50);
  RaftNode::Settings settings;
  settings.io.transport.cluster_id = "cluster-test";
  nodes_.push_back(std::make_unique<RaftNode>(&loop_, 4, settings));
  RaftNode* const added = nodes_.back().get();
  added->Start();
  raft_change change{};
  int status = -1;
  change.data = &status;
  const auto done = [](raft_change* c, int s) { *static_cast<int*>(c->data) = s; };
  ASSERT_EQ(raft_add(leader->server(), &change, 4, added->address().c_str(), done), 0);
  EXPECT_TRUE(loop_.RunUntil([&] { return status == 0; }));
  status = -1;
  ASSERT_EQ(raft_assign(leader->server(), &change, 4, RAFT_VOTER, done), 0);
  EXPECT_TRUE(loop_.RunUntil([&] { return status == 0; }));
  Commit(leader, 5);
  ExpectAllApplied();
}

// A follower that lost everything, and whose log the leader no longer has, gets a snapshot: of
// some megabytes, while heartbeats overtake it and find no log.
TEST_F(RaftClusterTest, AWipedFollowerGetsASnapshot) {
  RaftNode::Settings settings;
  settings.snapshot_threshold = 16;
  settings.snapshot_trailing = 4;
  MakeCluster(settings);
  RaftNode* const leader = AwaitLeader();
  ASSERT_NE(leader, nullptr);
  RaftNode* const follower = FollowerOf(leader);
  Commit(leader, 5);
  follower->Stop();
  follower->Wipe();
  Commit(leader, 120, 64 * 1024);
  follower->Start();
  ExpectAllApplied();
  EXPECT_GE(follower->snapshots_restored(), 1);
  Commit(leader, 5);
  ExpectAllApplied();
}

// raft_init tells what is wrong, and leaves nothing on the loop.
TEST_F(RaftClusterTest, BadOptionsAreToldByInit) {
  const auto init = [&](const RaftIoOptions& options, const std::string& directory) {
    raft_io io{};
    raft server{};
    raft_fsm fsm{};
    fsm.version = 1;
    EXPECT_EQ(InitRaftIo(&io, loop_.get(), directory.c_str(), options), 0);
    EXPECT_NE(raft_init(&server, &io, &fsm, 1, "127.0.0.1:0"), 0);
    CloseRaftIo(&io);
    return std::string(raft_errmsg(&server));
  };
  RaftIoOptions options;
  EXPECT_NE(init(options, testing::TempDir()).find("cluster_id"), std::string::npos);
  options.transport.cluster_id = "cluster-test";
  EXPECT_NE(init(options, "/nowhere/at/all").find("/nowhere/at/all"), std::string::npos);
}

// A raft that was never started can be closed.
TEST_F(RaftClusterTest, ClosesBeforeItWasStarted) {
  RaftIoOptions options;
  options.transport.cluster_id = "cluster-test";
  raft_io io{};
  raft server{};
  raft_fsm fsm{};
  fsm.version = 1;
  ASSERT_EQ(InitRaftIo(&io, loop_.get(), testing::TempDir().c_str(), options), 0);
  ASSERT_EQ(raft_init(&server, &io, &fsm, 1, "127.0.0.1:0"), 0) << io.errmsg;
  bool closed = false;
  server.data = &closed;
  raft_close(&server, [](raft* r) { *static_cast<bool*>(r->data) = true; });
  EXPECT_TRUE(loop_.RunUntil([&] { return closed; }));
  CloseRaftIo(&io);
}

}  // namespace
}  // namespace hawser::libraft
