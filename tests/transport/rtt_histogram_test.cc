// Round trips in buckets: what a quantile may be off by, and the ends of the scale.

#include "transport/rtt_histogram.h"

#include <gtest/gtest.h>

namespace hawser {
namespace {

constexpr int64_t kUs = 1000;

TEST(RttHistogramTest, EmptySaysNothing) {
  const RttHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min_us(), 0);
  EXPECT_EQ(histogram.QuantileUs(0.5), 0);
}

TEST(RttHistogramTest, BucketsAreInOrderAndWithoutGaps) {
  RttHistogram histogram;
  int64_t below = -1;
  for (int bucket = 0; bucket < RttHistogram::kBuckets; ++bucket) {
    ASSERT_GT(RttHistogram::UpperUs(bucket), below);
    histogram.Add(RttHistogram::UpperUs(bucket) * kUs);
    ASSERT_EQ(histogram.CountIn(bucket), 1u) << bucket;
    if (bucket == RttHistogram::kBuckets - 1) break;
    histogram.Add((RttHistogram::UpperUs(bucket) + 1) * kUs);
    ASSERT_EQ(histogram.CountIn(bucket + 1), 1u) << bucket;
    histogram = RttHistogram();
    below = RttHistogram::UpperUs(bucket);
  }
  EXPECT_GT(below, 10000000);
}

TEST(RttHistogramTest, QuantilesAreAtMostAQuarterTooHigh) {
  RttHistogram histogram;
  for (int64_t rtt_us = 1; rtt_us <= 1000; ++rtt_us) histogram.Add(rtt_us * kUs);
  EXPECT_GE(histogram.QuantileUs(0.5), 500);
  EXPECT_LE(histogram.QuantileUs(0.5), 625);
  EXPECT_GE(histogram.QuantileUs(0.99), 990);
  EXPECT_EQ(histogram.QuantileUs(1), 1000);
  EXPECT_EQ(histogram.min_us(), 1);
  EXPECT_EQ(histogram.max_us(), 1000);
}

TEST(RttHistogramTest, TheEndsOfTheScale) {
  RttHistogram histogram;
  histogram.Add(-5);
  histogram.Add(int64_t{1} << 62);
  EXPECT_EQ(histogram.CountIn(0), 1u);
  EXPECT_EQ(histogram.CountIn(RttHistogram::kBuckets - 1), 1u);
  EXPECT_EQ(histogram.min_us(), 0);
}

}  // namespace
}  // namespace hawser
