#include "bench/group_map.h"

#include <vector>

#include "gtest/gtest.h"

namespace hawser::bench {
namespace {

TEST(GroupMapTest, OneGroupIsTheLogItself) {
  const GroupMap map(1, 4);
  for (uint64_t index = 1; index < 50; ++index) {
    EXPECT_EQ(map.GroupOf(index), 0u);
    EXPECT_EQ(map.IndexInGroup(index), index);
    EXPECT_EQ(map.IndexInLog(0, index), index);
  }
  EXPECT_EQ(map.CountInGroup(48, 0), 48u);
}

TEST(GroupMapTest, EachGroupsLogGrowsWithoutGaps) {
  for (const int entries : {1, 3}) {
    const GroupMap map(5, entries);
    std::vector<uint64_t> last(5);
    for (uint64_t index = 1; index <= 90; ++index) {
      const uint64_t group = map.GroupOf(index);
      EXPECT_EQ(map.IndexInGroup(index), ++last[group]);
      EXPECT_EQ(map.IndexInLog(group, last[group]), index);
      if (index % entries != 0) continue;
      for (uint64_t of = 0; of < last.size(); ++of)
        EXPECT_EQ(map.CountInGroup(index, of), last[of]);
    }
  }
}

}  // namespace
}  // namespace hawser::bench
