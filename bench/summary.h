#ifndef HAWSER_BENCH_SUMMARY_H_
#define HAWSER_BENCH_SUMMARY_H_

// Measurements of several rounds, made into the numbers of a table.

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "bench/cluster.h"
#include "bench/replicate_options.h"

namespace hawser::bench {

// One case in one round.
struct Measurement {
  size_t case_index = 0;
  // From 1.
  int round = 0;
  ClusterResult result;
};

// The numbers of a measurement, in the order of MetricNames().
enum Metric {
  kP50Us,
  kP90Us,
  kP99Us,
  kP999Us,
  kMaxUs,
  kEntriesPerSecond,
  kCpuSecondsPerMillion,
  kBytesPerEntry,
  kDrops,
  kForeignCores,
  kMetricCount,
};

// As in the JSON.
const std::array<const char*, kMetricCount>& MetricNames();

using Metrics = std::array<double, kMetricCount>;

Metrics MetricsOf(const ClusterResult& result);

// One case over all its rounds.
struct CaseSummary {
  size_t case_index = 0;
  int rounds = 0;
  Metrics median{};
  Metrics min{};
  Metrics max{};
  // median p50 over that of the reference contestant in the same workload; 0 if it did not run.
  double p50_ratio = 0;
};

// In the order of `cases`; those without a measurement are left out.
std::vector<CaseSummary> Summarize(const std::vector<Case>& cases,
                                   const std::vector<Measurement>& measurements);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_SUMMARY_H_
