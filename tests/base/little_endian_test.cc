#include "base/little_endian.h"

#include <gtest/gtest.h>

namespace hawser {
namespace {

TEST(LittleEndianTest, LowestByteFirstAtAnyAddress) {
  char bytes[16] = {};
  for (int at = 0; at < 8; ++at) {
    StoreLittle<uint64_t>(0x0102030405060708, bytes + at);
    EXPECT_EQ(bytes[at], 8);
    EXPECT_EQ(bytes[at + 7], 1);
    EXPECT_EQ(LoadLittle<uint64_t>(bytes + at), 0x0102030405060708u);
    EXPECT_EQ(LoadLittle<uint32_t>(bytes + at), 0x05060708u);
    EXPECT_EQ(LoadLittle<uint16_t>(bytes + at), 0x0708u);
  }
}

}  // namespace
}  // namespace hawser
