#include "bench/libraft/commit_member.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "adapters/libraft/raft_io.h"
#include "bench/clock.h"
#include "bench/latency_histogram.h"
#include "transport/transport.h"

namespace hawser::bench {
namespace {

constexpr unsigned kLeaderElectionMs = 500;
constexpr unsigned kFollowerElectionMs = 60000;
constexpr int64_t kWarmUpNs = 300'000'000;
constexpr int64_t kPatienceNs = 60'000'000'000;
// Under load: libraft's default, and a snapshot every now and then.
constexpr unsigned kLoadElectionMs = 1000;
constexpr unsigned kLoadSnapshotThreshold = 65536;
constexpr unsigned kLoadSnapshotTrailing = 16384;

// Appends that are done in the loop's next turn. One per process.
class MemoryLog {
 public:
  void Install(raft_io* io, uv_loop_t* loop) {
    uv_idle_init(loop, &idle_);
    idle_.data = this;
    log = this;
    io->append = [](raft_io*, raft_io_append* request, const raft_entry*, unsigned,
                    raft_io_append_cb callback) {
      request->cb = callback;
      log->due_.push_back(request);
      return uv_idle_start(&log->idle_, [](uv_idle_t*) { log->Complete(); });
    };
    io->truncate = [](raft_io*, raft_index) { return 0; };
  }

 private:
  void Complete() {
    uv_idle_stop(&idle_);
    done_.swap(due_);
    for (raft_io_append* request : done_) request->cb(request, 0);
    done_.clear();
  }

  static MemoryLog* log;
  uv_idle_t idle_{};
  std::vector<raft_io_append*> due_;
  std::vector<raft_io_append*> done_;
};

MemoryLog* MemoryLog::log = nullptr;

// Proposes and counts. One per process; its callbacks are libraft's.
class Member {
 public:
  explicit Member(const CommitOptions& options) : options_(options) {}

  absl::Status Open();
  absl::StatusOr<CommitResult> Run();

 private:
  struct Proposal {
    struct raft_apply request;
    Member* member;
    int64_t begun_ns;
  };

  int OpenIo();
  void SetTimes();
  absl::Status WaitToLead();
  bool OnRdma();
  absl::StatusOr<CommitResult> RunPhases();
  CommitResult RunLoad();
  // Keeps `depth` proposals under way until `until_ns`, then waits for them. False: not the leader.
  bool Keep(int depth, int64_t until_ns);
  bool Propose();
  bool Fail() {
    failed_ = true;
    return false;
  }
  static void Committed(struct raft_apply* request, int status, void* result);

