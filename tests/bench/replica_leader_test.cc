#include "bench/replica_leader.h"

#include <cstdint>
#include <vector>

#include "bench/replica_follower.h"
#include "gtest/gtest.h"

namespace hawser::bench {
namespace {

Workload MakeWorkload(int followers, int depth) {
  Workload workload;
  workload.followers = followers;
  workload.depth = depth;
  return workload;
}

PhaseGoal Entries(uint64_t entries) { return PhaseGoal{entries, 0}; }

// The first indices of all messages that are ready for `follower`.
std::vector<uint64_t> TakeAll(ReplicaLeader* leader, int follower) {
  std::vector<uint64_t> first_indices;
  AppendRange range;
  while (leader->NextMessage(follower, &range)) first_indices.push_back(range.first_index);
  return first_indices;
}

using Indices = std::vector<uint64_t>;

TEST(ReplicaLeaderTest, KeepsDepthEntriesOutstanding) {
  ReplicaLeader leader(MakeWorkload(2, 3));
  leader.BeginPhase(Entries(100), 0);
  EXPECT_EQ(TakeAll(&leader, 0), (Indices{1, 2, 3}));
  EXPECT_EQ(TakeAll(&leader, 1), (Indices{1, 2, 3}));
  // One commits: one is appended.
  EXPECT_TRUE(leader.OnAppResp(0, 1, 10));
  EXPECT_EQ(TakeAll(&leader, 0), (Indices{4}));
  // The same one acknowledged by the other follower commits nothing more.
  EXPECT_TRUE(leader.OnAppResp(1, 1, 11));
  EXPECT_EQ(TakeAll(&leader, 0), Indices{});
  // A cumulative answer commits two.
  EXPECT_TRUE(leader.OnAppResp(1, 3, 12));
  EXPECT_EQ(TakeAll(&leader, 0), (Indices{5, 6}));
  EXPECT_EQ(TakeAll(&leader, 1), (Indices{4, 5, 6}));
}

// Of n followers the leader needs so many answers: with itself, a majority of n + 1.
TEST(ReplicaLeaderTest, CommitNeedsAMajority) {
  const int needed[] = {1, 1, 2, 2, 3, 3, 4, 4};
  for (int followers = 1; followers <= 8; ++followers) {
    ReplicaLeader leader(MakeWorkload(followers, 1));
    leader.BeginPhase(Entries(10), 0);
    for (int i = 0; i < followers; ++i) EXPECT_EQ(TakeAll(&leader, i), (Indices{1}));
    for (int i = 0; i < needed[followers - 1]; ++i) {
      EXPECT_EQ(TakeAll(&leader, 0), Indices{}) << followers << " followers, " << i << " answers";
      // The last followers first: which ones answer does not matter.
      EXPECT_TRUE(leader.OnAppResp(followers - 1 - i, 1, 5));
    }
    EXPECT_EQ(TakeAll(&leader, 0), (Indices{2})) << followers << " followers";
  }
}

TEST(ReplicaLeaderTest, MeasuresFromAppendToCommit) {
  ReplicaLeader leader(MakeWorkload(2, 2));
  leader.BeginPhase(Entries(3), 1000);
  TakeAll(&leader, 0);
  EXPECT_TRUE(leader.OnAppResp(0, 1, 1050));  // 1: 50 ns; 3 is appended at 1050
  TakeAll(&leader, 0);
  EXPECT_TRUE(leader.OnAppResp(0, 2, 1070));  // 2: 70 ns
  TakeAll(&leader, 0);
  EXPECT_TRUE(leader.OnAppResp(0, 3, 1150));  // 3: 100 ns; the goal is reached
  const PhaseResult result = leader.Result();
  EXPECT_EQ(result.committed, 3u);
  EXPECT_EQ(result.duration_ns, 150);
  EXPECT_EQ(result.p50_ns, 70);
  EXPECT_EQ(result.max_ns, 100);
}

// The CPU and the bytes of a phase are for all that was appended in it: no follower may be left
// with work when it ends.
TEST(ReplicaLeaderTest, IsIdleOnlyWhenEveryFollowerHasAnsweredAll) {
  ReplicaLeader leader(MakeWorkload(2, 2));
  EXPECT_TRUE(leader.Idle());
  leader.BeginPhase(Entries(1), 0);
  EXPECT_FALSE(leader.Idle());
  TakeAll(&leader, 0);
  EXPECT_TRUE(leader.OnAppResp(0, 1, 10));
  EXPECT_EQ(TakeAll(&leader, 0), Indices{});  // the goal is reached: no more appends
  EXPECT_TRUE(leader.OnAppResp(0, 2, 10));
  EXPECT_FALSE(leader.Idle());
  TakeAll(&leader, 1);
  EXPECT_FALSE(leader.Idle());
  EXPECT_TRUE(leader.OnAppResp(1, 2, 20));
  EXPECT_TRUE(leader.Idle());
  EXPECT_EQ(leader.Result().committed, 1u);
  EXPECT_EQ(leader.Result().appended, 2u);
}

TEST(ReplicaLeaderTest, APhaseByTimeEndsWithTheFirstAnswerAfterIt) {
  ReplicaLeader leader(MakeWorkload(1, 1));
  leader.BeginPhase(PhaseGoal{0, 100}, 1000);
  TakeAll(&leader, 0);
  EXPECT_TRUE(leader.OnAppResp(0, 1, 1099));
  EXPECT_EQ(TakeAll(&leader, 0), (Indices{2}));
  EXPECT_TRUE(leader.OnAppResp(0, 2, 1130));
  EXPECT_TRUE(leader.Idle());
  EXPECT_EQ(leader.Result().committed, 2u);
  EXPECT_EQ(leader.Result().duration_ns, 130);
}

// Entries of the phase before, which waited through the pause, are not measured.
TEST(ReplicaLeaderTest, TheNextPhaseGoesOnWithIndicesButMeasuresOnlyItsOwn) {
  ReplicaLeader leader(MakeWorkload(1, 2));
  leader.BeginPhase(Entries(1), 0);
  TakeAll(&leader, 0);
  EXPECT_TRUE(leader.OnAppResp(0, 2, 10));
  ASSERT_TRUE(leader.Idle());
  leader.BeginPhase(Entries(2), 1'000'000);
  EXPECT_EQ(TakeAll(&leader, 0), (Indices{3, 4}));
  EXPECT_TRUE(leader.OnAppResp(0, 4, 1'000'007));
  EXPECT_EQ(leader.Result().committed, 2u);
  EXPECT_EQ(leader.Result().max_ns, 7);
}

// Else a contestant could win by leaving one follower behind.
TEST(ReplicaLeaderTest, AFollowerFarBehindHoldsTheLeaderUp) {
  ReplicaLeader leader(MakeWorkload(2, 4));
  leader.BeginPhase(Entries(1'000'000), 0);
  uint64_t last = 0;
  for (;;) {
    const Indices taken = TakeAll(&leader, 0);
    if (taken.empty()) break;
    last = taken.back();
    ASSERT_LE(last, uint64_t{4 + kMaxLagMessages});
    ASSERT_TRUE(leader.OnAppResp(0, last, 1));
  }
  EXPECT_EQ(last, uint64_t{4 + kMaxLagMessages});
  TakeAll(&leader, 1);
  EXPECT_TRUE(leader.OnAppResp(1, 10, 2));
  EXPECT_EQ(TakeAll(&leader, 0).size(), 4u);
}

TEST(ReplicaLeaderTest, RefusesAnswersToWhatWasNotSent) {
  ReplicaLeader leader(MakeWorkload(2, 4));
  leader.BeginPhase(Entries(10), 0);
  EXPECT_FALSE(leader.OnAppResp(0, 1, 1));
  AppendRange range;
  ASSERT_TRUE(leader.NextMessage(0, &range));
  EXPECT_TRUE(leader.OnAppResp(0, 1, 1));
  EXPECT_FALSE(leader.OnAppResp(0, 2, 1));
  EXPECT_FALSE(leader.OnAppResp(1, 1, 1));
}

// A leader and its followers with ideal messages: whatever the policies, none waits for ever.
TEST(ReplicaLeaderTest, NoPolicyStopsTheLoop) {
  for (const int depth : {1, 2, 7, 16}) {
    for (const int per_message : {1, 2, 5}) {
      for (const int ack_every : {1, 3, 64}) {
        if (per_message > depth) continue;
        Workload workload = MakeWorkload(2, depth);
        workload.entries_per_message = per_message;
        workload.ack_every = ack_every;
        ReplicaLeader leader(workload);
        ReplicaFollower followers[] = {ReplicaFollower(workload), ReplicaFollower(workload)};
        for (int phase = 0; phase < 3; ++phase) {
          leader.BeginPhase(Entries(100), 0);
          for (int turn = 0; turn < 1000 && !leader.Idle(); ++turn) {
            AppendRange range;
            const int i = turn % 2;
            if (!leader.NextMessage(i, &range)) continue;
            followers[i].BeginAppend(range.first_index - 1);
            for (int e = 0; e < per_message; ++e) {
              followers[i].OnEntry(range.first_index + static_cast<uint64_t>(e), 64);
            }
            const ReplicaFollower::Verdict verdict = followers[i].EndAppend();
            ASSERT_NE(verdict, ReplicaFollower::Verdict::kBroken);
            if (verdict != ReplicaFollower::Verdict::kAnswer) continue;
            ASSERT_TRUE(leader.OnAppResp(i, followers[i].last_index(), 1));
          }
          ASSERT_TRUE(leader.Idle()) << "depth " << depth << ", " << per_message
                                     << " a message, answers every " << ack_every;
          ASSERT_GE(leader.Result().committed, 100u);
        }
      }
    }
  }
}

}  // namespace
}  // namespace hawser::bench
