#include "base/ring.h"

#include <gtest/gtest.h>

#include <deque>

namespace hawser {
namespace {

TEST(RingTest, FirstInFirstOutWhileItGrowsAndWraps) {
  Ring<int> ring;
  std::deque<int> expected;
  int next = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < round % 13 + 5; ++i) {
      ring.push_back(next);
      expected.push_back(next++);
    }
    for (int i = 0; i < round % 11 + 4 && !expected.empty(); ++i) {
      ASSERT_EQ(ring.front(), expected.front());
      ring.pop_front();
      expected.pop_front();
    }
    ASSERT_EQ(ring.size(), expected.size());
  }
  while (!expected.empty()) {
    ASSERT_EQ(ring.front(), expected.front());
    ring.pop_front();
    expected.pop_front();
  }
  EXPECT_TRUE(ring.empty());
}

TEST(RingDeathTest, FrontOfAnEmptyRing) {
  Ring<int> ring;
  EXPECT_DEATH(ring.front(), "");
  EXPECT_DEATH(ring.pop_front(), "");
}

}  // namespace
}  // namespace hawser
