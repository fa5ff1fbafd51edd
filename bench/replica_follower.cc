#include "bench/replica_follower.h"

#include "absl/strings/str_cat.h"

namespace hawser::bench {

void ReplicaFollower::Break(const char* what, uint64_t expected, uint64_t got) {
  if (!error_.empty()) return;
  error_ = absl::StrCat("an append did not arrive as it was sent: ", what, " should be ", expected,
                        ", is ", got);
}

}  // namespace hawser::bench
