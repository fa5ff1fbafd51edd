#include "transport/outage.h"

#include <algorithm>

namespace hawser {

void Outage::Add(GroupId group, uint64_t bytes, bool snapshot, LossReason reason) {
  open_ = true;
  by_reason_[static_cast<int>(reason)].Add(bytes);
  GroupLoss& loss = groups_[group];
  loss.group = group;
  ++loss.messages;
  loss.snapshot = loss.snapshot || snapshot;
}

std::vector<GroupLoss> Outage::SortedGroups() const {
  std::vector<GroupLoss> groups;
  groups.reserve(groups_.size());
  for (const auto& [group, loss] : groups_) groups.push_back(loss);
  std::sort(groups.begin(), groups.end(),
            [](const GroupLoss& a, const GroupLoss& b) { return a.group < b.group; });
  return groups;
}

}  // namespace hawser
