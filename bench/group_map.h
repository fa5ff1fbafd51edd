#ifndef HAWSER_BENCH_GROUP_MAP_H_
#define HAWSER_BENCH_GROUP_MAP_H_

// One log of the benchmark, dealt out to many Raft groups.

#include <cstdint>

namespace hawser::bench {

// Message k of the log, from 0, is message k / groups of group k % groups: each group has a log of
// its own, which grows by one message in each round. Indexes are from 1. A value, the same at the
// leader and its followers.
class GroupMap {
 public:
  GroupMap(int groups, int entries_per_message)
      : groups_(static_cast<uint64_t>(groups)),
        entries_(static_cast<uint64_t>(entries_per_message)) {}

  // Of the message whose first entry has `index` in the whole log.
  uint64_t GroupOf(uint64_t index) const { return (index - 1) / entries_ % groups_; }
  // The index of that entry in its group's log; of later entries of the message, as many more.
  uint64_t IndexInGroup(uint64_t index) const {
    return (index - 1) / entries_ / groups_ * entries_ + (index - 1) % entries_ + 1;
  }
  // How many entries of `group` are among the first `count` of the whole log, which end a message.
  uint64_t CountInGroup(uint64_t count, uint64_t group) const {
    const uint64_t messages = count / entries_;
    return (messages / groups_ + (messages % groups_ > group ? 1 : 0)) * entries_;
  }
  // The inverse of IndexInGroup.
  uint64_t IndexInLog(uint64_t group, uint64_t index) const {
    return ((index - 1) / entries_ * groups_ + group) * entries_ + (index - 1) % entries_ + 1;
  }

 private:
  uint64_t groups_;
  uint64_t entries_;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_GROUP_MAP_H_
