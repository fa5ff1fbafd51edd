#include "bench/replica_follower.h"

#include "absl/strings/str_cat.h"

namespace hawser::bench {

std::string ReplicaFollower::error() const {
  return absl::StrCat("an append arrived out of order, twice, or not as it was sent, at or before ",
                      "index ", last_index_, ": a message was lost");
}

}  // namespace hawser::bench
