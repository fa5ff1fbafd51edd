#ifndef HAWSER_BENCH_MEMBER_H_
#define HAWSER_BENCH_MEMBER_H_

// What runs in a child process: a leader or a follower, told what to do by the control channel.
//
//     coordinator -> member               member -> coordinator
//     workload ...                        listening PORT
//     connect LEADER_PORT FOLLOWER_PORT.. ready
//     phase ...            (leader only)  result ...
//     stop                                (ends with status 0)
//
// At any time a member may say "error TEXT" and end with status 1.

#include "absl/strings/string_view.h"

namespace hawser::bench {

inline constexpr char kLeaderRole[] = "leader";
inline constexpr char kFollowerRole[] = "follower";

// Runs a member to its end. `role` is kLeaderRole, or kFollowerRole and its number from 0
// ("follower1"). The process's exit status.
int RunMember(absl::string_view role);

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_MEMBER_H_
