#ifndef HAWSER_TRANSPORT_SERVED_CALLS_H_
#define HAWSER_TRANSPORT_SERVED_CALLS_H_

// The calls of one peer that we have not answered yet.

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "transport/lane.h"
#include "transport/message_pool.h"
#include "transport/types.h"

namespace hawser {

// Brings answers to appends into the order of the calls: one waits for those before it.
//
// One per Peer, owned by it. It borrows the answers that wait. Pure; loop thread only. It remembers
// calls, and groups only while they have one: a peer may name as many groups as it likes.
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
    if (found == calls_.end() || found->second.call.answer != nullptr) return false;
    found->second.call.answer = answer;
    if (!found->second.call.append) {
      send(Take(found).call);
      return true;
    }
    const auto order = orders_.find(found->second.call.group);
    uint64_t& first = order->second.first;
    while (first != kNone) {
      const auto next = calls_.find(first);
      if (next->second.call.answer == nullptr) return true;
      const Served served = Take(next);
      first = served.behind;
      send(served.call);
    }
    orders_.erase(order);
    return true;
  }

  // Forgets all: their callers know that the link was lost. `drop(answer)` gets those that wait.
  template <typename Drop>
  void Clear(Drop drop) {
    for (const auto& entry : calls_) {
      if (entry.second.call.answer != nullptr) drop(entry.second.call.answer);
    }
    calls_.clear();
    orders_.clear();
  }

  size_t size() const { return calls_.size(); }
  // Those with an append that is not answered.
  size_t groups() const { return orders_.size(); }

 private:
  static constexpr uint64_t kNone = 0;

  struct Served {
    Call call;
    uint64_t behind = kNone;  // the key of the group's next append
  };
  // The keys of a group's appends, oldest and newest; those between are linked by Served::behind.
  struct Order {
    uint64_t first = kNone;
    uint64_t last = kNone;
  };
  using Calls = absl::flat_hash_map<uint64_t, Served>;

  Served Take(Calls::iterator place) {
    const Served served = place->second;
    calls_.erase(place);
    return served;
  }

  uint64_t last_key_ = kNone;
  Calls calls_;  // by key
  absl::flat_hash_map<GroupId, Order> orders_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SERVED_CALLS_H_
