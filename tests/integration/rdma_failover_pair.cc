#include "tests/integration/rdma_failover_pair.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/log.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

constexpr std::chrono::seconds kPatience{120};
// The emulated machine has little time to give.
constexpr std::chrono::milliseconds kLook{5};
constexpr std::chrono::microseconds kPace{4000};
constexpr size_t kEntryBytes = 256;

// Where the log finds the marks of the pair that lives.
std::atomic<FailoverMarks*> watched{nullptr};

void WatchLog(absl::string_view line) {
  std::fprintf(stderr, "%.3f %.*s\n", static_cast<double>(SteadyNs()) / 1e9,
               static_cast<int>(line.size()), line.data());
  FailoverMarks* const marks = watched.load();
  if (marks == nullptr || !absl::StrContains(line, "rdma link closed")) return;
  int64_t none = 0;
  marks->detected_ns.compare_exchange_strong(none, SteadyNs());
}

Options OptionsOf(NodeId node, uint32_t peer_silent_ms) {
  Options options;
  options.node_id = node;
  options.cluster_id = "test";
  options.listen_address = "127.0.0.1:0";
  options.rdma_listen_address = absl::StrCat("10.77.0.", node, ":0");
  options.allow_insecure_network = true;
  options.peer_silent_ms = peer_silent_ms;
  options.rdma_spin_us_max = 0;
  // The next attempt on the mended wire comes soon: many cycles in little time. But not with the
  // loss: to make a queue pair takes the emulated machine 0.1 s and more.
  options.rdma_retry_ms_min = 400;
  options.rdma_retry_ms_max = 400;
  options.rdma_stable_ms = 100;
  // Losses are what is wanted here.
  options.rdma_flap_window_ms = 100;
  return options;
}

}  // namespace

int64_t SteadyNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void RdmaFailoverPair::Sending::OnUnreachable(NodeId node, const LossReport& report) {
  for (const Tally& tally : report.by_reason) told_lost += tally.messages;
}

void RdmaFailoverPair::Receiving::OnMessage(NodeId from, GroupId group, const MessageView& message,
                                            Lease lease) {
  const int64_t now_ns = SteadyNs();
  const int64_t gap_ns = now_ns - marks_->delivered_ns.exchange(now_ns);
  marks_->blackout_ns = std::max(marks_->blackout_ns.load(), gap_ns);
  if (marks_->detected_ns != 0 && marks_->resumed_ns == 0) marks_->resumed_ns = now_ns;
  if (message.index < next_) ++out_of_order;
  if (message.index > next_) missing += message.index - next_;
  next_ = message.index + 1;
  ++delivered;
  transport->Send(from, group, TestMessage(MessageType::kAppResp, message.index));
}

RdmaFailoverPair::RdmaFailoverPair(uint32_t peer_silent_ms) {
  watched = &marks_;
  SetLogSink(&WatchLog);
  receiver_ = *Transport::Create(OptionsOf(2, peer_silent_ms), &receiving_);
  sender_ = *Transport::Create(OptionsOf(1, peer_silent_ms), &sending_);
  receiving_.transport = receiver_.get();
  HAWSER_CHECK(receiver_->AddPeer(1, {}).ok());
  HAWSER_CHECK(sender_->AddPeer(2, {receiver_->listen_address()}).ok());
  HAWSER_CHECK(receiver_->Start().ok());
  HAWSER_CHECK(sender_->Start().ok());
  // Appends that wait too long for the first link would be lost.
  while (status().state != PeerState::kUp) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  load_ = std::thread([this] { Load(); });
}

RdmaFailoverPair::~RdmaFailoverPair() {
  stop_ = true;
  if (load_.joinable()) load_.join();
  sender_->Stop(absl::Seconds(1));
  receiver_->Stop(absl::Seconds(1));
  SetLogSink(nullptr);
  watched = nullptr;
}

void RdmaFailoverPair::Load() {
  const std::string data(kEntryBytes, 'x');
  auto next = std::chrono::steady_clock::now();
  for (uint64_t index = 0; !stop_;) {
    const TestAppend append(index, data);
    if (sender_->Send(2, 0, append.view()) == SendResult::kAccepted) accepted_ = ++index;
    next = std::max(next + kPace, std::chrono::steady_clock::now() - 10 * kPace);
    std::this_thread::sleep_until(next);
  }
}

bool RdmaFailoverPair::Until(const std::function<bool(const PeerStatus&)>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const PeerStatus now = status();
    seen_.insert(absl::StrCat(SelectorStateName(now.selector_state), ": ",
                              LinkReasonText(now.link_reason), " [", LinkKindName(now.link), "]"));
    if (done(now)) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kLook);
  }
}

bool RdmaFailoverPair::Delivers(uint64_t count) {
  const uint64_t wanted = delivered() + count;
  return Until([&](const PeerStatus&) { return delivered() >= wanted; });
}

bool RdmaFailoverPair::Quiesce() {
  stop_ = true;
  load_.join();
  return Until([](const PeerStatus& status) {
    return status.ledger.queued.messages == 0 && status.ledger.in_flight.messages == 0 &&
           status.handed_over.messages == 0;
  });
}

void RdmaFailoverPair::ResetMarks() {
  marks_.detected_ns = 0;
  marks_.resumed_ns = 0;
  marks_.blackout_ns = 0;
}

}  // namespace hawser
