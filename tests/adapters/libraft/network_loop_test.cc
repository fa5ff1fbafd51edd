// What wakes a loop that sleeps. In all of these, a wake-up that is lost is made up for at the next
// timer of the transport's or libraft's, 10 ms and more later: with so many of them, not before the
// guard has run out.

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/adapters/libraft/raft_node.h"

namespace hawser::libraft {
namespace {

constexpr int kTimes = 1000;
constexpr uint64_t kGuardMs = 20000;

// A loop with a guard, and servers on it.
class NetworkLoopTest : public testing::Test {
 protected:
  void SetUp() override {
    settings_.io.transport.cluster_id = "loops";
    uv_timer_init(loop_.get(), &guard_);
    guard_.data = this;
    uv_timer_start(&guard_, &NetworkLoopTest::OnGuard, kGuardMs, 0);
  }
  void TearDown() override {
    for (const auto& node : nodes_) node->Stop();
    for (uv_handle_t* handle : handles_) uv_close(handle, nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&guard_), nullptr);
  }

  void AddServers(int count) {
    for (int i = 1; i <= count; ++i) {
      nodes_.push_back(std::make_unique<RaftNode>(&loop_, i, settings_));
    }
    std::vector<RaftNode*> all;
    for (const auto& node : nodes_) all.push_back(node.get());
    for (RaftNode* node : all) node->Start(all);
    ASSERT_TRUE(loop_.RunUntil([&] { return Leader() != nullptr; }));
  }
  RaftNode* Leader() {
    for (const auto& node : nodes_) {
      if (node->leads()) return node.get();
    }
    return nullptr;
  }
  // To be closed at the end.
  template <typename Handle>
  void Keep(Handle* handle) {
    handle->data = this;
    handles_.push_back(reinterpret_cast<uv_handle_t*>(handle));
  }
  // Runs the loop until Stop, and no longer than the guard allows.
  void Run() { uv_run(loop_.get(), UV_RUN_DEFAULT); }
  void CountOne() {
    if (++count_ == times_) uv_stop(loop_.get());
  }
  static void CountFor(void* test) { static_cast<NetworkLoopTest*>(test)->CountOne(); }
  void ProposeInTurn() {
    Leader()->Apply("proposed", [this](int status) {
      EXPECT_EQ(status, 0);
      CountOne();
      if (count_ < kTimes) ProposeInTurn();
    });
  }

  static void ProposeBeforeSleep(uv_prepare_t* prepare) {
    auto* const self = static_cast<NetworkLoopTest*>(prepare->data);
    RaftNode* const leader = self->Leader();
    if (self->proposed_ || leader == nullptr) return;
    self->proposed_ = leader->Apply("proposed", [self](int) {
      self->CountOne();
      self->proposed_ = false;
    });
  }

  static void OnGuard(uv_timer_t* guard) {
    ADD_FAILURE() << static_cast<NetworkLoopTest*>(guard->data)->count_ << " times";
    uv_stop(guard->loop);
  }

