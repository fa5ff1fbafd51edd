#ifndef HAWSER_BENCH_BASELINES_CALLBACK_STREAM_H_
#define HAWSER_BENCH_BASELINES_CALLBACK_STREAM_H_

// Baseline grpc_callback: raftpb messages on streams of gRPC's callback API.
//
// Everything happens in gRPC's own threads: the reaction to an answer sends what it made room
// for, a finished write starts the next. Each end has one read and at most one write started.

#include <memory>

#include "bench/contestant.h"

namespace hawser::bench {

std::unique_ptr<LeaderSide> MakeCallbackLeader(const Workload& workload, FailFn fail);
std::unique_ptr<FollowerSide> MakeCallbackFollower(const Workload& workload, uint64_t node,
                                                   FailFn fail);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_BASELINES_CALLBACK_STREAM_H_
