#ifndef HAWSER_TOOLS_HAWSERCTL_DOCTOR_REPORT_H_
#define HAWSER_TOOLS_HAWSERCTL_DOCTOR_REPORT_H_

// From what a host has to what it can use, why, and what mends it. Pure.

#include <string>
#include <vector>

#include "tools/hawserctl/doctor_facts.h"

namespace hawser::ctl {

struct Finding {
  enum class Kind : uint8_t { kGood, kNote, kBad };

  Kind kind = Kind::kGood;
  std::string text;
  std::string command;  // What mends it; empty: nothing is to be mended.
};

// Round trips of one link, in microseconds.
struct LinkTimes {
  bool measured = false;
  double least_us = 0;
  double median_us = 0;
  std::string failure;  // Why not, if it was tried.
};

struct SelfTest {
  int round_trips = 0;
  LinkTimes grpc;
  LinkTimes rdma;
};

struct Report {
  // RDMA can be used; nothing that is needed is missing.
  bool rdma = false;
  // IP addresses of RDMA devices that are up.
  std::vector<std::string> addresses;
  std::vector<Finding> findings;
};

// The first finding that is bad says why there is no RDMA.
Report Diagnose(const HostFacts& facts);

// What was measured has the last word: RDMA that failed cannot be used.
void AddSelfTest(const SelfTest& test, Report* report);

std::string ReportText(const Report& report, const SelfTest& test);
std::string ReportJson(const HostFacts& facts, const Report& report, const SelfTest& test);

}  // namespace hawser::ctl

#endif  // HAWSER_TOOLS_HAWSERCTL_DOCTOR_REPORT_H_
