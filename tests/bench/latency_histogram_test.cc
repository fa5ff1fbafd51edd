#include "bench/latency_histogram.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace hawser::bench {
namespace {

TEST(LatencyHistogramTest, EmptyHasZeros) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.max_ns(), 0);
  EXPECT_EQ(histogram.PercentileNs(50), 0);
  EXPECT_EQ(histogram.PercentileNs(100), 0);
}

TEST(LatencyHistogramTest, SmallValuesAreExact) {
  LatencyHistogram histogram;
  for (int64_t ns = 1; ns <= 100; ++ns) histogram.Record(ns);
  EXPECT_EQ(histogram.PercentileNs(0), 1);
  EXPECT_EQ(histogram.PercentileNs(50), 50);
  EXPECT_EQ(histogram.PercentileNs(99), 99);
  EXPECT_EQ(histogram.PercentileNs(100), 100);
}

// Every magnitude, also at the edges of buckets: never below the value, at most 0.8 % above.
TEST(LatencyHistogramTest, LargeValuesAreWithinTheirBucket) {
  for (int power = 7; power < 40; ++power) {
    for (const int64_t off : {-1, 0, 1}) {
      const int64_t ns = (int64_t{1} << power) + off;
      LatencyHistogram histogram;
      histogram.Record(ns);
      histogram.Record(int64_t{1} << 40);
      EXPECT_GE(histogram.PercentileNs(50), ns);
      EXPECT_LE(static_cast<double>(histogram.PercentileNs(50)), static_cast<double>(ns) * 1.008);
    }
  }
}

TEST(LatencyHistogramTest, PercentilesOfAUniformRamp) {
  LatencyHistogram histogram;
  for (int64_t us = 1; us <= 10'000; ++us) histogram.Record(us * 1000);
  EXPECT_EQ(histogram.count(), 10'000u);
  EXPECT_NEAR(static_cast<double>(histogram.PercentileNs(50)), 5e6, 5e6 * 0.008);
  EXPECT_NEAR(static_cast<double>(histogram.PercentileNs(90)), 9e6, 9e6 * 0.008);
  EXPECT_NEAR(static_cast<double>(histogram.PercentileNs(99)), 9.9e6, 9.9e6 * 0.008);
  EXPECT_NEAR(static_cast<double>(histogram.PercentileNs(99.9)), 9.99e6, 9.99e6 * 0.008);
  EXPECT_EQ(histogram.PercentileNs(100), 10'000'000);
}

// Clocks that step back, and pauses longer than the last bucket, must not write out of bounds.
TEST(LatencyHistogramTest, OutOfRangeValuesAreCounted) {
  LatencyHistogram histogram;
  histogram.Record(-5);
  EXPECT_EQ(histogram.PercentileNs(100), 0);
  histogram.Record(INT64_MAX);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.max_ns(), INT64_MAX);
  EXPECT_EQ(histogram.PercentileNs(100), INT64_MAX);
}

TEST(LatencyHistogramTest, ClearForgetsAll) {
  LatencyHistogram histogram;
  histogram.Record(1000);
  histogram.Clear();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.PercentileNs(99), 0);
  histogram.Record(7);
  EXPECT_EQ(histogram.PercentileNs(99), 7);
}

}  // namespace
}  // namespace hawser::bench
