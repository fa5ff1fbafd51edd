// Two hundred watchers, half of whom read nothing: memory has a bound, and the transport is looked
// at as often as for one.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/admin_pair.h"

namespace hawser {
namespace {

constexpr int kWatchers = 200;
constexpr uint32_t kIntervalMs = 20;

int64_t ResidentKib() {
  std::ifstream file("/proc/self/status");
  int64_t kib = 0;
  for (std::string word; file >> word;) {
    if (word == "RssAnon:") file >> kib;
  }
  return kib;
}

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// One who watches all counters, on a connection of its own; reads when it is told to.
class Watcher {
 public:
  explicit Watcher(const AdminPair& pair) : stub_(pair.Stub()), context_(AdminPair::Context()) {
    admin::WatchStreamsRequest request;
    request.set_counters(true);
    reader_ = stub_->WatchStreams(context_.get(), request);
  }
  ~Watcher() {
    context_->TryCancel();
    reader_->Finish();
  }
  bool Read() { return reader_->Read(&update_); }
  const admin::StreamsUpdate& update() const { return update_; }
  void Cancel() { context_->TryCancel(); }
  grpc::Status Finish() { return reader_->Finish(); }

 private:
  std::unique_ptr<admin::Admin::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<admin::StreamsUpdate>> reader_;
  admin::StreamsUpdate update_;
};

TEST(AdminWatchersTest, TwoHundredOfWhomHalfAreSlow) {
  admin::AdminOptions options;
  options.interval_ms = kIntervalMs;
  options.watchers_max = kWatchers;
  AdminPair pair(options);
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < kWatchers; ++i) {
    watchers.push_back(std::make_unique<Watcher>(pair));
    ASSERT_TRUE(watchers.back()->Read());
  }
  // One more finds no place.
  Watcher late(pair);
  EXPECT_FALSE(late.Read());

  const int64_t resident_kib = ResidentKib();
  const int64_t began_ms = NowMs();
  const uint64_t looks_before = pair.admin->looks();
  // The even ones read on.
  uint64_t updates = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < kWatchers; i += 2) {
      ASSERT_TRUE(watchers[i]->Read());
      ++updates;
    }
    ASSERT_TRUE(pair.Delivers(50));
  }
  const int64_t took_ms = NowMs() - began_ms;
  const uint64_t looks = pair.admin->looks() - looks_before;
  const int64_t grown_kib = ResidentKib() - resident_kib;
  std::printf("%d watchers: %llu updates read in %lld ms, %llu looks, memory grew by %lld KiB\n",
              kWatchers, static_cast<unsigned long long>(updates), static_cast<long long>(took_ms),
              static_cast<unsigned long long>(looks), static_cast<long long>(grown_kib));
  // What all of them cost the transport: one look an interval.
  EXPECT_LE(looks, static_cast<uint64_t>(took_ms) / kIntervalMs + 2);
  EXPECT_LT(grown_kib, 64 * 1024);
  const PeerStatus status = pair.a->Describe().peers[0];
  EXPECT_TRUE(status.ledger.Balanced());
  EXPECT_EQ(status.ledger.lost_total().messages, 0u);
}

// It misses what was in between, and is told how much.
TEST(AdminWatchersTest, ASlowOneGetsTheNewest) {
  admin::AdminOptions options;
  options.interval_ms = 10;
  AdminPair pair(options);
  // Streams whose updates fill a connection's window soon.
  for (NodeId node = 10; node < 110; ++node) ASSERT_TRUE(pair.a->AddPeer(node, {}).ok());
  Watcher slow(pair);
  ASSERT_TRUE(slow.Read());
  const uint64_t first = slow.update().number();
  while (pair.admin->looks() < first + 100) std::this_thread::yield();
  uint64_t skipped = 0;
  uint64_t last = first;
  uint64_t reads = 0;
  while (skipped == 0) {
    ASSERT_TRUE(slow.Read());
    ASSERT_GT(slow.update().number(), last);
    last = slow.update().number();
    skipped += slow.update().skipped();
    ++reads;
  }
  EXPECT_LT(reads, last - first);
}

TEST(AdminWatchersTest, OneThatReadsNothingLosesItsPlace) {
  admin::AdminOptions options;
  options.interval_ms = 10;
  options.watchers_max = 1;
  options.watcher_stalled_ms = 300;
  AdminPair pair(options);
  for (NodeId node = 10; node < 110; ++node) ASSERT_TRUE(pair.a->AddPeer(node, {}).ok());
  Watcher stalled(pair);
  ASSERT_TRUE(stalled.Read());
  // Its place is another's, sooner or later.
  const int64_t deadline_ms = NowMs() + 60000;
  bool taken = false;
  while (!taken && NowMs() < deadline_ms) {
    Watcher next(pair);
    taken = next.Read();
  }
  EXPECT_TRUE(taken);
}

}  // namespace
}  // namespace hawser
