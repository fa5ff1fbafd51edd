#include "base/return_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace hawser {
namespace {

std::atomic<int> alive{0};

struct Thing {
  Thing() { ++alive; }
  ~Thing() { --alive; }
  static void PoolDelete(Thing* thing) { delete thing; }
  Thing* pool_next = nullptr;
};

Thing* TakeOrMake(ReturnPool<Thing>* pool) {
  Thing* thing = pool->Take();
  if (thing != nullptr) return thing;
  pool->Adopt();
  return new Thing();
}

TEST(ReturnPoolTest, ObjectsAreUsedAgain) {
  auto* pool = new ReturnPool<Thing>();
  EXPECT_EQ(pool->Take(), nullptr);
  Thing* thing = TakeOrMake(pool);
  pool->Give(thing);
  EXPECT_EQ(pool->Take(), thing);
  EXPECT_EQ(pool->Take(), nullptr);
  pool->Give(thing);
  pool->Close();
  EXPECT_EQ(alive.load(), 0);
}

TEST(ReturnPoolTest, ObjectOutlivesItsOwner) {
  auto* pool = new ReturnPool<Thing>();
  Thing* out = TakeOrMake(pool);
  pool->Give(TakeOrMake(pool));
  pool->Close();
  EXPECT_EQ(alive.load(), 2);
  std::thread([&] { pool->Give(out); }).join();
  EXPECT_EQ(alive.load(), 0);
}

TEST(ReturnPoolTest, OthersGiveBackWhileTheOwnerTakes) {
  auto* pool = new ReturnPool<Thing>();
  constexpr int kThreads = 3;
  constexpr int kRounds = 20000;
  std::vector<std::atomic<Thing*>> hands(kThreads);
  std::atomic<bool> done{false};
  std::vector<std::thread> givers;
  for (int t = 0; t < kThreads; ++t) {
    givers.emplace_back([&, t] {
      while (!done.load()) {
        if (Thing* thing = hands[t].exchange(nullptr)) pool->Give(thing);
      }
    });
  }
  for (int i = 0; i < kRounds; ++i) {
    Thing* thing = TakeOrMake(pool);
    if (Thing* old = hands[i % kThreads].exchange(thing)) pool->Give(old);
  }
  done.store(true);
  for (std::thread& giver : givers) giver.join();
  for (auto& hand : hands) {
    if (Thing* thing = hand.exchange(nullptr)) pool->Give(thing);
  }
  EXPECT_GT(alive.load(), 0);
  pool->Close();
  EXPECT_EQ(alive.load(), 0);
}

}  // namespace
}  // namespace hawser
