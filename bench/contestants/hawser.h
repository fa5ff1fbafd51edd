#ifndef HAWSER_BENCH_CONTESTANTS_HAWSER_H_
#define HAWSER_BENCH_CONTESTANTS_HAWSER_H_

// Contestants hawser and hawser_poll: replication by the public API of transport/transport.h.
//
// hawser: the transport runs a thread of its own; the leader's and the follower's logic runs in
// OnMessage on it. hawser_poll: the member's own thread does all, inside Transport::Poll. Entries
// are sent with a Hold, from memory that never changes: copied once, into a frame.

#include <memory>

#include "bench/contestant.h"

namespace hawser::bench {

std::unique_ptr<LeaderSide> MakeHawserLeader(const Workload& workload, FailFn fail);
std::unique_ptr<LeaderSide> MakeHawserPollLeader(const Workload& workload, FailFn fail);
std::unique_ptr<FollowerSide> MakeHawserFollower(const Workload& workload, uint64_t node,
                                                 FailFn fail);
std::unique_ptr<FollowerSide> MakeHawserPollFollower(const Workload& workload, uint64_t node,
                                                     FailFn fail);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CONTESTANTS_HAWSER_H_
