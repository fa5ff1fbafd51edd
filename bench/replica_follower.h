#ifndef HAWSER_BENCH_REPLICA_FOLLOWER_H_
#define HAWSER_BENCH_REPLICA_FOLLOWER_H_

// The follower's half of replication, the same for every contestant: what arrived, and when to
// answer.

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/workload.h"

namespace hawser::bench {

// A ReplicaFollower checks that appends arrive in order and whole, and says which of them to
// answer. It stores no entry.
//
// One per follower process.
//
// Threads: none of its own; the contestant keeps calls apart.
class ReplicaFollower {
 public:
  enum class Verdict {
    // Answer with a MsgAppResp of last_index().
    kAnswer,
    kDoNotAnswer,
    // Something was lost, repeated or changed on the way: error() says what.
    kBroken,
  };

  explicit ReplicaFollower(const Workload& workload)
      : entries_per_message_(static_cast<size_t>(workload.entries_per_message)),
        entry_bytes_(workload.entry_bytes),
        ack_every_(workload.effective_ack_every()) {}

  // A MsgApp begins: `previous_index` is its index, the one before its first entry.
  // Then OnEntry() for each of its entries, then EndAppend().
  void BeginAppend(uint64_t previous_index) {
    entries_ = 0;
    if (previous_index != last_index_) Break("previous index", last_index_, previous_index);
  }
  void OnEntry(uint64_t index, size_t data_bytes) {
    ++last_index_;
    ++entries_;
    if (index != last_index_) Break("entry index", last_index_, index);
    if (data_bytes != entry_bytes_) Break("entry bytes", entry_bytes_, data_bytes);
  }
  Verdict EndAppend() {
    if (entries_ != entries_per_message_) Break("entries", entries_per_message_, entries_);
    if (!error_.empty()) return Verdict::kBroken;
    if (++unanswered_ < ack_every_) return Verdict::kDoNotAnswer;
    unanswered_ = 0;
    return Verdict::kAnswer;
  }

  uint64_t last_index() const { return last_index_; }
  // What was wrong first.
  const std::string& error() const { return error_; }

 private:
  void Break(const char* what, uint64_t expected, uint64_t got);

  const size_t entries_per_message_;
  const size_t entry_bytes_;
  const int ack_every_;
  uint64_t last_index_ = 0;
  size_t entries_ = 0;
  int unanswered_ = 0;
  std::string error_;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_REPLICA_FOLLOWER_H_
