#include "bench/replica_follower.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace hawser::bench {
namespace {

using Verdict = ReplicaFollower::Verdict;

Workload MakeWorkload(int depth, int entries_per_message, int ack_every) {
  Workload workload;
  workload.depth = depth;
  workload.entries_per_message = entries_per_message;
  workload.ack_every = ack_every;
  workload.entry_bytes = 64;
  return workload;
}

Verdict Append(ReplicaFollower* follower, uint64_t first_index, int entries = 1,
               size_t entry_bytes = 64) {
  follower->BeginAppend(first_index - 1);
  for (int i = 0; i < entries; ++i) {
    follower->OnEntry(first_index + static_cast<uint64_t>(i), entry_bytes);
  }
  return follower->EndAppend();
}

TEST(ReplicaFollowerTest, AnswersEachMessageByDefault) {
  ReplicaFollower follower(MakeWorkload(16, 1, 1));
  EXPECT_EQ(Append(&follower, 1), Verdict::kAnswer);
  EXPECT_EQ(follower.last_index(), 1u);
  EXPECT_EQ(Append(&follower, 2), Verdict::kAnswer);
  EXPECT_EQ(follower.last_index(), 2u);
}

TEST(ReplicaFollowerTest, AnswersEveryNthMessageForAll) {
  ReplicaFollower follower(MakeWorkload(16, 2, 3));
  EXPECT_EQ(Append(&follower, 1, 2), Verdict::kDoNotAnswer);
  EXPECT_EQ(Append(&follower, 3, 2), Verdict::kDoNotAnswer);
  EXPECT_EQ(Append(&follower, 5, 2), Verdict::kAnswer);
  EXPECT_EQ(follower.last_index(), 6u);
  EXPECT_EQ(Append(&follower, 7, 2), Verdict::kDoNotAnswer);
}

// The leader can have only `depth` outstanding: a follower that waited for more would wait for
// ever.
TEST(ReplicaFollowerTest, NeverWaitsForMoreThanCanBeOutstanding) {
  ReplicaFollower at_depth_1(MakeWorkload(1, 1, 64));
  EXPECT_EQ(Append(&at_depth_1, 1), Verdict::kAnswer);
  ReplicaFollower at_depth_4(MakeWorkload(4, 2, 64));
  EXPECT_EQ(Append(&at_depth_4, 1, 2), Verdict::kDoNotAnswer);
  EXPECT_EQ(Append(&at_depth_4, 3, 2), Verdict::kAnswer);
}

TEST(ReplicaFollowerTest, SeesALostMessage) {
  ReplicaFollower follower(MakeWorkload(16, 1, 1));
  EXPECT_EQ(Append(&follower, 1), Verdict::kAnswer);
  EXPECT_EQ(Append(&follower, 3), Verdict::kBroken);
  EXPECT_EQ(follower.error(),
            "an append did not arrive as it was sent: previous index should be 1, is 2");
}

TEST(ReplicaFollowerTest, SeesARepeatedMessage) {
  ReplicaFollower follower(MakeWorkload(16, 1, 1));
  EXPECT_EQ(Append(&follower, 1), Verdict::kAnswer);
  EXPECT_EQ(Append(&follower, 1), Verdict::kBroken);
}

TEST(ReplicaFollowerTest, SeesEntriesOfAnotherSize) {
  ReplicaFollower follower(MakeWorkload(16, 1, 1));
  EXPECT_EQ(Append(&follower, 1, 1, 63), Verdict::kBroken);
}

TEST(ReplicaFollowerTest, SeesAMissingEntry) {
  ReplicaFollower follower(MakeWorkload(16, 2, 1));
  EXPECT_EQ(Append(&follower, 1, 1), Verdict::kBroken);
}

}  // namespace
}  // namespace hawser::bench
