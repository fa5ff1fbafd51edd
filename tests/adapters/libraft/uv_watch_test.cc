#include "adapters/libraft/uv_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "gtest/gtest.h"
#include "tests/support/wait_until.h"

namespace hawser::libraft {
namespace {

// A loop's descriptor with one thing to watch, as libuv has it.
class UvWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    epoll_event event{};
    event.events = EPOLLIN;
    ASSERT_EQ(epoll_ctl(backend_fd_, EPOLL_CTL_ADD, event_fd_, &event), 0);
    auto watch = UvWatch::Create(backend_fd_, [this] { ++woken_; });
    ASSERT_TRUE(watch.ok()) << watch.status();
    watch_ = *std::move(watch);
  }
  void TearDown() override {
    watch_.reset();
    close(event_fd_);
    close(backend_fd_);
  }

  void Tell() {
    const uint64_t one = 1;
    ASSERT_EQ(write(event_fd_, &one, sizeof one), ssize_t{sizeof one});
  }
  void Read() {
    uint64_t count = 0;
    ASSERT_EQ(read(event_fd_, &count, sizeof count), ssize_t{sizeof count});
  }

  const int backend_fd_ = epoll_create1(EPOLL_CLOEXEC);
  const int event_fd_ = eventfd(0, EFD_CLOEXEC);
  std::atomic<int> woken_{0};
  std::unique_ptr<UvWatch> watch_;
};

TEST_F(UvWatchTest, WakesOnceEachTimeItIsArmed) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(watch_->Arm());
    Tell();
    Tell();
    ASSERT_TRUE(WaitUntil([&] { return woken_.load() > i; }));
    EXPECT_FALSE(watch_->armed());
    Read();
  }
  watch_.reset();
  EXPECT_EQ(woken_.load(), 100);
}

TEST_F(UvWatchTest, WhatCameBeforeIsToldAtOnce) {
  Tell();
  EXPECT_FALSE(watch_->Arm());
}

TEST_F(UvWatchTest, WhatWasNotReadIsToldAgain) {
  ASSERT_TRUE(watch_->Arm());
  Tell();
  ASSERT_TRUE(WaitUntil([&] { return woken_.load() == 1; }));
  EXPECT_FALSE(watch_->Arm());
  EXPECT_TRUE(WaitUntil([&] { return woken_.load() == 2; }));
}

TEST_F(UvWatchTest, SaysNothingUntilItIsArmed) {
  Tell();
  EXPECT_FALSE(watch_->armed());
  watch_.reset();
  EXPECT_EQ(woken_.load(), 0);
}

}  // namespace
}  // namespace hawser::libraft
