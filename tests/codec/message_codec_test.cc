#include "codec/message_codec.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/codec/message_maker.h"

namespace hawser {
namespace {

class HeapJoiner : public PieceJoiner {
 public:
  char* Join(size_t bytes) override {
    if (refuse) {
      return nullptr;
    }
    blocks_.emplace_back(new char[bytes]);
    return blocks_.back().get();
  }

  bool refuse = false;

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
};

std::string Encoded(uint64_t group, const MessageView& message, MessageEncoder* encoder) {
  std::string out(MessageEncoder::SizeBound(message), '\0');
  out.resize(encoder->Encode(group, message, &out[0], out.size()));
  EXPECT_FALSE(out.empty());
  return out;
}

TEST(MessageCodecTest, MessagesBackToBackComeBackEqual) {
  MessageMaker maker(1);
  MessageMaker again(1);
  MessageEncoder encoder;
  MessageDecoder decoder;
  std::string frame;
  for (int round = 0; round < 1000; ++round) {
    const uint64_t group = maker.Below(3);
    frame += Encoded(group, maker.Follow(group), &encoder);
  }
  absl::string_view left = frame;
  for (int round = 0; round < 1000; ++round) {
    const uint64_t group = again.Below(3);
    const MessageView expected = again.Follow(group);
    DecodedMessage decoded;
    ASSERT_EQ(decoder.Decode(left, &decoded), DecodeError::kNone);
    EXPECT_EQ(decoded.group, group);
    EXPECT_EQ(decoded.message, expected);
    left.remove_prefix(decoded.bytes);
  }
  EXPECT_TRUE(left.empty());
}

TEST(MessageCodecTest, BufferTooSmallChangesNothing) {
  MessageMaker maker(2);
  MessageEncoder encoder;
  MessageDecoder decoder;
  const MessageView message = maker.Append(0, 2, 30);
  char small[20];
  EXPECT_EQ(encoder.Encode(1, message, small, sizeof(small)), 0u);
  DecodedMessage decoded;
  const std::string bytes = Encoded(1, message, &encoder);
  EXPECT_EQ(decoder.Decode(bytes, &decoded), DecodeError::kNone);
}

TEST(MessageCodecTest, LostMessageIsDetected) {
  MessageMaker maker(3);
  MessageEncoder encoder;
  MessageDecoder decoder;
  const std::string first = Encoded(0, maker.Append(0, 1, 8), &encoder);
  const std::string second = Encoded(0, maker.Append(0, 1, 8), &encoder);
  DecodedMessage decoded;
  EXPECT_EQ(decoder.Decode(second, &decoded), DecodeError::kBadCheck);
}

TEST(MessageCodecTest, MessageInPiecesComesBackEqual) {
  MessageMaker maker(4);
  const MessageView message = maker.Append(0, 3, 30);
  for (size_t cut = 0; cut < 100; ++cut) {
    MessageEncoder encoder;
    MessageDecoder decoder;
    HeapJoiner joiner;
    EncodedSegments segments;
    encoder.EncodeSegments(7, message, &segments);
    std::string bytes;
    for (const EncodedSegments::Segment& segment : segments.segments()) {
      bytes.append(segment.bytes.data(), segment.bytes.size());
    }
    ASSERT_EQ(bytes.size(), segments.total_bytes());
    ASSERT_LT(cut, bytes.size());
    const std::string head = bytes.substr(0, cut);
    const std::string tail = bytes.substr(cut);
    const absl::string_view pieces[] = {head, tail};
    DecodedMessage decoded;
    ASSERT_EQ(decoder.DecodePieces(pieces, &joiner, &decoded), DecodeError::kNone);
    EXPECT_EQ(decoded.message, message);
    EXPECT_EQ(decoded.group, 7u);
    EXPECT_EQ(decoded.bytes, bytes.size());
  }
}

TEST(MessageCodecTest, RefusedJoinIsAnError) {
  MessageMaker maker(5);
  MessageEncoder encoder;
  MessageDecoder decoder;
  HeapJoiner joiner;
  joiner.refuse = true;
  const std::string bytes = Encoded(0, maker.Append(0, 1, 30), &encoder);
  const absl::string_view pieces[] = {absl::string_view(bytes).substr(0, 40),
                                      absl::string_view(bytes).substr(40)};
  DecodedMessage decoded;
  EXPECT_EQ(decoder.DecodePieces(pieces, &joiner, &decoded), DecodeError::kJoinRefused);
}

TEST(MessageCodecTest, EveryTruncationIsRefused) {
  MessageMaker maker(6);
  MessageEncoder encoder;
  const std::string bytes = Encoded(300, maker.Append(0, 2, 30), &encoder);
  for (size_t size = 0; size < bytes.size(); ++size) {
    MessageDecoder decoder;
    DecodedMessage decoded;
    EXPECT_NE(decoder.Decode(absl::string_view(bytes).substr(0, size), &decoded),
              DecodeError::kNone);
  }
}

TEST(MessageCodecTest, EveryBitFlipIsRefused) {
  MessageMaker maker(7);
  MessageEncoder encoder;
  const std::string bytes = Encoded(300, maker.Append(0, 2, 30), &encoder);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    MessageDecoder decoder;
    DecodedMessage decoded;
    EXPECT_NE(decoder.Decode(damaged, &decoded), DecodeError::kNone) << bit;
  }
}

TEST(MessageCodecTest, LengthAboveTheLimitIsRefusedBeforeAnythingElse) {
  CodecLimits limits;
  limits.message_bytes_max = 100;
  MessageDecoder decoder(limits);
  DecodedMessage decoded;
  const std::string bytes("\x80\x65\x00\x00\x00\x00", 6);
  EXPECT_EQ(decoder.Decode(bytes, &decoded), DecodeError::kTooLarge);
}

}  // namespace
}  // namespace hawser
