#ifndef HAWSER_BENCH_REPORT_H_
#define HAWSER_BENCH_REPORT_H_

// Results for people (a table) and for programs (JSON).

#include <cstddef>
#include <string>
#include <vector>

#include "bench/host.h"
#include "bench/replicate_options.h"
#include "bench/summary.h"

namespace hawser::bench {

// What is the same for the whole run.
struct RunDescription {
  HostDescription host;
  // Of the baselines.
  std::string libraries;
  std::string command;
  // Whether the bytes counted are only ours; if not, why.
  bool private_loopback = false;
  std::string loopback_note;
};

// What is measured and where, before the first measurement.
std::string FormatHeader(const RunDescription& run, const ReplicateOptions& options);

// "[ 3/45] round 1/3  64 B depth 16  grpc_sync  p50 21.4 us  41200 entries/s".
std::string FormatProgress(const ReplicateOptions& options, const Measurement& measurement,
                           size_t done);

// A block of lines for each entry size and depth, and what the columns mean.
std::string FormatTable(const RunDescription& run, const ReplicateOptions& options,
                        const std::vector<CaseSummary>& summaries);

// Everything: the run, each measurement, each summary.
std::string FormatJson(const RunDescription& run, const ReplicateOptions& options,
                       const std::vector<Measurement>& measurements,
                       const std::vector<CaseSummary>& summaries);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_REPORT_H_
