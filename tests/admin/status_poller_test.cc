// One look an interval for all who ask; slow or gone watchers and a stop disturb nobody.

#include "admin/status_poller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace hawser::admin {
namespace {

constexpr uint32_t kIntervalMs = 20;

// Waits for what the poller's thread does.
class Latch {
 public:
  void Set(const SharedSnapshot& snapshot) {
    const std::lock_guard<std::mutex> lock(mu_);
    snapshot_ = snapshot;
    ++count_;
    changed_.notify_all();
  }
  bool Await(int count) {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return count_ >= count; });
  }
  int count() {
    const std::lock_guard<std::mutex> lock(mu_);
    return count_;
  }
  SharedSnapshot snapshot() {
    const std::lock_guard<std::mutex> lock(mu_);
    return snapshot_;
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  int count_ = 0;
  SharedSnapshot snapshot_;
};

class Watching : public StatusPoller::Watcher {
 public:
  void OnSnapshot(const SharedSnapshot& snapshot) override { latch.Set(snapshot); }
  Latch latch;
};

// Two peers; node 1's epoch and node 2's counter rise with each look.
TransportStatus Look() {
  static std::atomic<uint32_t> looks{0};
  TransportStatus status;
  status.node = 9;
  status.peers.resize(2);
  status.peers[0].node = 1;
  status.peers[0].send_epoch = ++looks;
  status.peers[1].node = 2;
  status.peers[1].frames_sent = looks;
  return status;
}

TEST(StatusPollerTest, NobodyAsksNobodyLooks) {
  StatusPoller poller(Look, {kIntervalMs, 1, 1});
  EXPECT_EQ(poller.looks(), 0u);
  EXPECT_EQ(poller.newest(), nullptr);
}

TEST(StatusPollerTest, AFreshLookIsGivenToAll) {
  StatusPoller poller(Look, {60000, 1, 100});
  Latch latch;
  for (int i = 1; i <= 50; ++i) {
    ASSERT_TRUE(poller.Get([&](const SharedSnapshot& snapshot) { latch.Set(snapshot); }));
    ASSERT_TRUE(latch.Await(i));
  }
  EXPECT_EQ(poller.looks(), 1u);
  EXPECT_EQ(latch.snapshot()->node.node(), 9u);
  EXPECT_EQ(latch.snapshot()->streams.size(), 2u);
}

TEST(StatusPollerTest, AllWatchersShareOneLook) {
  StatusPoller poller(Look, {kIntervalMs, 200, 1});
  std::vector<std::shared_ptr<Watching>> watchers;
  for (int i = 0; i < 200; ++i) {
    watchers.push_back(std::make_shared<Watching>());
    ASSERT_TRUE(poller.Add(watchers.back()));
  }
  for (const auto& watcher : watchers) ASSERT_TRUE(watcher->latch.Await(3));
  int most = 0;
  for (const auto& watcher : watchers) {
    poller.Remove(watcher.get());
    most = std::max(most, watcher->latch.count());
  }
  EXPECT_LE(most, static_cast<int>(poller.looks()) + 1);
}

TEST(StatusPollerTest, WhatChangedIsTold) {
  StatusPoller poller(Look, {kIntervalMs, 1, 1});
  const auto watcher = std::make_shared<Watching>();
  ASSERT_TRUE(poller.Add(watcher));
  ASSERT_TRUE(watcher->latch.Await(3));
  const SharedSnapshot snapshot = watcher->latch.snapshot();
  EXPECT_EQ(snapshot->changed[0], snapshot->number);
  EXPECT_EQ(snapshot->changed[1], 1u);
  poller.Remove(watcher.get());
}

TEST(StatusPollerTest, TooManyWatchOrWait) {
  std::mutex closed;
  closed.lock();
  StatusPoller poller(
      [&] {
        const std::lock_guard<std::mutex> lock(closed);
        return Look();
      },
      {kIntervalMs, 1, 2});
  EXPECT_TRUE(poller.Add(std::make_shared<Watching>()));
  EXPECT_FALSE(poller.Add(std::make_shared<Watching>()));
  Latch latch;
  // The first look does not end: who waits, waits.
  int taken = 0;
  for (int i = 0; i < 5; ++i) {
    taken += poller.Get([&](const SharedSnapshot& snapshot) { latch.Set(snapshot); });
  }
  EXPECT_EQ(taken, 2);
  closed.unlock();
  EXPECT_TRUE(latch.Await(2));
}

TEST(StatusPollerTest, AStopEndsAllWaiting) {
  std::atomic<bool> looking{false};
  std::mutex closed;
  closed.lock();
  Latch latch;
  StatusPoller poller(
      [&] {
        looking = true;
        const std::lock_guard<std::mutex> lock(closed);
        return Look();
      },
      {kIntervalMs, 1, 8});
  const auto done = [&](const SharedSnapshot& snapshot) { latch.Set(snapshot); };
  ASSERT_TRUE(poller.Get(done));
  while (!looking) {
  }
  closed.unlock();
  ASSERT_TRUE(latch.Await(1));
  poller.Stop();
  // After it, who asks is told so at once.
  ASSERT_TRUE(poller.Get(done));
  ASSERT_TRUE(latch.Await(2));
  EXPECT_EQ(latch.snapshot(), nullptr);
}

}  // namespace
}  // namespace hawser::admin
