// Damage to a recorded stream: every truncation and every flipped bit is refused, or is exactly
// a flipped bit of entry data.

#include <string>
#include <vector>

#include "codec/message_codec.h"
#include "gtest/gtest.h"
#include "tests/codec/codec_test_util.h"
#include "tests/codec/message_maker.h"

namespace hawser {
namespace {

// A stream and, for each message, where it begins and what bytes of it are entry data.
class Recording {
 public:
  Recording(uint64_t seed, uint64_t groups, int messages) : maker_(seed) {
    for (int at = 0; at < messages; ++at) {
      const uint64_t group = maker_.Below(groups);
      const MessageView message = Small(group);
      begins_.push_back(stream_.size());
      const std::string bytes = Encoded(group, message, &encoder_);
      stream_ += bytes;
      payload_.insert(payload_.end(), bytes.size() - PayloadBytes(message), false);
      payload_.insert(payload_.end(), PayloadBytes(message), true);
    }
    begins_.push_back(stream_.size());
  }

  const std::string& stream() const { return stream_; }
  bool IsPayload(size_t at) const { return payload_[at]; }

  // Decodes `bytes` up to the first error. True when all that came is as it was sent, but for
  // the bit `flipped` (in entry data).
  bool ArrivesUnchangedUntilRefused(const std::string& bytes, size_t flipped, bool* refused) {
    MessageDecoder intact;
    MessageDecoder decoder;
    absl::string_view left = bytes;
    for (size_t at = 0; at + 1 < begins_.size(); ++at) {
      DecodedMessage decoded;
      DecodedMessage sent;
      *refused = decoder.Decode(left, &decoded) != DecodeError::kNone;
      if (*refused) {
        return true;
      }
      const absl::string_view original =
          absl::string_view(stream_).substr(begins_[at], begins_[at + 1] - begins_[at]);
      EXPECT_EQ(intact.Decode(original, &sent), DecodeError::kNone);
      if (decoded.bytes != sent.bytes || decoded.group != sent.group) {
        return false;
      }
      const bool holds_flip = flipped / 8 >= begins_[at] && flipped / 8 < begins_[at + 1];
      if (holds_flip ? !DiffersInOneBit(sent.message, decoded.message)
                     : sent.message != decoded.message) {
        return false;
      }
      left.remove_prefix(decoded.bytes);
    }
    return left.empty();
  }

 private:
  MessageView Small(uint64_t group) {
    for (;;) {
      const MessageView message = maker_.Follow(group);
      if (PayloadBytes(message) < 300) {
        return message;
      }
    }
  }

  MessageMaker maker_;
  MessageEncoder encoder_;
  std::string stream_;
  std::vector<bool> payload_;
  std::vector<size_t> begins_;
};

TEST(CodecDamageTest, EveryTruncationIsRefused) {
  for (const uint64_t groups : {1u, 5u}) {
    Recording recording(groups, groups, 60);
    for (size_t size = 0; size < recording.stream().size(); ++size) {
      bool refused = false;
      ASSERT_TRUE(recording.ArrivesUnchangedUntilRefused(recording.stream().substr(0, size),
                                                         ~size_t{0}, &refused));
      ASSERT_TRUE(refused);
    }
  }
}

TEST(CodecDamageTest, EveryFlippedBitIsRefusedOrPayload) {
  for (const uint64_t groups : {1u, 5u}) {
    Recording recording(10 + groups, groups, 60);
    std::string damaged = recording.stream();
    for (size_t bit = 0; bit < damaged.size() * 8; ++bit) {
      damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
      bool refused = false;
      ASSERT_TRUE(recording.ArrivesUnchangedUntilRefused(damaged, bit, &refused))
          << "groups " << groups << " bit " << bit;
      ASSERT_EQ(refused, !recording.IsPayload(bit / 8)) << "groups " << groups << " bit " << bit;
      damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    }
  }
}

TEST(CodecDamageTest, RandomBytesNeverCrash) {
  MessageMaker maker(20);
  Recording recording(21, 3, 50);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = recording.stream();
    for (uint64_t count = 1 + maker.Below(20); count > 0; --count) {
      bytes[maker.Below(bytes.size())] = static_cast<char>(maker.Below(256));
    }
    MessageDecoder decoder;
    DecodedMessage decoded;
    absl::string_view left = bytes;
    while (!left.empty() && decoder.Decode(left, &decoded) == DecodeError::kNone) {
      left.remove_prefix(decoded.bytes);
    }
  }
}

}  // namespace
}  // namespace hawser
