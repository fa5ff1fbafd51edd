#ifndef HAWSER_BENCH_BASELINES_SYNC_STREAM_H_
#define HAWSER_BENCH_BASELINES_SYNC_STREAM_H_

// Baselines grpc_sync and grpc_sync_hint: raftpb messages on gRPC's synchronous streams.
//
// The leader has a thread that reads each stream. The one whose answer commits an entry sends
// what that makes room for, to all followers. A follower has one thread, which reads and
// answers. With hints, a write says "more follows" when the next message for that stream is
// ready already, so that gRPC may put several into one system call. A follower can't hint: this
// API does not tell whether another message waits.

#include <memory>

#include "bench/contestant.h"

namespace hawser::bench {

std::unique_ptr<LeaderSide> MakeSyncLeader(const Workload& workload, FailFn fail);
std::unique_ptr<LeaderSide> MakeSyncHintLeader(const Workload& workload, FailFn fail);
std::unique_ptr<FollowerSide> MakeSyncFollower(const Workload& workload, uint64_t node,
                                               FailFn fail);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_BASELINES_SYNC_STREAM_H_
