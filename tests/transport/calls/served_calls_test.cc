// The order in which appends are answered, and what is remembered for it.

#include "transport/served_calls.h"

#include <gtest/gtest.h>

#include <vector>

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

TEST_F(ServedCallsTest, GroupsWithoutACallAreForgottenWhenThereAreMany) {
  constexpr uint64_t kGroups = 10 * ServedCalls::kGroupsKept;
  for (uint64_t group = 1; group <= kGroups; ++group) EXPECT_TRUE(Answer(Append(group, group)));
  EXPECT_EQ(served_.groups(), ServedCalls::kGroupsKept);
  EXPECT_EQ(sent_.size(), kGroups);
  std::vector<uint64_t> keys;
  for (uint64_t group = 1; group <= kGroups; ++group) keys.push_back(Append(group, group));
  EXPECT_EQ(served_.groups(), kGroups);
  for (const uint64_t key : keys) EXPECT_TRUE(Answer(key));
  EXPECT_EQ(served_.groups(), ServedCalls::kGroupsKept);
}

}  // namespace
}  // namespace hawser
