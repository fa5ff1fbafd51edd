#include <cstdint>
#include <string>

#include "codec/byte_reader.h"
#include "codec/byte_writer.h"
#include "codec/varint.h"
#include "gtest/gtest.h"

namespace hawser {
namespace {

TEST(VarintTest, EveryWidthComesBack) {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t value = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    char bytes[kVarintBytesMax];
    const char* end = WriteVarint(value, bytes);
    EXPECT_EQ(static_cast<size_t>(end - bytes), VarintSize(value)) << bits;
    uint64_t back = 0;
    EXPECT_EQ(ReadVarint(bytes, end, &back), end);
    EXPECT_EQ(back, value);
    EXPECT_EQ(ReadVarint(bytes, end - 1, &back), nullptr);
  }
}

TEST(VarintTest, MoreThan64BitsAreRefused) {
  const std::string bytes(9, '\xff');
  uint64_t value = 0;
  const std::string fits = bytes + '\x01';
  EXPECT_NE(ReadVarint(fits.data(), fits.data() + fits.size(), &value), nullptr);
  for (const char last : {'\x02', '\x7f', '\x81'}) {
    const std::string over = bytes + last + '\x01';
    EXPECT_EQ(ReadVarint(over.data(), over.data() + over.size(), &value), nullptr);
  }
}

TEST(ByteReaderTest, OneBadReadFailsItForGood) {
  const std::string bytes("\x01\x02\x03", 3);
  ByteReader in(bytes);
  EXPECT_EQ(in.U8(), 1);
  EXPECT_EQ(in.U32(), 0u);
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.left(), 0u);
  EXPECT_EQ(in.U8(), 0);
  EXPECT_EQ(in.Bytes(0).size(), 0u);
  EXPECT_TRUE(in.failed());
}

TEST(ByteReaderTest, LengthLongerThanMemoryFails) {
  const std::string bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 11);
  ByteReader in(bytes);
  EXPECT_EQ(in.Sized().data(), nullptr);
  EXPECT_TRUE(in.failed());
}

TEST(ByteReaderTest, EmptyBytesAreNotNull) {
  ByteReader in(absl::string_view("\0", 1));
  const absl::string_view empty = in.Sized();
  EXPECT_FALSE(in.failed());
  EXPECT_NE(empty.data(), nullptr);
}

TEST(ByteWriterTest, WritesWhatTheReaderReads) {
  char bytes[32];
  ByteWriter out(bytes, sizeof(bytes));
  out.U8(7);
  out.U16(0x1234);
  out.U32(0xdeadbeef);
  out.Varint(300);
  out.Sized("abc");
  ASSERT_FALSE(out.failed());
  ByteReader in(absl::string_view(bytes, out.size()));
  EXPECT_EQ(in.U8(), 7);
  EXPECT_EQ(in.U16(), 0x1234);
  EXPECT_EQ(in.U32(), 0xdeadbeef);
  EXPECT_EQ(in.Varint(), 300u);
  EXPECT_EQ(in.Sized(), "abc");
  EXPECT_EQ(in.left(), 0u);
}

TEST(ByteWriterTest, OneWriteThatDoesNotFitFailsItForGood) {
  char bytes[3];
  ByteWriter out(bytes, sizeof(bytes));
  out.U16(1);
  out.U16(2);
  EXPECT_TRUE(out.failed());
  out.U8(3);
  EXPECT_EQ(out.size(), 2u);
}

}  // namespace
}  // namespace hawser
