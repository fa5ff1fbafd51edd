#include "bench/replica_leader.h"

#include <algorithm>
#include <cstddef>
#include <functional>

#include "base/check.h"

namespace hawser::bench {
namespace {

size_t PowerOfTwoAtLeast(uint64_t n) {
  size_t power = 1;
  while (power < n) power *= 2;
  return power;
}

}  // namespace

ReplicaLeader::ReplicaLeader(const Workload& workload)
    : followers_(workload.followers),
      depth_(static_cast<uint64_t>(workload.depth)),
      entries_per_message_(static_cast<uint64_t>(workload.entries_per_message)),
      ack_every_(static_cast<uint64_t>(workload.effective_ack_every())),
      max_lag_(depth_ + kMaxLagMessages * entries_per_message_),
      start_ns_(PowerOfTwoAtLeast(depth_ + 1), 0),
      start_mask_(start_ns_.size() - 1) {
  HAWSER_CHECK(followers_ >= 1 && followers_ <= kMaxFollowers);
  HAWSER_CHECK(entries_per_message_ >= 1 && entries_per_message_ <= depth_);
  next_index_.fill(1);
  match_index_.fill(0);
}

void ReplicaLeader::BeginPhase(const PhaseGoal& goal, int64_t now_ns) {
  HAWSER_CHECK(Idle());
  HAWSER_CHECK((goal.entries > 0) != (goal.duration_ns > 0));
  goal_ = goal;
  appending_ = true;
  first_of_phase_ = last_index_ + 1;
  begin_ns_ = now_ns;
  end_ns_ = now_ns;
  latencies_.Clear();
  AppendWhatFits(now_ns);
}

bool ReplicaLeader::NextMessage(int follower, AppendRange* range) {
  if (!HasMessage(follower)) return false;
  range->first_index = next_index_[follower];
  range->commit = committed_;
  next_index_[follower] += entries_per_message_;
  return true;
}

bool ReplicaLeader::OnAppResp(int follower, uint64_t index, int64_t now_ns) {
  if (index >= next_index_[follower]) return false;
  match_index_[follower] = std::max(match_index_[follower], index);
  Commit(now_ns);
  AppendWhatFits(now_ns);
  return true;
}

void ReplicaLeader::Commit(int64_t now_ns) {
  const uint64_t majority_index = MajorityIndex();
  while (committed_ < majority_index) {
    ++committed_;
    if (appending_ && committed_ >= first_of_phase_) {
      latencies_.Record(now_ns - StartOf(committed_));
      if (latencies_.count() == goal_.entries) appending_ = false;
      end_ns_ = now_ns;
    }
  }
  if (appending_ && goal_.entries == 0 && now_ns - begin_ns_ >= goal_.duration_ns) {
    appending_ = false;
    end_ns_ = now_ns;
  }
}

void ReplicaLeader::AppendWhatFits(int64_t now_ns) {
  if (!appending_) return;
  const uint64_t slowest =
      *std::min_element(match_index_.begin(), match_index_.begin() + followers_);
  const uint64_t limit = std::min(committed_ + depth_, slowest + max_lag_);
  while (last_index_ + entries_per_message_ <= limit) {
    for (uint64_t i = 0; i < entries_per_message_; ++i) StartOf(++last_index_) = now_ns;
  }
}

uint64_t ReplicaLeader::MajorityIndex() const {
  std::array<uint64_t, kMaxFollowers> sorted = match_index_;
  // Of followers + 1 members a majority is (followers + 1) / 2 followers and the leader.
  const auto needed = sorted.begin() + (followers_ + 1) / 2 - 1;
  std::nth_element(sorted.begin(), needed, sorted.begin() + followers_, std::greater<uint64_t>());
  return *needed;
}

bool ReplicaLeader::Idle() const {
  if (appending_) return false;
  const uint64_t messages = last_index_ / entries_per_message_;
  const uint64_t answered = messages / ack_every_ * ack_every_ * entries_per_message_;
  for (int follower = 0; follower < followers_; ++follower) {
    if (HasMessage(follower) || match_index_[follower] < answered) return false;
  }
  return true;
}

PhaseResult ReplicaLeader::Result() const {
  PhaseResult result;
  result.committed = latencies_.count();
  result.appended = last_index_ + 1 - first_of_phase_;
  result.duration_ns = end_ns_ - begin_ns_;
  result.p50_ns = latencies_.PercentileNs(50);
  result.p90_ns = latencies_.PercentileNs(90);
  result.p99_ns = latencies_.PercentileNs(99);
  result.p999_ns = latencies_.PercentileNs(99.9);
  result.max_ns = latencies_.max_ns();
  return result;
}

}  // namespace hawser::bench
