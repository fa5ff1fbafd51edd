#ifndef HAWSER_TOOLS_HAWSERCTL_DOCTOR_H_
#define HAWSER_TOOLS_HAWSERCTL_DOCTOR_H_

// hawserctl doctor: which link this host can use, and why. It asks no server.

#include <string>

#include "tools/hawserctl/doctor_report.h"

namespace hawser::ctl {

// Times round trips between two transports in this process: on gRPC, and on RDMA if `rdma_address`
// is not empty, at that address of the host. Takes some seconds at most.
SelfTest RunSelfTest(const std::string& rdma_address);

// What the whole command prints; `*rdma`: RDMA can be used.
std::string Doctor(bool json, bool* rdma);

}  // namespace hawser::ctl

#endif  // HAWSER_TOOLS_HAWSERCTL_DOCTOR_H_
