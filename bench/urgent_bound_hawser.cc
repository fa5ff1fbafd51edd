#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "bench/clock.h"
#include "bench/latency_histogram.h"
#include "bench/urgent_bound.h"
#include "transport/transport.h"

namespace hawser::bench {
namespace {

constexpr NodeId kMeasuring = 1;
constexpr NodeId kAnswering = 2;

Options OptionsOf(NodeId node, const std::string& host) {
  Options options;
  options.node_id = node;
  options.cluster_id = "bench";
  options.listen_address = absl::StrCat(host, ":", kUrgentBoundPort);
  options.allow_insecure_network = true;
  return options;
}

std::string AddressOf(const std::string& host) { return absl::StrCat(host, ":", kUrgentBoundPort); }

// The end that answers heartbeats.
class Answerer : public RaftHandler {
 public:
  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) override {
    if (message.type != MessageType::kHeartbeat) return;
    MessageView answer;
    answer.type = MessageType::kHeartbeatResp;
    answer.term = 1;
    answer.context = message.context;
    transport->Send(from, group, answer);
  }
  void OnUnreachable(NodeId, const LossReport&) override {}

  Transport* transport = nullptr;
};

// The end that asks.
class Measurer : public RaftHandler {
 public:
  void OnMessage(NodeId, GroupId, const MessageView& message, Lease) override {
    if (message.type != MessageType::kHeartbeatResp) return;
    int64_t sent_ns;
    HAWSER_CHECK(message.context.size() == sizeof(sent_ns));
    std::memcpy(&sent_ns, message.context.data(), sizeof(sent_ns));
    if (measuring.load()) round_trips.Record(NowNs() - sent_ns);
  }
  void OnUnreachable(NodeId, const LossReport&) override {}
  void OnPeerChange(NodeId, bool is_up, LinkKind, CloseReason) override { up.store(is_up); }

  std::atomic<bool> up{false};
  std::atomic<bool> measuring{false};
  LatencyHistogram round_trips;  // the loop thread's, until it has stopped
};

void NothingToRelease(void*) {}

// Messages of one load, sent until the queue is full.
class LoadSender {
 public:
  LoadSender(Load load, Transport* transport) : load_(load), transport_(transport) {
    bytes_.assign(load == Load::kBulk ? kBulkMessageBytes : kAppendMessageBytes, 'x');
    message_.term = 1;
    message_.log_term = 1;
    if (load == Load::kBulk) {
      message_.type = MessageType::kSnap;
      snapshot_.data = bytes_;
      message_.snapshot = &snapshot_;
    } else {
      message_.type = MessageType::kApp;
      entry_.term = 1;
      entry_.data = bytes_;
      message_.entries = absl::MakeConstSpan(&entry_, 1);
    }
  }

  void Fill() {
    if (load_ == Load::kNone) return;
    while (true) {
      message_.commit = message_.index;
      entry_.index = message_.index + 1;
      const Hold hold = {&NothingToRelease, nullptr};
      if (transport_->Send(kAnswering, 0, message_, hold) != SendResult::kAccepted) return;
      if (load_ == Load::kAppends) ++message_.index;
    }
  }

 private:
  const Load load_;
  Transport* const transport_;
  std::string bytes_;
  EntryView entry_;
  SnapshotView snapshot_;
  MessageView message_;
};

}  // namespace

void AnswerWithHawser(const UrgentBoundCase& c) {
  Answerer raft;
  auto transport = Transport::Create(OptionsOf(kAnswering, c.there), &raft);
  HAWSER_CHECK(transport.ok());
  raft.transport = transport->get();
  HAWSER_CHECK((*transport)->AddPeer(kMeasuring, {AddressOf(c.here)}).ok());
  HAWSER_CHECK((*transport)->Start().ok());
  while (true) pause();
}

UrgentBoundResult MeasureHawser(const UrgentBoundCase& c) {
  Measurer raft;
  auto transport = Transport::Create(OptionsOf(kMeasuring, c.here), &raft);
  HAWSER_CHECK(transport.ok());
  HAWSER_CHECK((*transport)->AddPeer(kAnswering, {AddressOf(c.there)}).ok());
  HAWSER_CHECK((*transport)->Start().ok());
  while (!raft.up.load()) usleep(1000);
  LoadSender load(c.load, transport->get());
  MessageView heartbeat;
  heartbeat.type = MessageType::kHeartbeat;
  heartbeat.term = 1;
  const int64_t start_ns = NowNs();
  const int64_t warm_ns = start_ns + c.duration_ns / 5;
  uint64_t load_before = 0;
  const auto acknowledged = [&] {
    return (*transport)->Describe().peers[0].ledger.acknowledged.bytes;
  };
  for (int64_t next_ns = start_ns; NowNs() < start_ns + c.duration_ns;) {
    load.Fill();
    const int64_t now_ns = NowNs();
    if (now_ns < next_ns) {
      usleep(static_cast<useconds_t>((next_ns - now_ns) / 1000 + 1));
      continue;
    }
    next_ns = now_ns + kHeartbeatEveryNs;
    if (!raft.measuring.load() && now_ns >= warm_ns) {
      load_before = acknowledged();
      raft.measuring.store(true);
    }
    const int64_t sent_ns = NowNs();
    heartbeat.context = {reinterpret_cast<const char*>(&sent_ns), sizeof(sent_ns)};
    (*transport)->Send(kAnswering, 0, heartbeat);
  }
  raft.measuring.store(false);
  UrgentBoundResult result;
  result.load_bytes = acknowledged() - load_before;
  (*transport)->Stop(absl::ZeroDuration());
  result.heartbeats = raft.round_trips.count();
  result.p50_ns = raft.round_trips.PercentileNs(50);
  result.p99_ns = raft.round_trips.PercentileNs(99);
  result.max_ns = raft.round_trips.max_ns();
  return result;
}

}  // namespace hawser::bench
