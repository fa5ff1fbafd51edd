// What the codec takes of the heap: nothing in the steady state, and little for each group.

#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/base/config.h"
#include "codec/message_codec.h"
#include "gtest/gtest.h"
#include "tests/codec/codec_test_util.h"
#include "tests/codec/message_maker.h"

namespace {

[[maybe_unused]] size_t allocations = 0;
size_t allocated_bytes = 0;

}  // namespace

// Not under sanitizers, which have their own.
#if !defined(ABSL_HAVE_ADDRESS_SANITIZER) && !defined(ABSL_HAVE_THREAD_SANITIZER)
#define HAWSER_COUNTS_ALLOCATIONS 1

// Not inlined: the compiler would take malloc and delete, or new and free, for a mismatch.
ABSL_ATTRIBUTE_NOINLINE void* operator new(size_t size) {
  void* const block = std::malloc(size);
  if (block == nullptr) {
    throw std::bad_alloc();
  }
  ++allocations;
  allocated_bytes += malloc_usable_size(block);
  return block;
}

void* operator new[](size_t size) { return operator new(size); }

ABSL_ATTRIBUTE_NOINLINE void operator delete(void* block) noexcept {
  if (block != nullptr) {
    allocated_bytes -= malloc_usable_size(block);
    std::free(block);
  }
}

void operator delete[](void* block) noexcept { operator delete(block); }
void operator delete(void* block, size_t) noexcept { operator delete(block); }
void operator delete[](void* block, size_t) noexcept { operator delete(block); }
#endif

namespace hawser {
namespace {

#ifdef HAWSER_COUNTS_ALLOCATIONS

TEST(CodecMemoryTest, SteadyStateAllocatesNothing) {
  MessageMaker maker(1);
  MessageEncoder encoder;
  MessageDecoder decoder;
  EncodedSegments segments;
  std::vector<char> out(1 << 20);
  size_t in_codec = 0;
  for (int round = 0; round < 3000; ++round) {
    static constexpr size_t kCounts[] = {0, 1, 2, 5, 16, 256};
    MessageView message = maker.Append(0, kCounts[round % 6], 64);
    // A miss now and then: a record.
    message.reject_hint = round % 50 == 7 ? 5 : 0;
    const size_t before = allocations;
    DecodedMessage decoded;
    const size_t bytes = encoder.Encode(0, message, out.data(), out.size());
    const DecodeError error = decoder.Decode({out.data(), bytes}, &decoded);
    if (round >= 300) {
      in_codec += allocations - before;
    }
    ASSERT_EQ(error, DecodeError::kNone);
    ASSERT_EQ(decoded.message, message);
  }
  EXPECT_EQ(in_codec, 0u);
}

TEST(CodecMemoryTest, TenThousandGroupsTakeAtMost64BytesEach) {
  constexpr size_t kGroups = 10000;
  MessageMaker maker(2);
  std::vector<char> out(1 << 16);
  std::string stream;
  stream.reserve(kGroups * 100);
  auto encoder = std::make_unique<MessageEncoder>();
  auto decoder = std::make_unique<MessageDecoder>();
  const MessageView message = maker.Append(0, 1, 16);
  const size_t before_encoding = allocated_bytes;
  for (size_t group = 0; group < kGroups; ++group) {
    stream.append(out.data(), encoder->Encode(group * 7919, message, out.data(), out.size()));
  }
  const size_t encoding = allocated_bytes - before_encoding;
  EXPECT_LE(encoding, kGroups * 64);
  const size_t before_decoding = allocated_bytes;
  absl::string_view left = stream;
  DecodedMessage decoded;
  while (!left.empty()) {
    ASSERT_EQ(decoder->Decode(left, &decoded), DecodeError::kNone);
    left.remove_prefix(decoded.bytes);
  }
  const size_t decoding = allocated_bytes - before_decoding;
  EXPECT_LE(decoding, kGroups * 64);
  std::printf("bytes a group: encoder %.1f, decoder %.1f\n",
              static_cast<double>(encoding) / kGroups, static_cast<double>(decoding) / kGroups);
}

#endif

// Whatever lengths a peer claims, nothing is reserved for bytes that are not there.
TEST(CodecMemoryTest, ClaimsOfAPeerReserveNothing) {
  MessageMaker maker(3);
  MessageEncoder encoder;
  const std::string first = Encoded(0, maker.Append(0, 1, 1), &encoder);
  const std::string huge = Encoded(0, maker.Append(0, 256, 200), &encoder);
  MessageDecoder decoder;
  DecodedMessage decoded;
  ASSERT_EQ(decoder.Decode(first, &decoded), DecodeError::kNone);
  const size_t before = allocated_bytes;
  EXPECT_EQ(decoder.Decode(absl::string_view(huge).substr(0, 8), &decoded),
            DecodeError::kTruncated);
  EXPECT_EQ(allocated_bytes, before);
}

}  // namespace
}  // namespace hawser
