#include "codec/slot_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace hawser {
namespace {

// Slots and their index, as an encoder keeps them.
struct Groups {
  void Add(uint64_t group) {
    ASSERT_EQ(index.Find(group), GroupIndex::kNotFound);
    index.Add(group, slots.size());
    slots.Open(group);
  }

  SlotTable slots;
  GroupIndex index{&slots};
};

void ExpectEachFound(const std::vector<uint64_t>& numbers) {
  Groups groups;
  for (const uint64_t group : numbers) groups.Add(group);
  for (uint32_t slot = 0; slot < numbers.size(); ++slot) {
    ASSERT_EQ(groups.index.Find(numbers[slot]), slot) << "group " << numbers[slot];
    groups.index.Prefetch(numbers[slot]);
  }
}

TEST(GroupIndexTest, NothingIsFoundInAnEmptyOne) {
  Groups groups;
  groups.index.Prefetch(7);
  EXPECT_EQ(groups.index.Find(0), GroupIndex::kNotFound);
  EXPECT_EQ(groups.index.Find(7), GroupIndex::kNotFound);
}

TEST(GroupIndexTest, AsManyGroupsAsThereAreSlotNumbers) {
  std::vector<uint64_t> numbers(kSlotsMax);
  for (uint64_t i = 0; i < kSlotsMax; ++i) numbers[i] = i;
  ExpectEachFound(numbers);
}

TEST(GroupIndexTest, GroupsThatShareTheirLowBits) {
  std::vector<uint64_t> numbers(5000);
  for (unsigned shift : {16, 32, 48}) {
    for (uint64_t i = 0; i < numbers.size(); ++i) numbers[i] = i << shift | 5;
    ExpectEachFound(numbers);
  }
}

TEST(GroupIndexTest, ClearForgetsAllAndBeginsAnew) {
  Groups groups;
  for (uint64_t group = 0; group < 100; ++group) groups.Add(group);
  groups.slots.Clear();
  groups.index.Clear();
  EXPECT_EQ(groups.index.Find(50), GroupIndex::kNotFound);
  groups.Add(50);
  EXPECT_EQ(groups.index.Find(50), 0u);
}

}  // namespace
}  // namespace hawser
