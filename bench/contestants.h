#ifndef HAWSER_BENCH_CONTESTANTS_H_
#define HAWSER_BENCH_CONTESTANTS_H_

// The list of all contestants.

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "bench/contestant.h"

namespace hawser::bench {

// In the order of the table.
const std::vector<Contestant>& AllContestants();

// nullptr if there is none of that name.
const Contestant* FindContestant(absl::string_view name);

// The contestant that the others' latencies are divided by.
inline constexpr char kReferenceContestant[] = "grpc_sync";

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CONTESTANTS_H_
