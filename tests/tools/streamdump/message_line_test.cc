#include "tools/streamdump/message_line.h"

#include "gtest/gtest.h"
#include "tests/codec/message_maker.h"

namespace hawser {
namespace {

TEST(MessageLineTest, RandomMessagesComeBackEqual) {
  MessageMaker maker(1);
  ParsedLine parsed;
  for (int round = 0; round < 5000; ++round) {
    const MessageView message = maker.Any();
    const std::string line = MessageLine({true, 1, 2, 3}, "\"group\":9", message);
    ASSERT_TRUE(parsed.Parse(line)) << parsed.error() << line;
    ASSERT_EQ(parsed.message(), message) << line;
    ASSERT_EQ(parsed.group(), 9u);
    ASSERT_EQ(parsed.place().offset, 2u);
  }
}

TEST(MessageLineTest, IntegersOf64BitsAreExact) {
  ParsedLine parsed;
  ASSERT_TRUE(parsed.Parse("{\"term\":18446744073709551615}"));
  EXPECT_EQ(parsed.message().term, ~uint64_t{0});
}

TEST(MessageLineTest, AbsentAndEmptyDataAreToldApart) {
  ParsedLine parsed;
  ASSERT_TRUE(parsed.Parse("{\"entries\":[{\"data_base64\":null},{\"data_base64\":\"\"}]}"));
  EXPECT_EQ(parsed.message().entries[0].data.data(), nullptr);
  EXPECT_NE(parsed.message().entries[1].data.data(), nullptr);
}

}  // namespace
}  // namespace hawser
