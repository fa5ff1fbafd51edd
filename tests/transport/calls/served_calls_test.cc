// The order in which appends are answered, and what is remembered for it.

#include "transport/served_calls.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/cost_counters.h"

namespace hawser {
namespace {

class ServedCallsTest : public ::testing::Test {
 protected:
  uint64_t Append(GroupId group, uint64_t number) {
    ServedCalls::Call call;
    call.append = true;
    call.group = group;
    call.number = number;
    return served_.Add(call);
  }
  bool Answer(uint64_t key) {
    return served_.Answer(key, &answer_,
                          [this](const ServedCalls::Call& call) { sent_.push_back(call.number); });
  }

  ServedCalls served_;
  QueuedMessage answer_;
  std::vector<uint64_t> sent_;
};

TEST_F(ServedCallsTest, AnswersOfAGroupWaitForThoseBefore) {
  const uint64_t first = Append(7, 1);
  const uint64_t second = Append(7, 2);
  const uint64_t other = Append(8, 3);
  EXPECT_TRUE(Answer(second));
  EXPECT_TRUE(Answer(other));
  EXPECT_TRUE(Answer(first));
  EXPECT_EQ(sent_, (std::vector<uint64_t>{3, 1, 2}));
  EXPECT_FALSE(Answer(first));
  EXPECT_EQ(served_.size(), 0u);
}

TEST_F(ServedCallsTest, AGroupIsForgottenWithItsLastCall) {
  constexpr uint64_t kGroups = 10000;
  for (uint64_t group = 1; group <= kGroups; ++group) EXPECT_TRUE(Answer(Append(group, group)));
  EXPECT_EQ(served_.groups(), 0u);
  std::vector<uint64_t> keys;
  for (uint64_t group = 1; group <= kGroups; ++group) keys.push_back(Append(group, group));
  EXPECT_EQ(served_.groups(), kGroups);
  for (const uint64_t key : keys) EXPECT_TRUE(Answer(key));
  EXPECT_EQ(served_.groups(), 0u);
}

// However many groups there are, once there was room for as many calls.
TEST_F(ServedCallsTest, NoMemoryIsTakenForAGroup) {
  if (!CountsCosts()) GTEST_SKIP() << "sanitizers have an allocator of their own";
  constexpr int kRounds = 20;
  constexpr uint64_t kGroups = 10000;
  constexpr uint64_t kAtOnce = 100;
  std::vector<uint64_t> keys(kAtOnce);
  sent_.reserve((kRounds + 1) * kGroups);
  const auto round = [&] {
    for (uint64_t group = 0; group < kGroups; group += kAtOnce) {
      for (uint64_t i = 0; i < kAtOnce; ++i) keys[i] = Append(group + i / 2, i);
      for (const uint64_t key : keys) EXPECT_TRUE(Answer(key));
    }
  };
  round();
  CountCosts(true);
  for (int i = 0; i < kRounds; ++i) round();
  EXPECT_EQ(TakeCosts().allocations, 0u);
}

}  // namespace
}  // namespace hawser
