#ifndef HAWSER_BENCH_URGENT_BOUND_H_
#define HAWSER_BENCH_URGENT_BOUND_H_

// How long a heartbeat takes beside other traffic: one case.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace hawser::bench {

// What is sent beside the heartbeats.
enum class Load : uint8_t { kNone, kBulk, kAppends };

inline constexpr size_t kBulkMessageBytes = size_t{1} << 20;
inline constexpr size_t kAppendMessageBytes = size_t{64} << 10;
inline constexpr int64_t kHeartbeatEveryNs = 2'000'000;
inline constexpr int kUrgentBoundPort = 7701;

struct UrgentBoundCase {
  Load load = Load::kNone;
  int64_t duration_ns = 0;
  std::string here;  // addresses without port
  std::string there;
};

// Round trips of heartbeats.
struct UrgentBoundResult {
  uint64_t heartbeats = 0;
  int64_t p50_ns = 0;
  int64_t p99_ns = 0;
  int64_t max_ns = 0;
  uint64_t load_bytes = 0;  // sent and acknowledged beside them
};

// Each pair: the answering end, which runs until it is killed; the measuring end.

// Hawser, with its lanes.
void AnswerWithHawser(const UrgentBoundCase& c);
UrgentBoundResult MeasureHawser(const UrgentBoundCase& c);

// One gRPC stream of bytes, in the order in which they were handed over, with as much on its way
// as Hawser's credit allows.
void AnswerWithFifo(const UrgentBoundCase& c);
UrgentBoundResult MeasureFifo(const UrgentBoundCase& c);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_URGENT_BOUND_H_
