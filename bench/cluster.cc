#include "bench/cluster.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "bench/clock.h"
#include "bench/host.h"
#include "bench/member.h"

namespace hawser::bench {
namespace {

constexpr int kStartTimeoutMs = 20'000;
constexpr int kStopTimeoutMs = 20'000;

// What is read before and after a phase.
struct Meters {
  int64_t leader_cpu_ns = 0;
  int64_t followers_cpu_ns = 0;
  uint64_t loopback_bytes = 0;
  int64_t host_busy_ns = 0;
  int64_t now_ns = 0;
};

// `processes`: the leader, then the followers.
absl::StatusOr<Meters> ReadMeters(const std::vector<const ChildProcess*>& processes) {
  Meters meters;
  for (size_t i = 0; i < processes.size(); ++i) {
    absl::StatusOr<int64_t> cpu_ns = processes[i]->CpuNs();
    if (!cpu_ns.ok()) return cpu_ns.status();
    (i == 0 ? meters.leader_cpu_ns : meters.followers_cpu_ns) += *cpu_ns;
  }
  absl::StatusOr<uint64_t> bytes = LoopbackBytes();
  if (!bytes.ok()) return bytes.status();
  meters.loopback_bytes = *bytes;
  meters.host_busy_ns = HostBusyNs();
  meters.now_ns = NowNs();
  return meters;
}

ClusterResult Difference(const Meters& before, const Meters& after, const PhaseResult& phase) {
  ClusterResult result;
  result.phase = phase;
  result.leader_cpu_ns = after.leader_cpu_ns - before.leader_cpu_ns;
  result.followers_cpu_ns = after.followers_cpu_ns - before.followers_cpu_ns;
  result.loopback_bytes = after.loopback_bytes - before.loopback_bytes;
  const int64_t foreign_ns =
      after.host_busy_ns - before.host_busy_ns - result.leader_cpu_ns - result.followers_cpu_ns;
  result.foreign_cores = std::max(
      0.0, static_cast<double>(foreign_ns) / static_cast<double>(after.now_ns - before.now_ns));
  return result;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Start(const Workload& workload,
                                                        const CorePlan& plan) {
  std::unique_ptr<Cluster> cluster(new Cluster);
  for (size_t i = 0; i < plan.size(); ++i) {
    const std::string role = i == 0 ? kLeaderRole : absl::StrCat(kFollowerRole, i - 1);
    absl::Status started = cluster->StartMember(role, workload, plan[i]);
    if (!started.ok()) return started;
  }
  if (absl::Status connected = cluster->Connect(); !connected.ok()) return connected;
  return cluster;
}

absl::Status Cluster::StartMember(const std::string& role, const Workload& workload,
                                  const std::vector<int>& cores) {
  absl::StatusOr<std::unique_ptr<ChildProcess>> process = ChildProcess::Start(role, cores);
  if (!process.ok()) return process.status();
  members_.push_back(Member{*std::move(process), {}});
  return members_.back().process->control().Send(Encode(workload));
}

absl::Status Cluster::Connect() {
  std::string ports;
  for (Member& member : members_) {
    absl::StatusOr<std::string> port = Expect(&member, "listening ", kStartTimeoutMs);
    if (!port.ok()) return port.status();
    absl::StrAppend(&ports, " ", *port);
  }
  // The followers first, so that they know the leader when it dials them.
  for (size_t i = 1; i <= members_.size(); ++i) {
    Member& member = members_[i % members_.size()];
    absl::Status sent = member.process->control().Send(absl::StrCat("connect", ports));
    if (!sent.ok()) return sent;
    absl::StatusOr<std::string> ready = Expect(&member, "ready", kStartTimeoutMs);
    if (!ready.ok()) return ready.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<ClusterResult> Cluster::RunPhase(const PhaseGoal& goal, int timeout_ms) {
  std::vector<const ChildProcess*> processes;
  for (const Member& member : members_) processes.push_back(member.process.get());
  absl::StatusOr<Meters> before = ReadMeters(processes);
  if (!before.ok()) return before.status();
  absl::Status sent = leader().process->control().Send(Encode(goal));
  if (!sent.ok()) return sent;
  absl::StatusOr<std::string> line = Expect(&leader(), "", timeout_ms);
  if (!line.ok()) return line.status();
  absl::StatusOr<Meters> after = ReadMeters(processes);
  if (!after.ok()) return after.status();
  absl::StatusOr<PhaseResult> phase = ParsePhaseResult(*line);
  if (!phase.ok()) return phase.status();
  return Difference(*before, *after, *phase);
}

absl::Status Cluster::Stop() {
  // The leader first: it is the one that may take a follower's end for a failure.
  absl::Status status;
  for (Member& member : members_) status.Update(member.process->Stop(kStopTimeoutMs));
  return status;
}

absl::StatusOr<std::string> Cluster::Expect(Member* member, absl::string_view prefix,
                                            int timeout_ms) {
  const int64_t deadline_ns = NowNs() + int64_t{timeout_ms} * 1'000'000;
  while (member->unread.empty()) {
    const int64_t left_ms = (deadline_ns - NowNs()) / 1'000'000;
    if (left_ms <= 0) {
      return absl::DeadlineExceededError(absl::StrCat(
          "no answer from the ", member->process->role(), " within ", timeout_ms, " ms"));
    }
    absl::Status received = ReceiveAny(static_cast<int>(left_ms));
    if (!received.ok()) return received;
  }
  const std::string line = member->unread.front();
  member->unread.pop_front();
  if (!absl::StartsWith(line, prefix)) {
    return absl::InternalError(
        absl::StrCat("the ", member->process->role(), " says '", line, "', not '", prefix, "'"));
  }
  return line.substr(prefix.size());
}

absl::Status Cluster::ReceiveAny(int timeout_ms) {
  std::vector<pollfd> polls;
  for (const Member& member : members_) {
    polls.push_back({member.process->control().fd(), POLLIN, 0});
  }
  if (poll(polls.data(), polls.size(), timeout_ms) < 0 && errno != EINTR) {
    return absl::ErrnoToStatus(errno, "poll");
  }
  for (size_t i = 0; i < members_.size(); ++i) {
    if (polls[i].revents == 0) continue;
    ChildProcess& process = *members_[i].process;
    absl::StatusOr<std::string> line = process.control().Receive();
    if (!line.ok()) {
      return absl::UnavailableError(
          absl::StrCat("the ", process.role(), " ended: ", process.Stop(kStopTimeoutMs).message()));
    }
    if (absl::StartsWith(*line, "error ")) {
      return absl::InternalError(absl::StrCat("the ", process.role(), ": ", line->substr(6)));
    }
    members_[i].unread.push_back(*std::move(line));
  }
  return absl::OkStatus();
}

}  // namespace hawser::bench
