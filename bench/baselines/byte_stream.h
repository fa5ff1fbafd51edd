#ifndef HAWSER_BENCH_BASELINES_BYTE_STREAM_H_
#define HAWSER_BENCH_BASELINES_BYTE_STREAM_H_

// Baseline grpc_bytes: bytes on streams of gRPC's asynchronous generic API; no message is encoded,
// none is copied.
//
// An append is its index and the bytes of its entries; what is sent always lies in the same memory,
// and what arrives is only measured. Each end is one thread that drains one completion queue: the
// least that gRPC can do.

#include <memory>

#include "bench/contestant.h"

namespace hawser::bench {

std::unique_ptr<LeaderSide> MakeByteLeader(const Workload& workload, FailFn fail);
std::unique_ptr<FollowerSide> MakeByteFollower(const Workload& workload, uint64_t node,
                                               FailFn fail);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_BASELINES_BYTE_STREAM_H_
