#ifndef HAWSER_BENCH_LIBRAFT_COMMIT_TABLE_H_
#define HAWSER_BENCH_LIBRAFT_COMMIT_TABLE_H_

// The results of all rounds, side by side.

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "bench/libraft/commit_member.h"

namespace hawser::bench {

// What was measured.
struct CommitCase {
  std::string log;
  std::string entry_bytes;
  std::string transport;

  bool operator<(const CommitCase& other) const {
    return std::tie(log, entry_bytes, transport) <
           std::tie(other.log, other.entry_bytes, other.transport);
  }
};

// Keeps results in the order in which their cases came first; prints medians, and each case's ratio
// to libraft's TCP. One per run. Threads: one at a time.
class CommitTable {
 public:
  void Add(const CommitCase& what, const CommitResult& result);
  void Print() const;

 private:
  struct Row {
    double p50_us;
    double p99_us;
    double commits_per_second;
    double rate_min;
    double rate_max;
    int elections;
  };

  Row RowOf(const CommitCase& what) const;

  std::map<CommitCase, std::vector<CommitResult>> results_;
  std::vector<CommitCase> order_;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_LIBRAFT_COMMIT_TABLE_H_
