#include "codec/crc32c.h"

#include <string>

#include "gtest/gtest.h"

namespace hawser {
namespace {

TEST(Crc32cTest, KnownValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
}

TEST(Crc32cTest, PortableAndFastAgreeAtEveryLengthAndCut) {
  std::string bytes;
  for (int at = 0; at < 100; ++at) {
    const absl::string_view whole = bytes;
    EXPECT_EQ(Crc32cExtendPortable(0, whole), Crc32c(whole));
    EXPECT_EQ(
        Crc32cExtend(Crc32c(whole.substr(0, whole.size() / 3)), whole.substr(whole.size() / 3)),
        Crc32c(whole));
    bytes.push_back(static_cast<char>(at * 37));
  }
}

}  // namespace
}  // namespace hawser
