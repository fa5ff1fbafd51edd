#ifndef HAWSER_TRANSPORT_OUTAGE_H_
#define HAWSER_TRANSPORT_OUTAGE_H_

// What is lost in one outage, collected until it is told.

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "transport/ledger.h"
#include "transport/types.h"

namespace hawser {

// One per peer, owned by it. Loop thread only.
class Outage {
 public:
  // The way failed: it is told even if nothing was lost.
  void Open() { open_ = true; }
  void Add(GroupId group, uint64_t bytes, bool snapshot, LossReason reason);

  bool open() const { return open_; }
  bool HasLoss() const { return !groups_.empty(); }
  bool HasLossOf(GroupId group) const { return groups_.contains(group); }

  // Forgets all, after it was told by `tell(report)`.
  template <typename Tell>
  void Close(Tell tell) {
    Outage told = std::exchange(*this, Outage());
    const std::vector<GroupLoss> groups = told.SortedGroups();
    LossReport report;
    report.by_reason = told.by_reason_;
    report.groups = groups;
    tell(report);
  }

 private:
  std::vector<GroupLoss> SortedGroups() const;

  std::array<Tally, kLossReasonCount> by_reason_;
  absl::flat_hash_map<GroupId, GroupLoss> groups_;
  bool open_ = false;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_OUTAGE_H_
