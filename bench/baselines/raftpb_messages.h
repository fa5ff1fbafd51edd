#ifndef HAWSER_BENCH_BASELINES_RAFTPB_MESSAGES_H_
#define HAWSER_BENCH_BASELINES_RAFTPB_MESSAGES_H_

// The baselines' messages: made once, then only indices change; no field that is not used.

#include <cstdint>

#include "bench/replica_follower.h"
#include "bench/replica_leader.h"
#include "bench/workload.h"
#include "raftpb/hawser_raftpb.pb.h"

namespace hawser::bench {

// An append for `follower` with its entries' data in place: what stays the same in all.
raftpb::Message MakeAppend(const Workload& workload, int follower);

// Gives `append` the indices of `range`.
void SetRange(const AppendRange& range, raftpb::Message* append);

// An answer of `node`; the index is yet to be set.
raftpb::Message MakeAppResp(uint64_t node);

// Shows a received message to `follower`; the verdict.
ReplicaFollower::Verdict Receive(const raftpb::Message& append, ReplicaFollower* follower);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_BASELINES_RAFTPB_MESSAGES_H_
