#ifndef HAWSER_ADMIN_WATCH_CALL_H_
#define HAWSER_ADMIN_WATCH_CALL_H_

// One caller of WatchStreams.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <set>

#include "admin/admin.grpc.pb.h"
#include "admin/status_poller.h"
#include "base/mutex.h"

namespace hawser::admin {

// Writes what changed since the last write, one update at a time: while one is on its way the looks
// that come are skipped, and the newest is taken after it. So a slow caller holds one update.
//
// Made by AdminService for each call; it keeps itself until gRPC is done with it.
// Threads: the poller's and gRPC's.
class WatchCall : public grpc::ServerWriteReactor<StreamsUpdate>,
                  public StatusPoller::Watcher,
                  public std::enable_shared_from_this<WatchCall> {
 public:
  // Everything must outlive the call.
  WatchCall(grpc::CallbackServerContext* context, const WatchStreamsRequest* request,
            StatusPoller* poller, uint32_t stalled_ms);

  // Begins; ends at once when too many watch. `self` is this call.
  void Begin(const std::shared_ptr<WatchCall>& self);

  // StatusPoller::Watcher.
  void OnSnapshot(const SharedSnapshot& snapshot) override;

 private:
  // grpc::ServerWriteReactor.
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void Write(const Snapshot& snapshot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Once.
  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Wants(const Stream& stream) const;

  grpc::CallbackServerContext* const context_;
  const bool counters_;
  const std::set<uint64_t> nodes_;  // Empty: all.
  StatusPoller* const poller_;
  const int64_t stalled_ns_;
  std::shared_ptr<WatchCall> self_;  // until OnDone

  Mutex mu_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool stalled_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  int64_t write_began_ns_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t seen_ ABSL_GUARDED_BY(mu_) = 0;  // The number of the last look that was considered.
  uint64_t skipped_ ABSL_GUARDED_BY(mu_) = 0;
  std::set<uint64_t> told_ ABSL_GUARDED_BY(mu_);  // Streams that the caller knows of.
  StreamsUpdate update_;                          // what is being written
};

}  // namespace hawser::admin

#endif  // HAWSER_ADMIN_WATCH_CALL_H_
