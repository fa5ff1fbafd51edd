#ifndef HAWSER_BENCH_SELF_PROCESS_H_
#define HAWSER_BENCH_SELF_PROCESS_H_

// This same program, started once more as a member of a cluster.

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hawser::bench {

// Starts it with `arguments` (the first is its name) on `cores` (any if empty); `fd` is its
// descriptor `child_fd`, and those that close on exec it does not have. The kernel kills it when
// the thread that started it ends; the caller waits for it. No other thread may run.
absl::StatusOr<pid_t> StartSelf(const std::vector<std::string>& arguments,
                                const std::vector<int>& cores, int fd, int child_fd);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_SELF_PROCESS_H_
