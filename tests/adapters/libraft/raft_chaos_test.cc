#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/adapters/libraft/raft_node.h"

namespace hawser::libraft {
namespace {

// Three servers to which things happen, and the commands that were acknowledged.
class RaftChaosTest : public testing::Test {
 protected:
  RaftChaosTest() {
    RaftNode::Settings settings;
    settings.io.transport.cluster_id = "chaos-test";
    settings.io.append_bytes_max = 16 * 1024;
    settings.snapshot_threshold = 40;
    settings.snapshot_trailing = 10;
    for (raft_id id = 1; id <= 3; ++id) {
      nodes_.push_back(std::make_unique<RaftNode>(&loop_, id, settings));
    }
    std::vector<RaftNode*> all;
    for (const auto& node : nodes_) all.push_back(node.get());
    for (RaftNode* node : all) node->Start(all);
  }

  RaftNode* Leader() {
    for (const auto& node : nodes_) {
      if (node->leads()) return node.get();
    }
    return nullptr;
  }
  RaftNode* AwaitLeader() {
    EXPECT_TRUE(loop_.RunUntil([&] { return Leader() != nullptr; }));
    return Leader();
  }
  RaftNode* AnyNode() { return nodes_[random_() % 3].get(); }

  // Proposes to whoever leads until so many were acknowledged.
  void Commit(int count) {
    const size_t goal = acknowledged_.size() + static_cast<size_t>(count);
    EXPECT_TRUE(loop_.RunUntil([&] {
      RaftNode* const leader = Leader();
      if (leader != nullptr && under_way_ < 8) {
        std::string command = absl::StrCat(++proposed_, " ");
        command.resize(size_t{8} << random_() % 10, 'x');
        if (leader->Apply(command, [this, command](int status) {
              --under_way_;
              if (status == 0) acknowledged_.insert(command);
            })) {
          ++under_way_;
        }
      }
      return acknowledged_.size() >= goal;
    })) << acknowledged_.size();
  }

  // All servers have applied the same, and what was acknowledged is among it.
  void ExpectNothingLost() {
    Commit(1);
    const auto alike = [&] {
      return under_way_ == 0 && nodes_[0]->applied() == nodes_[1]->applied() &&
             nodes_[0]->applied() == nodes_[2]->applied() &&
             nodes_[0]->applied().size() >= acknowledged_.size();
    };
    // libraft takes a snapshot that is not answered for lost after 30 s.
    EXPECT_TRUE(loop_.RunUntil(alike, absl::Seconds(60)));
    const std::set<std::string> applied(nodes_[0]->applied().begin(), nodes_[0]->applied().end());
    EXPECT_TRUE(
        std::includes(applied.begin(), applied.end(), acknowledged_.begin(), acknowledged_.end()));
  }

  // A server that has entries which nobody else has must not come back: libraft 0.15 takes them
  // for acknowledged ones of the next leader's.
  void AwaitQuiet() {
    EXPECT_TRUE(loop_.RunUntil([&] { return under_way_ == 0; }));
  }

  void Away(RaftNode* node, bool wipe) {
    AwaitQuiet();
    // Who loses its log must not be needed for a majority.
    if (wipe) ExpectNothingLost();
    node->Stop();
    if (wipe) node->Wipe();
    Commit(30);
    node->Start();
  }

  void HandOver() {
    AwaitQuiet();
    RaftNode* const leader = AwaitLeader();
    struct raft_transfer transfer {};
    bool ended = false;
    transfer.data = &ended;
    const int status = raft_transfer(leader->server(), &transfer, 0, [](struct raft_transfer* t) {
      *static_cast<bool*>(t->data) = true;
    });
    if (status == 0) {
      EXPECT_TRUE(loop_.RunUntil([&] { return ended; }));
    }
  }

  void RestartAll() {
    AwaitQuiet();
    for (const auto& node : nodes_) node->Stop();
    for (const auto& node : nodes_) node->Start();
  }

  std::mt19937_64 random_{1};
  TestLoop loop_;
  std::vector<std::unique_ptr<RaftNode>> nodes_;
  std::set<std::string> acknowledged_;
  int proposed_ = 0;
  int under_way_ = 0;
};

// Whatever happens to one server at a time, or to all: what was acknowledged stays.
// HAWSER_CHAOS_ROUNDS and HAWSER_CHAOS_SEED ask for more, or for others.
TEST_F(RaftChaosTest, RandomRoundsLoseNothing) {
  const char* const rounds_text = std::getenv("HAWSER_CHAOS_ROUNDS");
  const char* const seed_text = std::getenv("HAWSER_CHAOS_SEED");
  const int rounds = rounds_text == nullptr ? 10 : std::atoi(rounds_text);
  if (seed_text != nullptr) random_.seed(static_cast<uint64_t>(std::atoll(seed_text)));
  Commit(20);
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    const int what = static_cast<int>(random_() % 5);
    SCOPED_TRACE(absl::StrCat("round ", round, ", fault ", what));
    switch (what) {
      case 0:
        Away(AwaitLeader(), false);
        break;
      case 1:
        Away(AnyNode(), false);
        break;
      case 2:
        Away(AnyNode(), true);
        break;
      case 3:
        HandOver();
        break;
      default:
        RestartAll();
    }
    ExpectNothingLost();
  }
}

}  // namespace
}  // namespace hawser::libraft
