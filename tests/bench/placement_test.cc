#include "bench/placement.h"

#include <vector>

#include "gtest/gtest.h"

namespace hawser::bench {
namespace {

CorePlan Plan(Placement placement, int followers, const std::vector<int>& cores) {
  absl::StatusOr<CorePlan> plan = PlanCores(placement, followers, cores);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *plan : CorePlan();
}

TEST(PlacementTest, OnePutsAllOnTheFirstAllowedCore) {
  EXPECT_EQ(Plan(Placement::kOne, 2, {3, 5}), (CorePlan{{3}, {3}, {3}}));
}

TEST(PlacementTest, SplitPutsFollowersOnTheSecond) {
  EXPECT_EQ(Plan(Placement::kSplit, 2, {0, 1, 2, 3}), (CorePlan{{0}, {1}, {1}}));
}

TEST(PlacementTest, SpinGivesEachACoreWhereThereAreEnough) {
  EXPECT_EQ(Plan(Placement::kSpin, 2, {0, 1, 2}), (CorePlan{{0}, {1}, {2}}));
  EXPECT_EQ(Plan(Placement::kSpin, 2, {0, 1}), (CorePlan{{0}, {1}, {1}}));
  EXPECT_EQ(Plan(Placement::kSpin, 1, {0, 1}), (CorePlan{{0}, {1}}));
}

TEST(PlacementTest, FreeBindsNobody) {
  EXPECT_EQ(Plan(Placement::kFree, 2, {0}), (CorePlan{{}, {}, {}}));
}

TEST(PlacementTest, TooFewCoresIsAnErrorThatSaysWhatToDo) {
  for (const Placement placement : {Placement::kSplit, Placement::kSpin}) {
    const absl::StatusOr<CorePlan> plan = PlanCores(placement, 2, {0});
    ASSERT_FALSE(plan.ok());
    EXPECT_NE(plan.status().message().find("use --placement=one"), std::string::npos);
  }
}

TEST(PlacementTest, NamesAreParsedBack) {
  for (const Placement placement :
       {Placement::kOne, Placement::kSplit, Placement::kSpin, Placement::kFree}) {
    const absl::StatusOr<Placement> parsed = ParsePlacement(PlacementName(placement));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, placement);
  }
  EXPECT_FALSE(ParsePlacement("everywhere").ok());
}

TEST(PlacementTest, ThisProcessMayUseSomeCore) { EXPECT_FALSE(AllowedCores().empty()); }

}  // namespace
}  // namespace hawser::bench