  const CommitOptions options_;
  uv_loop_t loop_{};
  uv_timer_t timer_{};
  raft_uv_transport tcp_{};
  raft_io io_{};
  raft raft_{};
  raft_fsm fsm_{};
  MemoryLog log_;
  LatencyHistogram latencies_;
  int under_way_ = 0;
  uint64_t commits_ = 0;
  bool proposing_ = false;
  bool failed_ = false;
};

int Member::OpenIo() {
  if (options_.transport == "tcp") {
    raft_uv_tcp_init(&tcp_, &loop_);
    return raft_uv_init(&io_, &loop_, options_.directory.c_str(), &tcp_);
  }
  libraft::RaftIoOptions options;
  options.transport.cluster_id = "commit-bench";
  if (options_.peer_silent_ms != 0) options.transport.peer_silent_ms = options_.peer_silent_ms;
  if (options_.transport == "rdma") {
    options.transport.rdma_listen_address = options_.rdma_address + ":0";
    options.transport.allow_insecure_network = true;
    if (options_.rdma_spin_us_max >= 0) {
      options.transport.rdma_spin_us_max = static_cast<uint32_t>(options_.rdma_spin_us_max);
    }
  } else {
    options.transport.link_policy = LinkPolicy::kGrpc;
  }
  return libraft::InitRaftIo(&io_, &loop_, options_.directory.c_str(), options);
}

absl::Status Member::Open() {
  // Debian's Abseil looks for lock cycles at every lock: a cost of its build, not of the libraries.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  signal(SIGPIPE, SIG_IGN);
  uv_loop_init(&loop_);
  uv_timer_init(&loop_, &timer_);
  fsm_.version = 1;
  fsm_.apply = [](raft_fsm*, const raft_buffer*, void** result) {
    *result = nullptr;
    return 0;
  };
  fsm_.snapshot = [](raft_fsm*, raft_buffer** buffers, unsigned* count) {
    *buffers = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
    **buffers = {raft_malloc(8), 8};
    std::memset((*buffers)->base, 0, 8);
    *count = 1;
    return 0;
  };
  fsm_.restore = [](raft_fsm*, raft_buffer* buffer) {
    raft_free(buffer->base);
    return 0;
  };
  int status = OpenIo();
  if (status == 0) {
    status =
        raft_init(&raft_, &io_, &fsm_, options_.id, options_.addresses[options_.id - 1].c_str());
  }
  if (status != 0) return absl::InternalError(io_.errmsg);
  if (options_.memory_log) log_.Install(&io_, &loop_);
  SetTimes();
  raft_configuration configuration;
  raft_configuration_init(&configuration);
  for (size_t i = 0; i < options_.addresses.size(); ++i) {
    raft_configuration_add(&configuration, i + 1, options_.addresses[i].c_str(), RAFT_VOTER);
  }
  status = raft_bootstrap(&raft_, &configuration);
  raft_configuration_close(&configuration);
  if (status == 0) status = raft_start(&raft_);
  return status == 0 ? absl::OkStatus() : absl::InternalError(raft_errmsg(&raft_));
}

void Member::SetTimes() {
  const bool load = options_.load_seconds > 0;
  const unsigned follower_ms = load ? kLoadElectionMs : kFollowerElectionMs;
  raft_set_election_timeout(&raft_, options_.id == 1 ? kLeaderElectionMs : follower_ms);
  raft_set_snapshot_threshold(&raft_, load ? kLoadSnapshotThreshold : UINT32_MAX);
  raft_set_snapshot_trailing(&raft_, kLoadSnapshotTrailing);
}

bool Member::Propose() {
  raft_buffer buffer{raft_malloc(options_.entry_bytes), options_.entry_bytes};
  std::memset(buffer.base, 'x', buffer.len);
  auto* const proposal = new Proposal;
  proposal->member = this;
  proposal->begun_ns = NowNs();
  proposal->request.data = proposal;
  if (raft_apply(&raft_, &proposal->request, &buffer, 1, &Member::Committed) != 0) {
    raft_free(buffer.base);
    delete proposal;
    return Fail();
  }
  ++under_way_;
  return true;
}

void Member::Committed(struct raft_apply* request, int status, void*) {
  auto* const proposal = static_cast<Proposal*>(request->data);
  Member* const self = proposal->member;
  if (status != 0) self->failed_ = true;
  --self->under_way_;
  ++self->commits_;
  self->latencies_.Record(NowNs() - proposal->begun_ns);
  delete proposal;
  if (self->proposing_) self->Propose();
}

bool Member::Keep(int depth, int64_t until_ns) {
  proposing_ = true;
  while (under_way_ < depth) {
    if (!Propose()) return false;
  }
  while (!failed_ && NowNs() < until_ns) uv_run(&loop_, UV_RUN_ONCE);
  proposing_ = false;
  while (!failed_ && under_way_ > 0) uv_run(&loop_, UV_RUN_ONCE);
  return !failed_;
}

bool Member::OnRdma() {
  if (options_.transport != "rdma") return true;
  const std::vector<PeerStatus> peers = libraft::TransportOf(&io_)->Describe().peers;
  return std::all_of(peers.begin(), peers.end(),
                     [](const PeerStatus& peer) { return peer.link == LinkKind::kRdma; });
}

absl::Status Member::WaitToLead() {
  const int64_t patience_ns = NowNs() + kPatienceNs;
  while (raft_state(&raft_) != RAFT_LEADER || !OnRdma()) {
    if (NowNs() > patience_ns) return absl::InternalError("it does not lead, or not on RDMA");
    uv_run(&loop_, UV_RUN_ONCE);
  }
  return absl::OkStatus();
}

absl::StatusOr<CommitResult> Member::Run() {
  // The loop wakes to look at the clock.
  uv_timer_start(
      &timer_, [](uv_timer_t*) {}, 10, 10);
  if (options_.id != 1) {
    uv_run(&loop_, UV_RUN_DEFAULT);
    return absl::InternalError("the loop ended");
  }
  if (absl::Status leads = WaitToLead(); !leads.ok()) return leads;
  if (options_.load_seconds > 0) return RunLoad();
  return RunPhases();
}

absl::StatusOr<CommitResult> Member::RunPhases() {
  const raft_term term = raft_.current_term;
  const auto phase_ns = static_cast<int64_t>(options_.seconds * 1e9);
  CommitResult result;
  if (!Keep(1, NowNs() + kWarmUpNs)) return absl::InternalError("it does not lead");
  latencies_.Clear();
  if (!Keep(1, NowNs() + phase_ns)) return absl::InternalError("it leads no more");
  result.p50_us = static_cast<double>(latencies_.PercentileNs(50)) / 1e3;
  result.p99_us = static_cast<double>(latencies_.PercentileNs(99)) / 1e3;
  if (!Keep(options_.depth, NowNs() + kWarmUpNs)) return absl::InternalError("it leads no more");
  commits_ = 0;
  const int64_t begun_ns = NowNs();
  if (!Keep(options_.depth, begun_ns + phase_ns)) return absl::InternalError("it leads no more");
  result.commits_per_second =
      static_cast<double>(commits_) * 1e9 / static_cast<double>(NowNs() - begun_ns);
  result.elections = static_cast<int>(raft_.current_term - term);
  if (!OnRdma()) return absl::InternalError("a stream left RDMA");
  return result;
}

CommitResult Member::RunLoad() {
  const raft_term term = raft_.current_term;
  const int64_t begun_ns = NowNs();
  const bool led =
      Keep(options_.depth, begun_ns + static_cast<int64_t>(options_.load_seconds * 1e9));
  CommitResult result;
  result.p50_us = static_cast<double>(latencies_.PercentileNs(50)) / 1e3;
  result.p99_us = static_cast<double>(latencies_.PercentileNs(99)) / 1e3;
  result.commits_per_second =
      static_cast<double>(commits_) * 1e9 / static_cast<double>(NowNs() - begun_ns);
  result.elections = std::max(static_cast<int>(raft_.current_term - term), led ? 0 : 1);
  return result;
}

}  // namespace

absl::StatusOr<CommitResult> RunCommitMember(const CommitOptions& options) {
  // Never destroyed: its process ends with it, and libuv's handles are open.
  static auto* const member = new Member(options);
  if (absl::Status status = member->Open(); !status.ok()) return status;
  return member->Run();
}

}  // namespace hawser::bench
