#include "transport/peer_calls.h"

#include <algorithm>

#include "base/check.h"

namespace hawser {

OutgoingCall* PeerCalls::Add(Owned call) {
  OutgoingCall* const added = call.get();
  if (added->append) {
    added->number = ++last_numbers_[added->group];
    appends_[{added->group, added->number}] = added;
  } else {
    added->number = added->id;
  }
  deadlines_.insert({added->deadline_ns, added->id});
  HAWSER_CHECK(calls_.emplace(added->id, std::move(call)).second);
  return added;
}

PeerCalls::Owned PeerCalls::TakeAnswered(CallId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end() || found->second->append || !found->second->posted) return nullptr;
  return Take(found->second.get());
}

PeerCalls::Owned PeerCalls::TakeAnsweredAppend(GroupId group, uint64_t number) {
  const auto found = appends_.find({group, number});
  return found == appends_.end() || !found->second->posted ? nullptr : Take(found->second);
}

PeerCalls::Owned PeerCalls::Take(OutgoingCall* call) {
  const auto found = calls_.find(call->id);
  HAWSER_CHECK(found != calls_.end());
  Owned taken = std::move(found->second);
  calls_.erase(found);
  if (taken->append) appends_.erase({taken->group, taken->number});
  if (taken->done) ForgetDeadline(*taken);
  return taken;
}

std::vector<PeerCalls::Owned> PeerCalls::TakePosted() {
  std::vector<OutgoingCall*> posted;
  for (const auto& entry : calls_) {
    if (entry.second->posted) posted.push_back(entry.second.get());
  }
  std::sort(posted.begin(), posted.end(),
            [](const OutgoingCall* a, const OutgoingCall* b) { return a->id < b->id; });
  std::vector<Owned> taken;
  taken.reserve(posted.size());
  for (OutgoingCall* call : posted) taken.push_back(Take(call));
  return taken;
}

CallDone PeerCalls::Tell(CallId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end() || !found->second->done) return nullptr;
  ForgetDeadline(*found->second);
  return std::exchange(found->second->done, nullptr);
}

CallId PeerCalls::Overdue(int64_t now_ns) const {
  if (deadlines_.empty() || deadlines_.begin()->first > now_ns) return 0;
  return deadlines_.begin()->second;
}

}  // namespace hawser
