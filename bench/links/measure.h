#ifndef HAWSER_BENCH_LINKS_MEASURE_H_
#define HAWSER_BENCH_LINKS_MEASURE_H_

// What the two ends of a measured link do.

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/control_channel.h"
#include "bench/links/link_case.h"

namespace hawser::bench {

// The end that dials, sends and measures; `answering` is the other end's process.
absl::StatusOr<LinkResult> RunMeasuring(const LinkCase& c, ControlChannel* other, pid_t answering);

// The end that answers, until the link ends.
absl::Status RunAnswering(const LinkCase& c, ControlChannel* other);

// Messages that a stream may have on their way, and after how many of them the other end tells.
struct StreamWindow {
  uint64_t messages;
  uint64_t ack_every;
};
StreamWindow WindowOf(const LinkCase& c);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_LINKS_MEASURE_H_
