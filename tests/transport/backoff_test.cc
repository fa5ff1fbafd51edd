// Delays before dialling again: bounded, doubling, spread.

#include "transport/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hawser {
namespace {

TEST(BackoffTest, DelaysDoubleWithinTheirBounds) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Backoff backoff(20, 2000, seed);
    int64_t delay_ns = 20;
    for (int i = 0; i < 20; ++i) {
      const int64_t next_ns = backoff.Next();
      ASSERT_GE(next_ns, delay_ns / 2) << seed << " " << i;
      ASSERT_LE(next_ns, delay_ns) << seed << " " << i;
      delay_ns = std::min<int64_t>(2000, 2 * delay_ns);
    }
  }
}

TEST(BackoffTest, SuccessBeginsAnew) {
  Backoff backoff(20, 2000, 1);
  for (int i = 0; i < 10; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), 20);
}

// Nodes that lost each other at one moment do not come back at one moment.
TEST(BackoffTest, SeedsSpreadTheDelays) {
  std::set<int64_t> delays;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Backoff backoff(1000000, 1000000, seed * 0x9e3779b97f4a7c15u);
    delays.insert(backoff.Next());
  }
  EXPECT_GT(delays.size(), 90u);
}

TEST(BackoffTest, SmallestDelayOfAll) {
  Backoff backoff(1, 1, 0);
  for (int i = 0; i < 100; ++i) EXPECT_LE(backoff.Next(), 1);
}

TEST(BackoffTest, SameSeedSameDelays) {
  Backoff a(20, 2000, 42);
  Backoff b(20, 2000, 42);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(a.Next(), b.Next());
}

}  // namespace
}  // namespace hawser
