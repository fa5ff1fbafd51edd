#include "transport/payload_pool.h"

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace hawser {
namespace {

TEST(PayloadPoolTest, BufferIsTheNextPowerOfTwo) {
  PayloadPool pool;
  const struct {
    size_t asked;
    size_t got;
  } rows[] = {
      {1, 4096},
      {4095, 4096},
      {4096, 4096},
      {4097, 8192},
      {8193, 16384},
      {100 * 1024, 128 * 1024},
      {512 * 1024 + 1, 1024 * 1024},
      {1024 * 1024, 1024 * 1024},
  };
  for (const auto& row : rows) {
    const absl::Span<char> buffer = pool.Allocate(row.asked);
    EXPECT_EQ(buffer.size(), row.got) << row.asked;
    pool.Free(buffer.data());
  }
}

TEST(PayloadPoolTest, EveryByteOfEveryClassIsTheUsers) {
  PayloadPool pool;
  std::vector<absl::Span<char>> buffers;
  for (size_t bytes = PayloadPool::kBufferBytesMin; bytes <= PayloadPool::kBufferBytesMax;
       bytes *= 2) {
    buffers.push_back(pool.Allocate(bytes));
    std::memset(buffers.back().data(), static_cast<int>(buffers.size()), bytes);
  }
  ASSERT_EQ(buffers.size(), 9u);
  for (size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(buffers[i].front(), static_cast<char>(i + 1));
    EXPECT_EQ(buffers[i].back(), static_cast<char>(i + 1));
    pool.Free(buffers[i].data());
  }
}

TEST(PayloadPoolTest, AskingForNothingOrTooMuchIsRefused) {
  PayloadPool pool;
  EXPECT_TRUE(pool.Allocate(0).empty());
  EXPECT_TRUE(pool.Allocate(PayloadPool::kBufferBytesMax + 1).empty());
  EXPECT_TRUE(pool.Allocate(static_cast<size_t>(-1)).empty());
}

TEST(PayloadPoolTest, FreedBufferIsUsedAgain) {
  PayloadPool pool;
  char* const first = pool.Allocate(5000).data();
  pool.Free(first);
  char* const again = pool.Allocate(8192).data();
  EXPECT_EQ(again, first);
  // Another class does not take it.
  pool.Free(again);
  char* const smaller = pool.Allocate(1).data();
  EXPECT_NE(smaller, first);
  pool.Free(smaller);
}

TEST(PayloadPoolTest, HoldFreesTheBuffer) {
  PayloadPool pool;
  char* const buffer = pool.Allocate(100).data();
  const Hold hold = pool.HoldFor(buffer);
  ASSERT_FALSE(hold.empty());
  hold.release(hold.argument);
  EXPECT_EQ(pool.Allocate(100).data(), buffer);
  pool.Free(buffer);
}

// The sender allocates; the loop thread releases the hold.
TEST(PayloadPoolTest, ManyThreadsNeverShareABuffer) {
  constexpr int kThreads = 4;
  PayloadPool pool;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> torn{0};
  for (int id = 0; id < kThreads; ++id) {
    threads.emplace_back([&pool, &torn, id] {
      for (int round = 0; round < 2000; ++round) {
        const absl::Span<char> buffer = pool.Allocate(4096);
        std::memset(buffer.data(), id, 64);
        for (int i = 0; i < 64; ++i) torn += buffer[i] != id;
        const Hold hold = pool.HoldFor(buffer.data());
        hold.release(hold.argument);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
}

TEST(PayloadPoolDeathTest, PoolThatGoesBeforeItsBuffersIsOurBug) {
  EXPECT_DEATH(
      {
        PayloadPool pool;
        pool.Allocate(1);
      },
      "outstanding_ == 0");
}

TEST(PayloadPoolDeathTest, BufferOfAnotherPoolIsRefused) {
  PayloadPool mine;
  PayloadPool other;
  char* const buffer = other.Allocate(1).data();
  EXPECT_DEATH(mine.Free(buffer), "pool == this");
  EXPECT_DEATH(mine.HoldFor(buffer), "pool == this");
  other.Free(buffer);
}

}  // namespace
}  // namespace hawser
