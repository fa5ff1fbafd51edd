// Frame headers: what is written is read, and each thing that the format does not allow is refused.

#include "transport/frame.h"

#include <gtest/gtest.h>

#include <string>

namespace hawser {
namespace {

constexpr FrameType kAllTypes[] = {
    FrameType::kData,      FrameType::kFragment, FrameType::kAck,       FrameType::kPing,
    FrameType::kPong,      FrameType::kHello,    FrameType::kStart,     FrameType::kFence,
    FrameType::kSwitch,    FrameType::kGoaway,   FrameType::kBulkOffer, FrameType::kBulkGrant,
    FrameType::kBulkChunk, FrameType::kBulkAck,  FrameType::kControl};

// A good header of `type`.
FrameHeader HeaderOf(FrameType type) {
  FrameHeader header;
  header.type = type;
  if (type == FrameType::kBulkChunk) header.lane = Lane::kBulk;
  if (type == FrameType::kFragment) header.lane = Lane::kAppend;
  header.count = type == FrameType::kData ? 1 : 0;
  header.first = type == FrameType::kFragment;
  return header;
}

// A body that `type` may have.
std::string BodyOf(FrameType type) {
  const int fixed = FixedBodyBytes(type);
  return std::string(fixed >= 0 ? fixed : 48, '\0');
}

std::string Frame(const FrameHeader& header, const std::string& body) {
  std::string frame(kFrameHeaderBytes, '\0');
  EncodeFrameHeader(header, &frame[0]);
  return frame + body;
}

CloseReason Decode(const std::string& frame) {
  FrameHeader header;
  absl::string_view body;
  return DecodeFrame(frame, &header, &body);
}

CloseReason Decode(const FrameHeader& header) { return Decode(Frame(header, BodyOf(header.type))); }

TEST(FrameTest, EveryTypeRoundTrips) {
  for (FrameType type : kAllTypes) {
    FrameHeader header = HeaderOf(type);
    header.solicit = true;
    header.sequence = 0xfffffff0;
    header.ack = 0x01020304;
    header.credit = 0x80000001;
    const std::string frame = Frame(header, BodyOf(type));
    FrameHeader decoded;
    absl::string_view body;
    ASSERT_EQ(DecodeFrame(frame, &decoded, &body), CloseReason::kNone) << FrameTypeName(type);
    EXPECT_EQ(decoded.type, header.type);
    EXPECT_EQ(decoded.lane, header.lane);
    EXPECT_EQ(decoded.first, header.first);
    EXPECT_EQ(decoded.last, header.last);
    EXPECT_EQ(decoded.solicit, header.solicit);
    EXPECT_EQ(decoded.count, header.count);
    EXPECT_EQ(decoded.sequence, header.sequence);
    EXPECT_EQ(decoded.ack, header.ack);
    EXPECT_EQ(decoded.credit, header.credit);
    EXPECT_EQ(body.data(), frame.data() + kFrameHeaderBytes);
    EXPECT_EQ(body.size(), frame.size() - kFrameHeaderBytes);
  }
}

TEST(FrameTest, ShortHeader) {
  const std::string frame = Frame(HeaderOf(FrameType::kAck), "");
  for (size_t bytes = 0; bytes < kFrameHeaderBytes; ++bytes) {
    EXPECT_EQ(Decode(frame.substr(0, bytes)), CloseReason::kBadFrame) << bytes;
  }
}

TEST(FrameTest, AnotherVersion) {
  for (int version = 0; version < 16; ++version) {
    std::string frame = Frame(HeaderOf(FrameType::kAck), "");
    frame[0] = static_cast<char>(version << 4 | static_cast<int>(FrameType::kAck));
    EXPECT_EQ(Decode(frame), version == kWireVersion ? CloseReason::kNone : CloseReason::kBadFrame)
        << version;
  }
}

TEST(FrameTest, TypeZero) {
  std::string frame = Frame(HeaderOf(FrameType::kAck), "");
  frame[0] = kWireVersion << 4;
  EXPECT_EQ(Decode(frame), CloseReason::kBadFrame);
}

TEST(FrameTest, ReservedBitsAndTrailer) {
  for (FrameType type : kAllTypes) {
    for (int bit : {0x10, 0x40, 0x80}) {
      std::string frame = Frame(HeaderOf(type), BodyOf(type));
      frame[1] = static_cast<char>(frame[1] | bit);
      EXPECT_EQ(Decode(frame), CloseReason::kBadFrame) << FrameTypeName(type) << " " << bit;
    }
  }
}

TEST(FrameTest, LaneOfTheWrongKind) {
  for (FrameType type : kAllTypes) {
    for (int lane = 0; lane < 4; ++lane) {
      std::string frame = Frame(HeaderOf(type), BodyOf(type));
      frame[1] = static_cast<char>((frame[1] & ~3) | lane);
      bool allowed = lane == 3;
      if (type == FrameType::kData) allowed = lane < 3;
      if (type == FrameType::kFragment) allowed = lane == 1 || lane == 2;  // URGENT is never cut
      if (type == FrameType::kBulkChunk) allowed = lane == 2;
      EXPECT_EQ(Decode(frame) == CloseReason::kNone, allowed) << FrameTypeName(type) << " " << lane;
    }
  }
}

TEST(FrameTest, FirstAndLastAreForFragments) {
  for (FrameType type : kAllTypes) {
    if (type == FrameType::kFragment) continue;
    FrameHeader header = HeaderOf(type);
    header.first = true;
    EXPECT_EQ(Decode(header), CloseReason::kBadFrame) << FrameTypeName(type);
    header.first = false;
    header.last = true;
    EXPECT_EQ(Decode(header), CloseReason::kBadFrame) << FrameTypeName(type);
  }
}

TEST(FrameTest, FirstFragmentIsNumberZero) {
  FrameHeader header = HeaderOf(FrameType::kFragment);
  header.count = 1;
  EXPECT_EQ(Decode(header), CloseReason::kBadFrame);
  header.first = false;
  EXPECT_EQ(Decode(header), CloseReason::kNone);
  header.count = 0;
  EXPECT_EQ(Decode(header), CloseReason::kBadFrame);
}

TEST(FrameTest, CountOfTheWrongKind) {
  for (FrameType type : kAllTypes) {
    if (type == FrameType::kFragment) continue;
    FrameHeader header = HeaderOf(type);
    header.count = type == FrameType::kData ? 0 : 1;
    EXPECT_EQ(Decode(header), CloseReason::kBadFrame) << FrameTypeName(type);
  }
}

TEST(FrameTest, FixedBodyTooShortOrTooLong) {
  for (FrameType type : kAllTypes) {
    const int fixed = FixedBodyBytes(type);
    if (fixed < 0) continue;
    const FrameHeader header = HeaderOf(type);
    EXPECT_EQ(Decode(Frame(header, std::string(fixed + 1, 'x'))), CloseReason::kBadFrame);
    if (fixed == 0) continue;
    EXPECT_EQ(Decode(Frame(header, std::string(fixed - 1, 'x'))), CloseReason::kBadFrame);
  }
}

TEST(FrameTest, EmptyBodyWhereOneIsNeeded) {
  for (FrameType type : kAllTypes) {
    if (type == FrameType::kAck) continue;
    EXPECT_EQ(Decode(Frame(HeaderOf(type), "")), CloseReason::kBadFrame) << FrameTypeName(type);
  }
}

TEST(FrameTest, FirstFragmentOfALengthAlone) {
  const FrameHeader header = HeaderOf(FrameType::kFragment);
  EXPECT_EQ(Decode(Frame(header, "1234")), CloseReason::kBadFrame);
  EXPECT_EQ(Decode(Frame(header, "12345")), CloseReason::kNone);
}

TEST(FrameTest, SequencesCompareAroundTheWrap) {
  EXPECT_TRUE(SequenceAfter(1, 0));
  EXPECT_FALSE(SequenceAfter(0, 0));
  EXPECT_FALSE(SequenceAfter(0, 1));
  EXPECT_TRUE(SequenceAfter(0, 0xffffffff));
  EXPECT_TRUE(SequenceAfter(5, 0xfffffff0));
  EXPECT_FALSE(SequenceAfter(0xfffffff0, 5));
  EXPECT_TRUE(SequenceAfter(0x7fffffff, 0));
}

// Any bit of the frame, of its checksum, and of the HELLO before it.
TEST(FrameTest, ChecksumSealsEveryBit) {
  const std::string hello = Frame(HeaderOf(FrameType::kHello), BodyOf(FrameType::kHello));
  const uint32_t seed = ChecksumSeed(hello);
  std::string frame = Frame(HeaderOf(FrameType::kData), "message");
  const size_t bytes = frame.size();
  frame.resize(bytes + kChecksumBytes);
  SealChecksum(seed, &frame[0], bytes);
  FrameHeader header;
  absl::string_view body;
  ASSERT_EQ(DecodeSealedFrame(seed, frame, &header, &body), CloseReason::kNone);
  EXPECT_EQ(body, "message");
  EXPECT_EQ(header.type, FrameType::kData);
  for (size_t bit = 0; bit < frame.size() * 8; ++bit) {
    std::string damaged = frame;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(DecodeSealedFrame(seed, damaged, &header, &body), CloseReason::kBadFrame) << bit;
  }
  for (size_t bit = 0; bit < hello.size() * 8; ++bit) {
    std::string damaged = hello;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(DecodeSealedFrame(ChecksumSeed(damaged), frame, &header, &body),
              CloseReason::kBadFrame);
  }
  for (size_t size = 0; size < frame.size(); ++size) {
    EXPECT_EQ(DecodeSealedFrame(seed, frame.substr(0, size), &header, &body),
              CloseReason::kBadFrame);
  }
}

TEST(FrameTest, TrailerIsRefusedWhereNoneWasAgreed) {
  std::string frame = Frame(HeaderOf(FrameType::kData), "message");
  EXPECT_FALSE(HasTrailer(frame));
  FrameHeader header;
  absl::string_view body;
  EXPECT_EQ(DecodeSealedFrame(0, frame, &header, &body), CloseReason::kBadFrame);
  const size_t bytes = frame.size();
  frame.resize(bytes + kChecksumBytes);
  SealChecksum(0, &frame[0], bytes);
  EXPECT_TRUE(HasTrailer(frame));
  EXPECT_EQ(Decode(frame), CloseReason::kBadFrame);
}

}  // namespace
}  // namespace hawser
