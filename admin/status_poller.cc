#include "admin/status_poller.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "admin/stream_proto.h"
#include "base/monotonic.h"

namespace hawser::admin {

StatusPoller::StatusPoller(Source source, const Limits& limits)
    : source_(std::move(source)), limits_(limits), thread_([this] { Run(); }) {}

StatusPoller::~StatusPoller() { Stop(); }

bool StatusPoller::Get(Done done) {
  SharedSnapshot snapshot;
  {
    MutexLock lock(&mu_);
    const int64_t fresh_ns = MonotonicNs() - int64_t{limits_.interval_ms} * 1000000;
    const bool fresh = newest_ != nullptr && newest_->taken_ns >= fresh_ns;
    if (!stopped_ && !fresh) {
      if (waiting_.size() >= limits_.waiting_max) return false;
      waiting_.push_back(std::move(done));
      wanted_.NotifyAll();
      return true;
    }
    if (!stopped_) snapshot = newest_;
  }
  done(snapshot);
  return true;
}

bool StatusPoller::Add(std::shared_ptr<Watcher> watcher) {
  MutexLock lock(&mu_);
  if (watchers_.size() >= limits_.watchers_max) return false;
  watchers_.push_back(std::move(watcher));
  wanted_.NotifyAll();
  return true;
}

void StatusPoller::Remove(const Watcher* watcher) {
  MutexLock lock(&mu_);
  watchers_.erase(std::remove_if(watchers_.begin(), watchers_.end(),
                                 [&](const auto& each) { return each.get() == watcher; }),
                  watchers_.end());
}

SharedSnapshot StatusPoller::newest() const {
  MutexLock lock(&mu_);
  return newest_;
}

uint64_t StatusPoller::looks() const {
  MutexLock lock(&mu_);
  return newest_ == nullptr ? 0 : newest_->number;
}

void StatusPoller::Stop() {
  {
    MutexLock lock(&mu_);
    stopped_ = true;
    wanted_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool StatusPoller::AwaitDue() {
  MutexLock lock(&mu_);
  while (!stopped_) {
    if (waiting_.empty() && watchers_.empty()) {
      wanted_.Wait(&mu_);
      continue;
    }
    if (newest_ == nullptr) return true;
    const int64_t due_ns = newest_->taken_ns + int64_t{limits_.interval_ms} * 1000000;
    const int64_t now_ns = MonotonicNs();
    if (now_ns >= due_ns) return true;
    wanted_.WaitFor(&mu_, std::chrono::nanoseconds(due_ns - now_ns));
  }
  return false;
}

SharedSnapshot StatusPoller::Look(const SharedSnapshot& before) {
  const TransportStatus status = source_();
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->number = before == nullptr ? 1 : before->number + 1;
  snapshot->taken_ns = MonotonicNs();
  FillNode(status, &snapshot->node);
  std::vector<std::string> keys;
  for (const PeerStatus& peer : status.peers) {
    snapshot->streams.emplace_back();
    FillStream(peer, &snapshot->streams.back());
    keys.push_back(StateKey(peer));
    // Keys begin with the node and are in its order, as the streams are.
    const auto old = std::find(keys_.begin(), keys_.end(), keys.back());
    snapshot->changed.push_back(old == keys_.end() ? snapshot->number
                                                   : before->changed[old - keys_.begin()]);
  }
  keys_ = std::move(keys);
  return snapshot;
}

void StatusPoller::Run() {
  while (AwaitDue()) {
    const SharedSnapshot snapshot = Look(newest());
    std::vector<Done> waiting;
    std::vector<std::shared_ptr<Watcher>> watchers;
    {
      MutexLock lock(&mu_);
      newest_ = snapshot;
      waiting.swap(waiting_);
      watchers = watchers_;
    }
    for (const Done& done : waiting) done(snapshot);
    for (const auto& watcher : watchers) watcher->OnSnapshot(snapshot);
  }
  std::vector<Done> waiting;
  {
    MutexLock lock(&mu_);
    waiting.swap(waiting_);
  }
  for (const Done& done : waiting) done(nullptr);
}

}  // namespace hawser::admin
