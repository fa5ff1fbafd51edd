#include "adapters/libraft/send_requests.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace hawser::libraft {

SendRequests::~SendRequests() {
  HAWSER_CHECK(due_.empty());
  for (SendRequest* request : spare_) delete request;
}

SendRequest* SendRequests::Open(raft_io_send* request, raft_io_send_cb callback, NodeId node) {
  SendRequest* made = nullptr;
  if (spare_.empty()) {
    made = new SendRequest;
  } else {
    made = spare_.back();
    spare_.pop_back();
    *made = SendRequest();
  }
  request->cb = callback;
  made->owner = this;
  made->request = callback == nullptr ? nullptr : request;
  made->node = node;
  made->outage = destinations_[node].outages;
  return made;
}

void SendRequests::Finish(SendRequest* request, int status) {
  request->status = status;
  due_.push_back(request);
}

void SendRequests::Held(SendRequest* request) {
  Destination& destination = destinations_[request->node];
  destination.held_bytes += request->held_bytes;
  if (request->snapshot) destination.snapshots.push_back(request);
}

void SendRequests::Released(void* argument) {
  auto* request = static_cast<SendRequest*>(argument);
  SendRequests* const self = request->owner;
  self->destinations_[request->node].held_bytes -= request->held_bytes;
  request->released = true;
  if (!request->snapshot || request->settled) self->due_.push_back(request);
}

uint64_t SendRequests::held_bytes(NodeId node) const {
  const auto found = destinations_.find(node);
  return found == destinations_.end() ? 0 : found->second.held_bytes;
}

bool SendRequests::SnapshotUnderWay(NodeId node, raft_index index) const {
  const auto found = destinations_.find(node);
  if (found == destinations_.end()) return false;
  const std::deque<SendRequest*>& snapshots = found->second.snapshots;
  return std::any_of(snapshots.begin(), snapshots.end(), [&](const SendRequest* snapshot) {
    return snapshot->snapshot_index == index;
  });
}

bool SendRequests::SnapshotsUnderWay(NodeId node) const {
  const auto found = destinations_.find(node);
  return found != destinations_.end() && !found->second.snapshots.empty();
}

void SendRequests::Settle(SendRequest* request, int status) {
  request->settled = true;
  request->status = status;
  if (request->released) due_.push_back(request);
}

void SendRequests::OnSnapshotArrived(NodeId node) {
  std::deque<SendRequest*>& snapshots = destinations_[node].snapshots;
  if (snapshots.empty()) return;
  Settle(snapshots.front(), 0);
  snapshots.pop_front();
}

void SendRequests::OnOutage(NodeId node, bool snapshots_lost) {
  Destination& destination = destinations_[node];
  ++destination.outages;
  if (!snapshots_lost) return;
  // Those that are not released yet are still queued.
  while (!destination.snapshots.empty() && destination.snapshots.front()->released) {
    Settle(destination.snapshots.front(), RAFT_NOCONNECTION);
    destination.snapshots.pop_front();
  }
}

void SendRequests::OnRemoved(NodeId node) {
  Destination& destination = destinations_[node];
  ++destination.outages;
  for (SendRequest* snapshot : std::exchange(destination.snapshots, {})) {
    Settle(snapshot, RAFT_NOCONNECTION);
  }
}

void SendRequests::Cancel() {
  canceled_ = true;
  for (const auto& [node, destination] : destinations_) OnRemoved(node);
}

bool SendRequests::Fire() {
  if (due_.empty()) return false;
  // What the callbacks make due waits for the next call.
  firing_.swap(due_);
  for (SendRequest* request : firing_) {
    int status = request->status;
    if (request->outage != destinations_[request->node].outages && !request->settled) {
      status = RAFT_NOCONNECTION;
    }
    if (status != 0 && request->append && !pipelines_(request->node)) status = 0;
    if (canceled_) status = RAFT_CANCELED;
    raft_io_send* const done = request->request;
    request->parts.reset();
    spare_.push_back(request);
    if (done != nullptr) done->cb(done, status);
  }
  firing_.clear();
  return true;
}

}  // namespace hawser::libraft
