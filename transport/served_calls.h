#ifndef HAWSER_TRANSPORT_SERVED_CALLS_H_
#define HAWSER_TRANSPORT_SERVED_CALLS_H_

// The calls of one peer that we have not answered yet.

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/ring.h"
#include "transport/lane.h"
#include "transport/message_pool.h"
#include "transport/types.h"

namespace hawser {

// Brings answers to appends into the order of the calls: one waits for those before it.
//
// One per Peer, owned by it. It borrows the answers that wait. Pure; loop thread only.
class ServedCalls {
 public:
  struct Call {
    bool append = false;
    GroupId group = 0;
    uint64_t number = 0;        // on the wire
    Lane lane = Lane::kUrgent;  // of the answer; of an append: by its size
    QueuedMessage* answer = nullptr;
  };

  // The key that its answer comes with; no other one ever has it.
  uint64_t Add(const Call& call);

  // Takes the answer to the call `key`, and gives to `send(call)` every call that can be answered
  // now, with its answer. False: there is no such call, `answer` stays the caller's.
  template <typename Send>
  bool Answer(uint64_t key, QueuedMessage* answer, Send send) {
    const auto found = calls_.find(key);
    if (found == calls_.end() || found->second.answer != nullptr) return false;
    found->second.answer = answer;
    if (!found->second.append) {
      const Call call = found->second;
      calls_.erase(found);
      send(call);
      return true;
    }
    const GroupId group = found->second.group;
    Ring<uint64_t>& order = orders_[group];
    while (!order.empty()) {
      const auto first = calls_.find(order.front());
      if (first->second.answer == nullptr) break;
      const Call call = first->second;
      calls_.erase(first);
      order.pop_front();
      send(call);
    }
    if (order.empty() && orders_.size() > kGroupsKept) orders_.erase(group);
    return true;
  }

  // Forgets all: their callers know that the link was lost. `drop(answer)` gets those that wait.
  template <typename Drop>
  void Clear(Drop drop) {
    for (const auto& entry : calls_) {
      if (entry.second.answer != nullptr) drop(entry.second.answer);
    }
    calls_.clear();
    orders_.clear();
  }

  size_t size() const { return calls_.size(); }
  // With memory for their order. A peer may name as many groups as it likes: those without a call
  // go when there are more than kGroupsKept.
  size_t groups() const { return orders_.size(); }
  static constexpr size_t kGroupsKept = 1024;

 private:
  uint64_t last_key_ = 0;
  absl::flat_hash_map<uint64_t, Call> calls_;            // by key
  absl::flat_hash_map<GroupId, Ring<uint64_t>> orders_;  // appends' keys, by group
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SERVED_CALLS_H_
