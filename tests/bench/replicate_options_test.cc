#include "bench/replicate_options.h"

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "bench/contestants.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace hawser::bench {
namespace {

using ::testing::HasSubstr;

// The complaint about flags that `change` has changed; empty if there is none.
std::string Complaint(const std::function<void(ReplicateFlags*)>& change) {
  ReplicateFlags flags;
  change(&flags);
  const absl::StatusOr<ReplicateOptions> options = ParseReplicateOptions(flags, {0, 1});
  return absl::StrCat(options.status().message());
}

TEST(ReplicateOptionsTest, DefaultsAreTheReadmesRun) {
  const absl::StatusOr<ReplicateOptions> options = ParseReplicateOptions(ReplicateFlags(), {0, 1});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->cases.size(), 3 * AllContestants().size());
  EXPECT_EQ(options->cases[0].workload.depth, 1);
  EXPECT_EQ(options->cases.back().workload.depth, 256);
  EXPECT_EQ(options->placement, Placement::kOne);
  EXPECT_EQ(options->goal.entries, 0u);
  EXPECT_EQ(options->goal.duration_ns, 500'000'000);
  EXPECT_EQ(options->warm_up.duration_ns, 100'000'000);
  EXPECT_EQ(options->link, "grpc (rdma: its addresses must be named)");
}

// Contestants change fastest, so that those that are compared run close to each other.
TEST(ReplicateOptionsTest, CasesAreByEntrySizeThenDepthThenContestant) {
  ReplicateFlags flags;
  flags.entry_bytes = {"64", "4096"};
  flags.depth = {"1", "16"};
  flags.contestants = {"grpc_sync", "grpc_callback"};
  const absl::StatusOr<ReplicateOptions> options = ParseReplicateOptions(flags, {0, 1});
  ASSERT_TRUE(options.ok()) << options.status();
  ASSERT_EQ(options->cases.size(), 8u);
  EXPECT_EQ(options->cases[1].workload.contestant, "grpc_callback");
  EXPECT_EQ(options->cases[1].workload.depth, 1);
  EXPECT_EQ(options->cases[2].workload.depth, 16);
  EXPECT_EQ(options->cases[4].workload.entry_bytes, 4096u);
}

TEST(ReplicateOptionsTest, EntriesTakeTheWarmUpAlong) {
  ReplicateFlags flags;
  flags.entries = 1000;
  const absl::StatusOr<ReplicateOptions> options = ParseReplicateOptions(flags, {0, 1});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->goal.entries, 1000u);
  EXPECT_EQ(options->goal.duration_ns, 0);
  EXPECT_EQ(options->warm_up.entries, 200u);
}

TEST(ReplicateOptionsTest, NumbersOutOfRangeAreNamed) {
  EXPECT_THAT(Complaint([](auto* f) { f->followers = 0; }), HasSubstr("--followers=0"));
  EXPECT_THAT(Complaint([](auto* f) { f->followers = 9; }), HasSubstr("give 1 to 8"));
  EXPECT_THAT(Complaint([](auto* f) { f->rounds = 0; }), HasSubstr("--rounds=0"));
  EXPECT_THAT(Complaint([](auto* f) { f->entries = -1; }), HasSubstr("--entries=-1"));
  EXPECT_THAT(Complaint([](auto* f) { f->seconds = 0; }), HasSubstr("--seconds=0"));
  EXPECT_THAT(Complaint([](auto* f) { f->ack_every = 0; }), HasSubstr("--ack_every=0"));
  EXPECT_THAT(Complaint([](auto* f) { f->timeout_seconds = -3; }), HasSubstr("--timeout_seconds"));
  EXPECT_THAT(Complaint([](auto* f) { f->depth = {"1", "4096"}; }), HasSubstr("--depth=4096"));
  EXPECT_THAT(Complaint([](auto* f) { f->entry_bytes = {"0"}; }), HasSubstr("--entry_bytes=0"));
}

TEST(ReplicateOptionsTest, ListsThatAreNoListsAreNamed) {
  EXPECT_THAT(Complaint([](auto* f) { f->depth = {"1", "many"}; }), HasSubstr("'many'"));
  EXPECT_THAT(Complaint([](auto* f) { f->depth = {}; }), HasSubstr("--depth is empty"));
  EXPECT_THAT(Complaint([](auto* f) { f->entry_bytes = {"64K"}; }), HasSubstr("'64K'"));
}

TEST(ReplicateOptionsTest, UnknownNamesListTheKnownOnes) {
  EXPECT_THAT(Complaint([](auto* f) { f->contestants = {"carrier_pigeon"}; }),
              HasSubstr("hawser, hawser_poll, grpc_sync, "));
  EXPECT_THAT(Complaint([](auto* f) {
                f->contestants = {"grpc_sync", "grpc_sync"};
              }),
              HasSubstr("twice"));
  EXPECT_THAT(Complaint([](auto* f) { f->placement = "moon"; }), HasSubstr("one, split, spin"));
  EXPECT_THAT(Complaint([](auto* f) { f->link = "smoke"; }), HasSubstr("auto, grpc or rdma"));
}

TEST(ReplicateOptionsTest, ALinkThatCanNotBeHadIsSaid) {
  EXPECT_THAT(Complaint([](auto* f) { f->link = "rdma"; }), HasSubstr("name the RDMA addresses"));
  EXPECT_EQ(Complaint([](auto* f) { f->link = "grpc"; }), "");
}

TEST(ReplicateOptionsTest, MessagesThatCanNotBeAreSaid) {
  EXPECT_THAT(Complaint([](auto* f) { f->entries_per_message = 2; }),
              HasSubstr("would never fill"));
  EXPECT_THAT(Complaint([](auto* f) {
                f->entry_bytes = {"65536"};
                f->depth = {"64"};
                f->entries_per_message = 64;
              }),
              HasSubstr("bytes a message, the limit is 2097152"));
}

// A contestant that can't poll is run all the same, blocking.
TEST(ReplicateOptionsTest, OnlyThoseThatCanPollSpin) {
  ReplicateFlags flags;
  flags.placement = "spin";
  flags.followers = 1;
  const absl::StatusOr<ReplicateOptions> options = ParseReplicateOptions(flags, {0, 1});
  ASSERT_TRUE(options.ok()) << options.status();
  for (const Case& c : options->cases) EXPECT_EQ(c.workload.spin, c.contestant->can_spin);
}

}  // namespace
}  // namespace hawser::bench
