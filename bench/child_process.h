#ifndef HAWSER_BENCH_CHILD_PROCESS_H_
#define HAWSER_BENCH_CHILD_PROCESS_H_

// A leader or a follower in a process of its own.

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bench/control_channel.h"

namespace hawser::bench {

// The descriptor of the control channel in a child.
inline constexpr int kChildControlFd = 3;

// The first argument of a child, followed by its role.
inline constexpr char kMemberArgument[] = "--replicate_member=";

// A ChildProcess is this same program, started again as a member of the cluster. The kernel
// kills it when the thread that started it ends.
//
// One per member of a measurement. Owns the process and its control channel; the destructor
// ends it.
//
// Threads: the coordinator's, which is the process's only one at the time of Start().
class ChildProcess {
 public:
  // `role` becomes its argument; it runs on `cores` (any if empty).
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(absl::string_view role,
                                                             const std::vector<int>& cores);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Asks it to end and waits; kills it after `timeout_ms`. An error when it did not end by
  // itself with status 0.
  absl::Status Stop(int timeout_ms);

  // CPU time of all its threads so far, past ones included.
  absl::StatusOr<int64_t> CpuNs() const;

  ControlChannel& control() { return control_; }
  const std::string& role() const { return role_; }

 private:
  ChildProcess(absl::string_view role, pid_t pid, int control_fd)
      : role_(role), pid_(pid), control_(control_fd) {}

  // True with the wait status when it has ended within `timeout_ms`.
  bool WaitForEnd(int timeout_ms, int* wait_status);

  const std::string role_;
  const pid_t pid_;
  ControlChannel control_;
  bool ended_ = false;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CHILD_PROCESS_H_
