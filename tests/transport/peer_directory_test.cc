// Gates by node id: found from any thread while the table grows.

#include "transport/peer_directory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

namespace hawser {
namespace {

TEST(PeerDirectoryTest, UnknownNodesHaveNoGate) {
  const PeerDirectory directory((Options()));
  EXPECT_EQ(directory.Find(0), nullptr);
  EXPECT_EQ(directory.Find(1), nullptr);
  EXPECT_EQ(directory.Find(UINT64_MAX), nullptr);
}

TEST(PeerDirectoryTest, GatesStayWhereTheyAreWhileItGrows) {
  PeerDirectory directory((Options()));
  std::map<NodeId, PeerGate*> gates;
  for (NodeId i = 1; i <= 3000; ++i) {
    const NodeId node = i * 0x100000001;  // ids that look alike in their low bits
    gates[node] = directory.FindOrAdd(node);
    ASSERT_EQ(gates[node]->node(), node);
  }
  for (const auto& [node, gate] : gates) {
    EXPECT_EQ(directory.Find(node), gate);
    EXPECT_EQ(directory.FindOrAdd(node), gate);
  }
  EXPECT_EQ(directory.Find(7), nullptr);
}

TEST(PeerDirectoryTest, LookupsWhileOthersAdd) {
  PeerDirectory directory((Options()));
  constexpr NodeId kNodes = 2000;
  std::atomic<NodeId> added{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      while (added.load() < kNodes) {
        const NodeId newest = added.load();
        if (newest == 0) continue;
        PeerGate* gate = directory.Find(newest);
        ASSERT_NE(gate, nullptr);
        ASSERT_EQ(gate->node(), newest);
        ASSERT_EQ(directory.Find(kNodes * 10), nullptr);
      }
    });
  }
  for (NodeId node = 1; node <= kNodes; ++node) {
    directory.FindOrAdd(node);
    added.store(node);
  }
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace hawser
