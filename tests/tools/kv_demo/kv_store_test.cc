#include "tools/kv_demo/kv_store.h"

#include "gtest/gtest.h"

namespace hawser::kv {
namespace {

TEST(KvStoreTest, TheLastPutOfAKeyCounts) {
  KvStore store;
  EXPECT_EQ(store.Get("a"), nullptr);
  EXPECT_TRUE(store.Apply(KvStore::PutCommand("a", "1")));
  EXPECT_TRUE(store.Apply(KvStore::PutCommand("a", "2")));
  ASSERT_NE(store.Get("a"), nullptr);
  EXPECT_EQ(*store.Get("a"), "2");
  EXPECT_FALSE(store.Apply("\xff\xff"));
  EXPECT_EQ(store.size(), 1u);
}

TEST(KvStoreTest, CommandsAreOfALengthThatTheLogTakes) {
  for (size_t length = 0; length < 40; ++length) {
    const std::string command = KvStore::PutCommand("k", std::string(length, 'x'));
    EXPECT_EQ(command.size() % 8, 0u);
    KvStore store;
    EXPECT_TRUE(store.Apply(command));
    EXPECT_EQ(store.Get("k")->size(), length);
  }
}

// Servers that applied the same show the same fingerprint, whichever way they came to it.
TEST(KvStoreTest, ASnapshotBringsAllBack) {
  KvStore store;
  store.Apply(KvStore::PutCommand("b", std::string(1000, 'x')));
  store.Apply(KvStore::PutCommand("a", ""));
  KvStore restored;
  restored.Apply(KvStore::PutCommand("gone", "soon"));
  EXPECT_NE(restored.Fingerprint(), store.Fingerprint());
  EXPECT_FALSE(restored.Restore("\xff"));
  EXPECT_EQ(restored.size(), 1u);
  EXPECT_TRUE(restored.Restore(store.Snapshot()));
  EXPECT_EQ(restored.size(), 2u);
  EXPECT_EQ(restored.Fingerprint(), store.Fingerprint());
}

}  // namespace
}  // namespace hawser::kv
