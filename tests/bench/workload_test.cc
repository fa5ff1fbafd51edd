#include "bench/workload.h"

#include <string>

#include "gtest/gtest.h"

namespace hawser::bench {
namespace {

TEST(WorkloadTest, SurvivesTheControlChannel) {
  Workload sent;
  sent.contestant = "grpc_sync";
  sent.followers = 4;
  sent.entry_bytes = 65536;
  sent.depth = 256;
  sent.entries_per_message = 8;
  sent.ack_every = 3;
  sent.spin = true;
  sent.link = "grpc";
  sent.groups = 1000;
  sent.record = "/tmp/recordings";
  sent.peer_silent_ms = 5000;
  sent.admin_address = "127.0.0.1:7101";
  const absl::StatusOr<Workload> received = ParseWorkload(Encode(sent));
  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_EQ(Encode(*received), Encode(sent));
  EXPECT_EQ(received->contestant, "grpc_sync");
  EXPECT_TRUE(received->spin);
  EXPECT_EQ(received->link, "grpc");
  EXPECT_EQ(received->groups, 1000);
  EXPECT_EQ(received->record, "/tmp/recordings");
  EXPECT_EQ(received->peer_silent_ms, 5000);
  EXPECT_EQ(received->admin_address, "127.0.0.1:7101");
}

TEST(WorkloadTest, GoalAndResultSurviveTheControlChannel) {
  const absl::StatusOr<PhaseGoal> goal = ParsePhaseGoal(Encode(PhaseGoal{0, 500}));
  ASSERT_TRUE(goal.ok()) << goal.status();
  EXPECT_EQ(goal->entries, 0u);
  EXPECT_EQ(goal->duration_ns, 500);
  const PhaseResult sent{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const absl::StatusOr<PhaseResult> result = ParsePhaseResult(Encode(sent));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Encode(*result), Encode(sent));
}

TEST(WorkloadTest, OtherLinesAreErrors) {
  for (const char* line :
       {"", "workload", "workload grpc_sync 2 64 1 1 1 0", "workload grpc_sync 2 x 1 1 1 0 auto",
        "phase 1", "phase 1 2 3", "phase -1 2", "phase 1 99999999999999999999", "result 1 2 3"}) {
    EXPECT_FALSE(ParseWorkload(line).ok()) << line;
    EXPECT_FALSE(ParsePhaseGoal(line).ok()) << line;
    EXPECT_FALSE(ParsePhaseResult(line).ok()) << line;
  }
}

TEST(WorkloadTest, AnswersNeverWaitForMoreThanTheDepth) {
  Workload workload;
  workload.ack_every = 64;
  EXPECT_EQ(workload.effective_ack_every(), 1);
  workload.depth = 16;
  EXPECT_EQ(workload.effective_ack_every(), 16);
  workload.entries_per_message = 8;
  EXPECT_EQ(workload.effective_ack_every(), 2);
  workload.depth = 2048;
  EXPECT_EQ(workload.effective_ack_every(), 64);
}

}  // namespace
}  // namespace hawser::bench
