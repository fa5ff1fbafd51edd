#ifndef HAWSER_BENCH_LINKS_LINK_CASE_H_
#define HAWSER_BENCH_LINKS_LINK_CASE_H_

// One measurement of a link alone, and what it gave.

#include <cstddef>
#include <cstdint>
#include <string>

#include "transport/types.h"

namespace hawser::bench {

// How both ends wait for what comes.
enum class Waiting : uint8_t {
  kSpin,   // Never sleep.
  kSleep,  // Never spin.
  kAdapt,  // The product's defaults: RDMA spins while it pays, gRPC sleeps.
};

enum class LinkTest : uint8_t {
  kPingPong,  // One message on its way.
  kStream,    // As many as the link takes, one way.
};

struct LinkCase {
  LinkKind kind = LinkKind::kRdma;
  LinkTest test = LinkTest::kPingPong;
  Waiting waiting = Waiting::kSpin;
  // Bytes on the link, frame headers included; what exceeds a frame goes in several.
  size_t message_bytes = 0;
  uint32_t slot_bytes = 0;
  int64_t duration_ns = 0;
  // IP addresses that the measuring and the answering end bind.
  std::string here;
  std::string there;
};

struct LinkResult {
  uint64_t messages = 0;
  int64_t duration_ns = 0;
  // One way: half of a round trip. kPingPong only.
  int64_t min_ns = 0;
  int64_t p50_ns = 0;
  int64_t p99_ns = 0;
  int64_t max_ns = 0;
  // CPU time of both ends.
  int64_t cpu_ns = 0;
  // Counts of the measuring end, of RDMA only.
  uint64_t frames = 0;
  uint64_t doorbells = 0;
  uint64_t wakes = 0;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_LINKS_LINK_CASE_H_
