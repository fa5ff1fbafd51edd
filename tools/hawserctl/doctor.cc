#include "tools/hawserctl/doctor.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "transport/transport.h"

namespace hawser::ctl {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRoundTrips = 200;
constexpr size_t kEntryBytes = 64;
constexpr std::chrono::seconds kPatience{20};
constexpr NodeId kAsker = 1;
constexpr NodeId kAnswerer = 2;

MessageView Message(MessageType type, NodeId from, NodeId to, uint64_t index) {
  MessageView message;
  message.type = type;
  message.from = from;
  message.to = to;
  message.term = message.log_term = 1;
  message.index = index;
  return message;
}

// Answers each append.
class Answerer : public RaftHandler {
 public:
  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease) override {
    transport->Send(from, group,
                    Message(MessageType::kAppResp, kAnswerer, kAsker, message.index + 1));
  }
  void OnUnreachable(NodeId, const LossReport&) override {}

  Transport* transport = nullptr;
};

// Sends the next append when the last one is answered, and keeps how long each took.
class Asker : public RaftHandler {
 public:
  void OnMessage(NodeId, GroupId, const MessageView& message, Lease) override {
    const std::chrono::duration<double, std::micro> took = Clock::now() - sent_;
    std::unique_lock<std::mutex> lock(mu_);
    if (message.index != index_) return;
    times_us_.push_back(took.count());
    if (times_us_.size() < kRoundTrips) return SendNext();
    done_.notify_one();
  }
  void OnUnreachable(NodeId, const LossReport&) override {}

  // Empty: not all were answered in time.
  std::vector<double> Measure() {
    std::unique_lock<std::mutex> lock(mu_);
    times_us_.clear();
    SendNext();
    const bool all =
        done_.wait_for(lock, kPatience, [&] { return times_us_.size() >= kRoundTrips; });
    return all ? times_us_ : std::vector<double>();
  }

  Transport* transport = nullptr;

 private:
  void SendNext() {
    EntryView entry;
    entry.term = 1;
    entry.data = data_;
    MessageView message = Message(MessageType::kApp, kAsker, kAnswerer, index_);
    entry.index = ++index_;
    message.entries = absl::MakeConstSpan(&entry, 1);
    sent_ = Clock::now();
    transport->Send(kAnswerer, 0, message);
  }

  const std::string data_ = std::string(kEntryBytes, 'x');
  std::mutex mu_;
  std::condition_variable done_;
  uint64_t index_ = 0;
  Clock::time_point sent_;
  std::vector<double> times_us_;
};

bool WaitUntil(const std::function<bool()>& done) {
  const auto deadline = Clock::now() + kPatience;
  while (!done()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// The self-test says itself what failed.
class QuietLog {
 public:
  QuietLog() {
    SetLogSink([](absl::string_view) {});
  }
  ~QuietLog() { SetLogSink(nullptr); }
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;
};

// Two nodes in this process.
class Pair {
 public:
  // An error says what is in the way.
  std::string Open(const std::string& host) {
    for (Side* side : {&asker_, &answerer_}) {
      Options options;
      options.node_id = side->id;
      options.cluster_id = "hawserctl-doctor";
      options.listen_address = absl::StrCat(host, ":0");
      options.allow_insecure_network = true;
      // A host that is busy is slow, not gone.
      options.peer_silent_ms = 10000;
      options.hello_timeout_ms = 10000;
      auto transport = Transport::Create(options, side->handler);
      if (!transport.ok()) return std::string(transport.status().message());
      side->transport = *std::move(transport);
    }
    asks_.transport = asker_.transport.get();
    answers_.transport = answerer_.transport.get();
    for (auto [side, other] : {std::make_pair(&asker_, &answerer_), {&answerer_, &asker_}}) {
      absl::Status status =
          side->transport->AddPeer(other->id, {other->transport->listen_address()});
      if (status.ok()) status = side->transport->Start();
      if (!status.ok()) return std::string(status.message());
    }
    return "";
  }

  LinkTimes Measure(LinkKind kind) {
    LinkTimes times;
    for (Side* side : {&asker_, &answerer_}) {
      const NodeId other = side == &asker_ ? kAnswerer : kAsker;
      const absl::Status status = side->transport->PinLink(other, kind);
      if (!status.ok()) {
        // What stands in its way is known in words.
        const std::string text = StatusOf(*side).rdma_text;
        times.failure = text.empty() ? std::string(status.message()) : text;
        return times;
      }
    }
    if (!WaitUntil([&] { return IsOn(asker_, kind) && IsOn(answerer_, kind); })) {
      times.failure = kind == LinkKind::kRdma ? StatusOf(asker_).rdma_text : "no connection";
      return times;
    }
    std::vector<double> all = asks_.Measure();
    if (all.empty()) {
      times.failure = "not all messages were answered";
      return times;
    }
    std::sort(all.begin(), all.end());
    times.measured = true;
    times.least_us = all.front();
    times.median_us = all[all.size() / 2];
    return times;
  }

 private:
  struct Side {
    NodeId id;
    RaftHandler* handler;
    std::unique_ptr<Transport> transport;
  };

  static PeerStatus StatusOf(const Side& side) {
    const TransportStatus status = side.transport->Describe();
    return status.peers.empty() ? PeerStatus() : status.peers[0];
  }
  static bool IsOn(const Side& side, LinkKind kind) {
    const PeerStatus status = StatusOf(side);
    return status.state == PeerState::kUp && status.link == kind;
  }

  Asker asks_;
  Answerer answers_;
  // Before the handlers.
  Side asker_{kAsker, &asks_, nullptr};
  Side answerer_{kAnswerer, &answers_, nullptr};
};

}  // namespace

SelfTest RunSelfTest(const std::string& rdma_address) {
  const QuietLog quiet;
  SelfTest test;
  test.round_trips = kRoundTrips;
  Pair pair;
  test.grpc.failure = pair.Open(rdma_address.empty() ? "127.0.0.1" : rdma_address);
  if (!test.grpc.failure.empty()) {
    if (!rdma_address.empty()) test.rdma.failure = test.grpc.failure;
    return test;
  }
  test.grpc = pair.Measure(LinkKind::kGrpc);
  if (!rdma_address.empty()) test.rdma = pair.Measure(LinkKind::kRdma);
  return test;
}

std::string Doctor(bool json, bool* rdma) {
  const HostFacts facts = GatherFacts();
  Report report = Diagnose(facts);
  const auto v4 = std::find_if(report.addresses.begin(), report.addresses.end(),
                               [](const std::string& text) { return text.find(':') == text.npos; });
  std::string address;
  if (report.rdma) address = v4 != report.addresses.end() ? *v4 : "[" + report.addresses[0] + "]";
  const SelfTest test = RunSelfTest(address);
  AddSelfTest(test, &report);
  *rdma = report.rdma;
  return json ? ReportJson(facts, report, test) : ReportText(report, test);
}

}  // namespace hawser::ctl
