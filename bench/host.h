#ifndef HAWSER_BENCH_HOST_H_
#define HAWSER_BENCH_HOST_H_

// What the kernel says of this host: its load, its loopback traffic, what it is.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hawser::bench {

// Moves this process, and those it starts, to a network namespace whose loopback device carries
// only their traffic. An error where the kernel does not allow it; then nothing has changed.
// REQUIRES: the process has one thread.
absl::Status UsePrivateLoopback();

// Bytes that the loopback device has carried since it exists; each packet once, with its IP and
// TCP headers.
absl::StatusOr<uint64_t> LoopbackBytes();

// CPU time that all cores have been busy since boot, stolen time included (to 10 ms); 0 if the
// kernel does not say.
int64_t HostBusyNs();

// What results depend on, for their header.
struct HostDescription {
  std::string cpu_model;
  int cores = 0;
  std::string memory;
  std::string kernel;
  std::string os;
  // UTC, "2026-01-31T12:00:00Z".
  std::string date;
  // Of the work tree, "-dirty" behind it when it has changes; "unknown" outside of one.
  std::string commit;
  std::string compiler;
  // "opt", or what makes it slower than that.
  std::string build;
};

HostDescription DescribeHost();

// False when assertions are on, or optimization is off, or a sanitizer is in.
bool IsOptimizedBuild();

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_HOST_H_
