#ifndef HAWSER_BENCH_LINKS_LINK_REPORT_H_
#define HAWSER_BENCH_LINKS_LINK_REPORT_H_

// Measurements of links as a table and as JSON.

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "bench/host.h"
#include "bench/links/link_case.h"

namespace hawser::bench {

// The numbers of a measurement, in the order of LinkMetricNames().
enum LinkMetric {
  kLinkMinUs,
  kLinkP50Us,
  kLinkP99Us,
  kLinkMaxUs,
  kLinkMessagesPerSecond,
  kLinkMbPerSecond,
  kLinkCpuUs,      // of both ends, a message
  kLinkFrames,     // a message; these three of the measuring end, on RDMA
  kLinkDoorbells,  // a message
  kLinkWakes,      // a message
  kLinkMetricCount,
};
const std::array<const char*, kLinkMetricCount>& LinkMetricNames();
using LinkMetrics = std::array<double, kLinkMetricCount>;
LinkMetrics LinkMetricsOf(const LinkCase& c, const LinkResult& result);

const char* WaitingName(Waiting waiting);
const char* LinkTestName(LinkTest test);

struct LinkMeasurement {
  size_t case_index = 0;
  int round = 0;
  LinkResult result;
};

// What is the same for the whole run.
struct LinkRun {
  HostDescription host;
  std::string command;
  int rounds = 0;
  std::vector<LinkCase> cases;
};

std::string FormatLinkHeader(const LinkRun& run);
// "[ 3/45] round 1/3  rdma spin pingpong 64 B: 12.3 us".
std::string FormatLinkProgress(const LinkRun& run, const LinkMeasurement& m, size_t done);
// Medians of the rounds, with the range of the most telling number.
std::string FormatLinkTable(const LinkRun& run, const std::vector<LinkMeasurement>& measurements);
std::string FormatLinkJson(const LinkRun& run, const std::vector<LinkMeasurement>& measurements);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_LINKS_LINK_REPORT_H_