  RaftNode::Settings settings_;
  TestLoop loop_;
  uv_timer_t guard_{};
  uv_timer_t timer_{};
  uv_async_t async_{};
  uv_prepare_t prepare_{};
  uv_check_t check_{};
  std::vector<uv_handle_t*> handles_;
  std::vector<std::unique_ptr<RaftNode>> nodes_;
  int count_ = 0;
  int times_ = kTimes;
  bool proposed_ = false;
};

TEST_F(NetworkLoopTest, TheDiskWakesIt) {
  AddServers(1);
  ProposeInTurn();
  Run();
}

TEST_F(NetworkLoopTest, TimersAreDueInTime) {
  AddServers(1);
  uv_timer_init(loop_.get(), &timer_);
  Keep(&timer_);
  uv_timer_start(
      &timer_, [](uv_timer_t* handle) { CountFor(handle->data); }, 1, 1);
  Run();
}

TEST_F(NetworkLoopTest, AnotherThreadWakesIt) {
  AddServers(1);
  times_ = 4 * kTimes;
  uv_async_init(loop_.get(), &async_, [](uv_async_t* handle) { CountFor(handle->data); });
  Keep(&async_);
  std::atomic<bool> over{false};
  std::thread other([&] {
    // One at a time: each finds the loop asleep, or about to be.
    while (!over.load()) {
      uv_async_send(&async_);
      std::this_thread::yield();
    }
  });
  Run();
  over.store(true);
  other.join();
}

TEST_F(NetworkLoopTest, SeveralServersOnOneLoopDoNotSleepOnEachOther) {
  AddServers(3);
  ProposeInTurn();
  Run();
}

// The host's own work before the loop sleeps is done before it sleeps.
TEST_F(NetworkLoopTest, APrepareHandleThatWasThereBeforeIsNotKeptWaiting) {
  uv_prepare_init(loop_.get(), &prepare_);
  Keep(&prepare_);
  uv_prepare_start(&prepare_, &NetworkLoopTest::ProposeBeforeSleep);
  AddServers(1);
  if (count_ < kTimes) Run();
  uv_prepare_stop(&prepare_);
}

TEST_F(NetworkLoopTest, ATurnThatMustNotWaitDoesNot) {
  settings_.io.libuv_sleeps = true;
  AddServers(1);
  while (count_ < kTimes && uv_is_active(reinterpret_cast<uv_handle_t*>(&guard_)) != 0) {
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    ++count_;
  }
  EXPECT_EQ(count_, kTimes);
}

TEST_F(NetworkLoopTest, ALoopWithNothingToDoSleeps) {
  AddServers(1);
  uv_check_init(loop_.get(), &check_);
  Keep(&check_);
  uv_check_start(&check_, [](uv_check_t* h) { CountFor(h->data); });
  uv_timer_init(loop_.get(), &timer_);
  Keep(&timer_);
  uv_timer_start(
      &timer_, [](uv_timer_t* handle) { uv_stop(handle->loop); }, 1000, 0);
  Run();
  // Ticks, the transport's own timers, and a second turn after each.
  EXPECT_LT(count_, 200);
}

// A server and its loop, in a thread of its own.
class ServerThread {
 public:
  ServerThread(raft_id id, const RaftNode::Settings& settings) : node_(&loop_, id, settings) {}

  RaftNode* node() { return &node_; }
  // Until it leads and has proposed so often, or `Stop`.
  void Begin(const std::vector<RaftNode*>& servers, std::function<void()> done) {
    done_ = std::move(done);
    uv_async_init(loop_.get(), &stop_, [](uv_async_t* handle) { uv_stop(handle->loop); });
    node_.Start(servers);
    thread_ = std::thread([this] { Run(); });
  }
  void Stop() {
    uv_async_send(&stop_);
    thread_.join();
    uv_close(reinterpret_cast<uv_handle_t*>(&stop_), nullptr);
    node_.Stop();
  }

 private:
  void Run() {
    ASSERT_TRUE(loop_.RunUntil([this] { return node_.leader() != 0; }));
    if (node_.leads()) Propose();
    uv_run(loop_.get(), UV_RUN_DEFAULT);
  }
  void Propose() {
    node_.Apply("proposed", [this](int status) {
      if (status != 0) return;
      if (++count_ == kTimes) return done_();
      Propose();
    });
  }

  TestLoop loop_;
  RaftNode node_;
  uv_async_t stop_{};
  std::function<void()> done_;
  int count_ = 0;
  std::thread thread_;
};

TEST(NetworkLoopThreadsTest, MessagesWakeLoopsThatSleep) {
  RaftNode::Settings settings;
  settings.io.transport.cluster_id = "loops";
  std::vector<std::unique_ptr<ServerThread>> servers;
  std::vector<RaftNode*> nodes;
  for (raft_id id = 1; id <= 3; ++id) {
    servers.push_back(std::make_unique<ServerThread>(id, settings));
    nodes.push_back(servers.back()->node());
  }
  std::promise<void> done;
  for (const auto& server : servers) server->Begin(nodes, [&] { done.set_value(); });
  EXPECT_EQ(done.get_future().wait_for(std::chrono::milliseconds(kGuardMs)),
            std::future_status::ready);
  for (const auto& server : servers) server->Stop();
}

}  // namespace
}  // namespace hawser::libraft
