#ifndef HAWSER_ADAPTERS_LIBRAFT_SEND_REQUESTS_H_
#define HAWSER_ADAPTERS_LIBRAFT_SEND_REQUESTS_H_

// libraft's sends, from the call to the callback.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "adapters/libraft/libraft.h"
#include "adapters/libraft/raft_messages.h"
#include "transport/ownership.h"
#include "transport/types.h"

namespace hawser::libraft {

class SendRequests;

// One call of raft_io's send.
struct SendRequest {
  SendRequests* owner = nullptr;
  raft_io_send* request = nullptr;  // Null: nobody is to be called back.
  NodeId node = 0;
  int status = 0;
  uint64_t held_bytes = 0;  // Of entries that libraft keeps until the callback.
  uint64_t outage = 0;      // Of the node, when it was sent.
  bool append = false;
  // Of a snapshot, whose callback waits until it is known to have arrived or not.
  bool snapshot = false;
  bool released = false;
  bool settled = false;
  raft_index snapshot_index = 0;
  std::unique_ptr<ViewParts> parts;
};

// Keeps the requests whose callback is due later, and calls back.
//
// libraft must not be called back inside send, and lends the memory of entries and snapshots until
// the callback: it comes when Hawser has released the bytes, from Fire. One per adapter.
//
// A callback's status is 0 ("written") or RAFT_NOCONNECTION: the way to the node failed before it
// was known to be through, which makes libraft probe. A snapshot is through when the follower's
// adapter has handed it to libraft; all else when its bytes have left.
// Threads: the loop's.
class SendRequests {
 public:
  // `pipelines`: libraft sends to this node ahead of its answers. To others an error is no news,
  // and would make libraft forget how far it has probed: they get 0 instead.
  explicit SendRequests(std::function<bool(NodeId)> pipelines) : pipelines_(std::move(pipelines)) {}
  SendRequests(const SendRequests&) = delete;
  SendRequests& operator=(const SendRequests&) = delete;
  ~SendRequests();

  // A request to `node`; ends with Finish, or with the Hold's release. Without a callback (a
  // leadership transfer has none) `request` may be gone any time after send.
  SendRequest* Open(raft_io_send* request, raft_io_send_cb callback, NodeId node);

  // The callback gets `status` at the next Fire.
  void Finish(SendRequest* request, int status);

  // What Hawser is given: the callback is due when it is released, and gets the request's status,
  // or RAFT_NOCONNECTION after an outage. Once accepted, call Held.
  Hold HoldOf(SendRequest* request) { return Hold{&SendRequests::Released, request}; }
  // Hawser has accepted it, with a Hold.
  void Held(SendRequest* request);

  // Bytes of entries to `node` that wait to leave.
  uint64_t held_bytes(NodeId node) const;
  // A snapshot up to `index` is on its way to `node`.
  bool SnapshotUnderWay(NodeId node, raft_index index) const;
  bool SnapshotsUnderWay(NodeId node) const;

  // The oldest snapshot to `node` has arrived.
  void OnSnapshotArrived(NodeId node);
  // The way to `node` failed. `snapshots_lost`: those that had left did not arrive.
  void OnOutage(NodeId node, bool snapshots_lost);

  // Nothing more arrives at `node`.
  void OnRemoved(NodeId node);

  // From now on every callback gets RAFT_CANCELED, and snapshots wait for nothing.
  void Cancel();

  // Calls back what is due; false when there was nothing. Not inside raft_io's send.
  bool Fire();
  bool due() const { return !due_.empty(); }

 private:
  struct Destination {
    uint64_t held_bytes = 0;
    uint64_t outages = 0;
    std::deque<SendRequest*> snapshots;  // Held, in the order sent.
  };

  static void Released(void* argument);
  void Settle(SendRequest* request, int status);

  const std::function<bool(NodeId)> pipelines_;
  absl::flat_hash_map<NodeId, Destination> destinations_;
  std::vector<SendRequest*> due_;
  std::vector<SendRequest*> firing_;
  std::vector<SendRequest*> spare_;
  bool canceled_ = false;
};

}  // namespace hawser::libraft

#endif  // HAWSER_ADAPTERS_LIBRAFT_SEND_REQUESTS_H_
