#include "admin/watch_call.h"

#include <utility>

#include "base/monotonic.h"

namespace hawser::admin {

WatchCall::WatchCall(grpc::CallbackServerContext* context, const WatchStreamsRequest* request,
                     StatusPoller* poller, uint32_t stalled_ms)
    : context_(context),
      counters_(request->counters()),
      nodes_(request->nodes().begin(), request->nodes().end()),
      poller_(poller),
      stalled_ns_(int64_t{stalled_ms} * 1000000) {}

void WatchCall::Begin(const std::shared_ptr<WatchCall>& self) {
  self_ = self;
  // The first look may come before this returns.
  if (poller_->Add(self)) return;
  MutexLock lock(&mu_);
  End(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watch already"));
}

bool WatchCall::Wants(const Stream& stream) const {
  return nodes_.empty() || nodes_.count(stream.node()) > 0;
}

void WatchCall::OnSnapshot(const SharedSnapshot& snapshot) {
  MutexLock lock(&mu_);
  if (ended_) return;
  if (!writing_) return Write(*snapshot);
  ++skipped_;
  if (stalled_ || MonotonicNs() - write_began_ns_ < stalled_ns_) return;
  // It ends by OnCancel: a write is on its way, so no status can follow it.
  stalled_ = true;
  context_->TryCancel();
}

void WatchCall::Write(const Snapshot& snapshot) {
  if (snapshot.number <= seen_) return;
  const bool first = seen_ == 0;
  update_.Clear();
  std::set<uint64_t> now;
  for (size_t i = 0; i < snapshot.streams.size(); ++i) {
    const Stream& stream = snapshot.streams[i];
    if (!Wants(stream)) continue;
    now.insert(stream.node());
    const bool unknown = told_.count(stream.node()) == 0;
    if (counters_ || unknown || snapshot.changed[i] > seen_) *update_.add_streams() = stream;
  }
  for (const uint64_t node : told_) {
    if (now.count(node) == 0) update_.add_removed(node);
  }
  told_ = std::move(now);
  seen_ = snapshot.number;
  if (!first && update_.streams().empty() && update_.removed().empty()) return;
  if (first) *update_.mutable_node() = snapshot.node;
  update_.set_number(snapshot.number);
  update_.set_taken_ns(snapshot.taken_ns);
  update_.set_skipped(std::exchange(skipped_, 0));
  writing_ = true;
  write_began_ns_ = MonotonicNs();
  StartWrite(&update_);
}

void WatchCall::OnWriteDone(bool ok) {
  const SharedSnapshot newest = poller_->newest();
  MutexLock lock(&mu_);
  writing_ = false;
  if (ended_) return;
  if (!ok) return End(grpc::Status::CANCELLED);
  if (newest != nullptr) Write(*newest);
}

void WatchCall::OnCancel() {
  MutexLock lock(&mu_);
  End(grpc::Status::CANCELLED);
}

void WatchCall::End(const grpc::Status& status) {
  if (std::exchange(ended_, true)) return;
  Finish(status);
}

void WatchCall::OnDone() {
  poller_->Remove(this);
  // The last thing: it may be the end of this object.
  const std::shared_ptr<WatchCall> self = std::move(self_);
}

}  // namespace hawser::admin
