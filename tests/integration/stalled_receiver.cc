#include "tests/integration/stalled_receiver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

#include "tests/support/resident_bytes.h"
#include "tests/support/test_messages.h"
#include "tests/support/wait_until.h"

namespace hawser {
namespace {

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;
// Of appends, in turn; every 500th takes several frames.
constexpr std::array<size_t, 8> kSizes = {64, 64, 1000, 4000, 0, 300, 20000, 64};
constexpr uint64_t kLargeEvery = 500;
constexpr size_t kLargeBytes = 200 * kKiB;
constexpr size_t kSnapshotBytes = 100 * kKiB;
constexpr int64_t kMs = 1000000;
constexpr int64_t kUrgentEveryNs = 10 * kMs;
constexpr int64_t kSnapshotEveryNs = 50 * kMs;
constexpr int64_t kLookEveryNs = 100 * kMs;
const absl::Duration kPatience = absl::Seconds(120);

size_t SizeOf(uint64_t append) {
  return append % kLargeEvery == kLargeEvery - 1 ? kLargeBytes : kSizes[append % kSizes.size()];
}

char LetterOf(uint64_t number) { return static_cast<char>('a' + number % 26); }

int64_t SteadyNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double StallSeconds() {
  const char* const text = std::getenv("HAWSER_STALL_SECONDS");
  return text == nullptr ? 3 : std::max(1.0, std::atof(text));
}

bool IsFull(SendResult result) {
  EXPECT_TRUE(result == SendResult::kAccepted || result == SendResult::kQueueMessages ||
              result == SendResult::kQueueBytes)
      << SendResultName(result);
  return result != SendResult::kAccepted;
}

}  // namespace

void StalledReceiver::Limit(Options* options) const {
  options->urgent_queue_messages_max = 1024;
  options->urgent_queue_bytes_max = kMiB;
  options->append_queue_messages_max = 4096;
  options->append_queue_bytes_max = 8 * kMiB;
  options->bulk_queue_messages_max = 8;
  options->bulk_queue_bytes_max = 2 * kMiB;
  options->message_bytes_max = kMiB;
  options->receive_window_bytes = kMiB;
  options->leased_bytes_max = 4 * kMiB;
  if (how_ == Stall::kDoesNotReturn) options->peer_silent_ms = 600000;
}

void StalledReceiver::Receiving::OnMessage(NodeId from, GroupId group, const MessageView& message,
                                           Lease lease) {
  if (message.type == MessageType::kApp) {
    const absl::string_view data = message.entries[0].data;
    const bool right =
        message.index == appends && data.size() == SizeOf(appends) &&
        (data.empty() || (data.front() == LetterOf(appends) && data.back() == LetterOf(appends)));
    wrong += !right;
    ++appends;
  } else if (message.type == MessageType::kSnap) {
    wrong += message.snapshot->data.size() != kSnapshotBytes;
    ++snapshots;
  } else {
    wrong += message.index != urgent;
    ++urgent;
    // When it was sent stands in its term.
    const int64_t took_ns = SteadyNs() - static_cast<int64_t>(message.term);
    urgent_ns_max = std::max(urgent_ns_max.load(), took_ns);
  }
  std::unique_lock<std::mutex> lock(mu_);
  if (!stalled_) return;
  if (how_ == Stall::kKeepsLeases) {
    if (!lease.empty()) kept_.push_back(std::move(lease));
  } else {
    changed_.wait(lock, [this] { return !stalled_; });
  }
}

void StalledReceiver::Receiving::set_stalled(bool stalled) {
  std::vector<Lease> kept;
  const std::lock_guard<std::mutex> lock(mu_);
  stalled_ = stalled;
  kept.swap(kept_);
  changed_.notify_all();
}

size_t StalledReceiver::Receiving::kept() {
  const std::lock_guard<std::mutex> lock(mu_);
  return kept_.size();
}

bool StalledReceiver::TryAppend(Transport* from) {
  const TestAppend append(appends_, std::string(SizeOf(appends_), LetterOf(appends_)));
  const bool full = IsFull(from->Send(2, 0, append.view()));
  appends_ += !full;
  refused_ += full;
  return !full;
}

void StalledReceiver::Look(Transport* from, Transport* to, bool first_half) {
  const TransportStatus sender = from->Describe();
  // One that does not return says nothing either.
  const TransportStatus receiver = how_ == Stall::kKeepsLeases ? to->Describe() : TransportStatus();
  if (!sender.peers.empty()) {
    const PeerStatus& peer = sender.peers[0];
    EXPECT_TRUE(peer.ledger.Balanced());
    for (int lane = 0; lane < kLaneCount; ++lane) {
      EXPECT_LE(peer.unacknowledged_frame_bytes[lane], kMiB) << lane;
    }
    seen_.queued_messages = std::max(seen_.queued_messages, peer.ledger.queued.messages);
    seen_.queued_bytes = std::max(seen_.queued_bytes, peer.ledger.queued.bytes);
    uint64_t unacknowledged = 0;
    for (const uint64_t bytes : peer.unacknowledged_frame_bytes) unacknowledged += bytes;
    seen_.unacknowledged_bytes = std::max(seen_.unacknowledged_bytes, unacknowledged);
  }
  if (!receiver.peers.empty()) {
    seen_.leased_bytes = std::max(seen_.leased_bytes, receiver.peers[0].leased_bytes);
  }
  seen_.leases = std::max<uint64_t>(seen_.leases, receiving_.kept());
  seen_.resident_bytes = std::max(seen_.resident_bytes, ResidentBytes());
  if (first_half) seen_.resident_bytes_first_half = seen_.resident_bytes;
}

void StalledReceiver::SendForAsLongAsItStalls(Transport* from, Transport* to, double seconds) {
  const std::string content(kSnapshotBytes, 's');
  const int64_t began_ns = SteadyNs();
  const int64_t end_ns = began_ns + static_cast<int64_t>(seconds * 1e9);
  int64_t urgent_ns = began_ns;
  int64_t snapshot_ns = began_ns;
  int64_t look_ns = began_ns;
  for (int64_t now_ns; (now_ns = SteadyNs()) < end_ns;) {
    if (now_ns >= urgent_ns) {
      urgent_ns = now_ns + kUrgentEveryNs;
      MessageView urgent = TestMessage(MessageType::kAppResp, urgent_);
      urgent.term = static_cast<uint64_t>(now_ns);
      urgent_ += !IsFull(from->Send(2, 0, urgent));
    }
    if (now_ns >= snapshot_ns) {
      snapshot_ns = now_ns + kSnapshotEveryNs;
      snapshots_ += !IsFull(from->Send(2, 0, TestSnapshot(content).view()));
    }
    if (now_ns >= look_ns) {
      look_ns = now_ns + kLookEveryNs;
      Look(from, to, now_ns - began_ns < (end_ns - began_ns) / 2);
    }
    if (!TryAppend(from)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void StalledReceiver::ExpectBounds(size_t resident_before) const {
  const uint64_t queue_messages = limits_.urgent_queue_messages_max +
                                  limits_.append_queue_messages_max +
                                  limits_.bulk_queue_messages_max;
  const uint64_t queue_bytes = limits_.urgent_queue_bytes_max + limits_.append_queue_bytes_max +
                               limits_.bulk_queue_bytes_max;
  // What was granted before the limit was reached may be pinned too.
  const uint64_t window_bytes = std::max<uint64_t>(
      limits_.receive_window_bytes, uint64_t{limits_.rdma_receive_slots} * limits_.rdma_slot_bytes);
  const uint64_t leased_bytes = limits_.leased_bytes_max + window_bytes + limits_.message_bytes_max;
  EXPECT_LE(seen_.queued_messages, queue_messages);
  EXPECT_LE(seen_.queued_bytes, queue_bytes);
  EXPECT_LE(seen_.unacknowledged_bytes, limits_.append_unacked_bytes_max +
                                            limits_.bulk_unacked_bytes_max +
                                            limits_.urgent_queue_bytes_max);
  EXPECT_LE(seen_.leased_bytes, leased_bytes);
  if (kFreedIsKept) return;
  // With what holds these bytes, here and in gRPC; and it does not creep.
  EXPECT_LE(seen_.resident_bytes - resident_before, 2 * (queue_bytes + leased_bytes));
  EXPECT_LE(seen_.resident_bytes - seen_.resident_bytes_first_half, 4 * kMiB);
}

bool StalledReceiver::AllArrived() const {
  return receiving_.appends == appends_ && receiving_.urgent == urgent_ &&
         receiving_.snapshots == snapshots_;
}

void StalledReceiver::Run(Transport* from, Transport* to) {
  Limit(&limits_);
  const double seconds = StallSeconds();
  while (appends_ < 2000) {
    if (!TryAppend(from)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(WaitUntil([&] { return AllArrived(); }, kPatience));
  const size_t resident_before = ResidentBytes();
  refused_ = 0;
  receiving_.set_stalled(true);
  SendForAsLongAsItStalls(from, to, seconds);
  EXPECT_GT(refused_, 0u);
  EXPECT_LT(receiving_.appends, appends_);
  if (how_ == Stall::kKeepsLeases) {
    // Still stalled.
    EXPECT_TRUE(WaitUntil([&] { return receiving_.urgent == urgent_; }, kPatience))
        << receiving_.urgent << " of " << urgent_;
  }
  const uint64_t before = receiving_.appends;
  const int64_t urgent_ns_max = receiving_.urgent_ns_max;
  receiving_.set_stalled(false);
  ASSERT_TRUE(WaitUntil([&] { return AllArrived(); }, kPatience))
      << receiving_.appends << " of " << appends_ << ", " << receiving_.urgent << " of " << urgent_
      << ", " << receiving_.snapshots << " of " << snapshots_;
  std::printf(
      "stalled for %.0f s: accepted %ju appends (%ju delivered meanwhile), %ju urgent (at most "
      "%.1f ms), %ju snapshots; %ju appends refused\n",
      seconds, uintmax_t{appends_}, uintmax_t{before}, uintmax_t{urgent_},
      static_cast<double>(urgent_ns_max) / kMs, uintmax_t{snapshots_}, uintmax_t{refused_});
  std::printf(
      "at the most: queued %ju messages, %ju bytes; unacknowledged %ju bytes; %ju leases pin %ju "
      "bytes; resident %zu KiB before, %zu KiB at the most, %zu KiB of it in the first half\n",
      uintmax_t{seen_.queued_messages}, uintmax_t{seen_.queued_bytes},
      uintmax_t{seen_.unacknowledged_bytes}, uintmax_t{seen_.leases}, uintmax_t{seen_.leased_bytes},
      resident_before / kKiB, seen_.resident_bytes / kKiB, seen_.resident_bytes_first_half / kKiB);
  ExpectBounds(resident_before);
  EXPECT_EQ(receiving_.wrong, 0u);
  EXPECT_EQ(sending_.outages, 0u);
  PeerStatus last;
  ASSERT_TRUE(WaitUntil([&] {
    const TransportStatus status = from->Describe();
    if (!status.peers.empty()) last = status.peers[0];
    return last.ledger.acknowledged.messages == appends_ + urgent_ + snapshots_;
  }));
  EXPECT_EQ(last.ledger.accepted.messages, appends_ + urgent_ + snapshots_);
  EXPECT_EQ(last.disconnects, 0u);
}

}  // namespace hawser
