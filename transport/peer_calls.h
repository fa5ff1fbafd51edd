#ifndef HAWSER_TRANSPORT_PEER_CALLS_H_
#define HAWSER_TRANSPORT_PEER_CALLS_H_

// The calls to one peer that wait for their answer.

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "transport/call.h"
#include "transport/types.h"

namespace hawser {

// One Call or CallAppend.
struct OutgoingCall {
  CallId id = 0;
  bool append = false;
  GroupId group = 0;
  // On the wire: of an append, how many of its group have been called before, and this one; else
  // the id.
  uint64_t number = 0;
  int64_t deadline_ns = std::numeric_limits<int64_t>::max();
  bool posted = false;  // Its message has left the queue.
  CallDone done;        // Empty: the caller was told already, and the answer will be dropped.
};

// Which call an answer belongs to, and which calls are over.
//
// One per Peer, owned by it. A call whose caller was told (deadline, Cancel) stays until its answer
// comes or its message is lost: the peer works on it as long, so it counts. Pure; loop thread only.
// Invariant: waiting() is the number of calls whose caller was not told.
class PeerCalls {
 public:
  using Owned = std::unique_ptr<OutgoingCall>;

  size_t size() const { return calls_.size(); }
  size_t waiting() const { return deadlines_.size(); }

  // Gives an append its number. What it returns lives until the call is taken.
  OutgoingCall* Add(Owned call);

  // The call that an answer belongs to, taken out; nullptr: there is none that was sent.
  Owned TakeAnswered(CallId id);
  Owned TakeAnsweredAppend(GroupId group, uint64_t number);
  // Taken out, whatever became of its message.
  Owned Take(OutgoingCall* call);
  // All whose message was sent, by id.
  std::vector<Owned> TakePosted();

  // The caller of `id` is told now: its `done`, empty when there is no such call.
  CallDone Tell(CallId id);
  // The next one whose deadline has passed at `now_ns`; 0 when there is none.
  CallId Overdue(int64_t now_ns) const;
  // When there may be another one.
  int64_t NextDeadlineNs() const {
    return deadlines_.empty() ? std::numeric_limits<int64_t>::max() : deadlines_.begin()->first;
  }

 private:
  void ForgetDeadline(const OutgoingCall& call) { deadlines_.erase({call.deadline_ns, call.id}); }

  absl::flat_hash_map<CallId, Owned> calls_;
  absl::flat_hash_map<std::pair<GroupId, uint64_t>, OutgoingCall*> appends_;  // by group and number
  absl::flat_hash_map<GroupId, uint64_t> last_numbers_;
  absl::btree_set<std::pair<int64_t, CallId>> deadlines_;  // of those whose caller was not told
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_PEER_CALLS_H_
