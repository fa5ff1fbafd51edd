#include "codec/message_codec.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/codec/codec_test_util.h"
#include "tests/codec/message_maker.h"

namespace hawser {
namespace {

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

// The aims of the format, in bytes beside the payload.
TEST(MessageCodecTest, PredictedMessagesAreAsSmallAsPromised) {
  MessageMaker maker(2);
  MessageEncoder encoder;
  const auto size = [&encoder](const MessageView& message) {
    return Encoded(1, message, &encoder).size();
  };
  size(maker.Append(1, 1, 64));
  EXPECT_LE(size(maker.Append(1, 1, 64)), 64u + 4);
  EXPECT_LE(size(maker.Append(1, 16, 64)), 16 * (64u + 2));
  size(maker.Append(1, 256, 64));
  EXPECT_LE(size(maker.Append(1, 256, 64)), 256 * (64u + 2));
  MessageView message = maker.Append(1, 1, 64);
  message.entries = {};
  message.log_term = message.index = message.commit = 0;
  message.type = MessageType::kHeartbeat;
  message.commit = 5;
  size(message);
  ++message.commit;
  EXPECT_LE(size(message), 4u);
  message.type = MessageType::kHeartbeatResp;
  message.commit = 0;
  EXPECT_LE(size(message), 4u);
  message.type = MessageType::kAppResp;
  message.index = 1000;
  size(message);
  message.index += 256;
  EXPECT_LE(size(message), 4u);
}

// An append of a call whose number follows the last one's takes no more than one of none.
TEST(MessageCodecTest, NumbersOfCallsThatFollowOneAnotherCostNothing) {
  MessageMaker maker(2);
  MessageEncoder encoder;
  MessageDecoder decoder;
  const auto send = [&](uint64_t call) {
    MessageView message = maker.Append(1, 1, 64);
    message.zero_fields = call == 0 ? 0 : kCallBit;
    char bytes[500];
    const size_t size = call == 0 ? encoder.Encode(1, message, bytes, sizeof bytes)
                                  : encoder.EncodeOfCall(1, message, call, bytes, sizeof bytes);
    DecodedMessage decoded;
    EXPECT_EQ(decoder.Decode({bytes, size}, &decoded), DecodeError::kNone);
    EXPECT_EQ(decoded.message, message);
    if (call != 0) {
      EXPECT_EQ(decoder.TakeCall(&decoded.message), call);
    }
    return size;
  };
  send(0);
  const size_t alone = send(0);
  send(7);
  for (uint64_t call = 8; call < 300; ++call) EXPECT_EQ(send(call), alone);
  EXPECT_GT(send(1000), alone);
  EXPECT_EQ(send(1001), alone);
  EXPECT_GT(send(0), alone);
  EXPECT_EQ(send(0), alone);
}

TEST(MessageCodecTest, ManyGroupsInterleavedComeBackEqual) {
  MessageMaker maker(3);
  CodecPair pair;
  for (int round = 0; round < 30000; ++round) {
    const uint64_t group = maker.Below(500);
    ASSERT_TRUE(pair.RoundTrip(group, maker.Follow(group))) << "round " << round;
  }
}

TEST(MessageCodecTest, FullGroupTableGoesOnWithoutState) {
  MessageMaker maker(4);
  CodecLimits limits;
  limits.groups_max = 3;
  CodecPair pair(limits);
  for (int round = 0; round < 3000; ++round) {
    const uint64_t group = maker.Below(6);
    ASSERT_TRUE(pair.RoundTrip(group, maker.Follow(group))) << "round " << round;
  }
}

TEST(MessageCodecTest, TheEncoderKeepsToTheDecodersLimit) {
  MessageMaker maker(4);
  CodecLimits limits;
  limits.groups_max = 3;
  MessageEncoder encoder;
  encoder.Reset(limits.groups_max);
  MessageDecoder decoder(limits);
  DecodedMessage decoded;
  for (int round = 0; round < 1000; ++round) {
    const uint64_t group = maker.Below(6);
    ASSERT_EQ(decoder.Decode(Encoded(group, maker.Follow(group), &encoder), &decoded),
              DecodeError::kNone);
    ASSERT_EQ(decoded.group, group);
  }
}

TEST(MessageCodecTest, MoreSlotsThanTheDecodersLimitAreRefused) {
  MessageMaker maker(5);
  CodecLimits limits;
  limits.groups_max = 1;
  MessageEncoder encoder;
  MessageDecoder decoder(limits);
  DecodedMessage decoded;
  EXPECT_EQ(decoder.Decode(Encoded(1, maker.Append(1, 1, 1), &encoder), &decoded),
            DecodeError::kNone);
  EXPECT_EQ(decoder.Decode(Encoded(2, maker.Append(2, 1, 1), &encoder), &decoded),
            DecodeError::kTooManyGroups);
}

TEST(MessageCodecTest, ResetBeginsAnewOnBothSides) {
  MessageMaker maker(6);
  CodecPair pair;
  for (int epoch = 0; epoch < 20; ++epoch) {
    for (int round = 0; round < 50; ++round) {
      const uint64_t group = maker.Below(40);
      ASSERT_TRUE(pair.RoundTrip(group, maker.Follow(group)));
    }
    pair.encoder.Reset();
    pair.decoder.Reset();
  }
}

// A predictor that is not reset with the epoch must never decode wrongly.
TEST(MessageCodecTest, ResetOnOneSideOnlyIsDetected) {
  for (uint64_t before = 1; before < 140; ++before) {
    MessageMaker maker(before);
    CodecPair pair;
    for (uint64_t round = 0; round < before; ++round) {
      ASSERT_TRUE(pair.RoundTrip(0, maker.Append(0, 1, 4)));
    }
    DecodedMessage decoded;
    pair.decoder.Reset();
    EXPECT_NE(pair.decoder.Decode(Encoded(0, maker.Append(0, 1, 4), &pair.encoder), &decoded),
              DecodeError::kNone);
  }
}

TEST(MessageCodecTest, BufferTooSmallChangesNothing) {
  MessageMaker maker(7);
  CodecPair pair;
  for (int round = 0; round < 2000; ++round) {
    const uint64_t group = maker.Below(3);
    const MessageView message = maker.Follow(group);
    for (size_t capacity = 0; capacity < 40; capacity += 7) {
      std::string small(capacity, '\0');
      const size_t bytes = pair.encoder.Encode(group, message, &small[0], capacity);
      if (bytes > 0) {
        DecodedMessage decoded;
        ASSERT_EQ(pair.decoder.Decode({small.data(), bytes}, &decoded), DecodeError::kNone);
        ASSERT_EQ(decoded.message, message);
        break;
      }
    }
    ASSERT_TRUE(pair.RoundTrip(group, message));
  }
}

TEST(MessageCodecTest, BufferOfExactlyTheMessageIsEnough) {
  MessageMaker maker(8);
  MessageEncoder first;
  MessageEncoder second;
  for (int round = 0; round < 2000; ++round) {
    const uint64_t group = maker.Below(3);
    const MessageView message = maker.Follow(group);
    const std::string bytes = Encoded(group, message, &first);
    // On the heap, so that AddressSanitizer sees a write past the end.
    const std::unique_ptr<char[]> exact(new char[bytes.size()]);
    ASSERT_EQ(second.Encode(group, message, exact.get(), bytes.size()), bytes.size());
    ASSERT_EQ(bytes, absl::string_view(exact.get(), bytes.size()));
  }
}

// A message lost, repeated or swapped with the next one: refused at once, never decoded wrongly.
TEST(MessageCodecTest, LostRepeatedAndReorderedMessagesAreDetected) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    MessageMaker maker(seed);
    MessageEncoder encoder;
    std::vector<std::string> sent;
    for (int at = 0; at < 12; ++at) {
      sent.push_back(Encoded(0, maker.Append(0, 1 + maker.Below(4), 8), &encoder));
    }
    const size_t victim = 1 + maker.Below(9);
    for (int kind = 0; kind < 3; ++kind) {
      std::vector<std::string> arrives = sent;
      if (kind == 0) {
        arrives.erase(arrives.begin() + static_cast<ptrdiff_t>(victim));
      } else if (kind == 1) {
        arrives.insert(arrives.begin() + static_cast<ptrdiff_t>(victim), sent[victim]);
      } else {
        std::swap(arrives[victim], arrives[victim + 1]);
      }
      MessageDecoder decoder;
      DecodedMessage decoded;
      size_t good = 0;
      while (good < arrives.size() &&
             decoder.Decode(arrives[good], &decoded) == DecodeError::kNone) {
        ++good;
      }
      EXPECT_EQ(good, kind == 1 ? victim + 1 : victim) << "seed " << seed << " kind " << kind;
    }
  }
}

TEST(MessageCodecTest, MessageInPiecesComesBackEqual) {
  MessageMaker maker(9);
  CodecPair pair;
  EncodedSegments segments;
  for (int round = 0; round < 5000; ++round) {
    const uint64_t group = maker.Below(3);
    const MessageView message = maker.Follow(group);
    pair.encoder.EncodeSegments(group, message, /*call=*/0, &segments);
    std::string bytes;
    for (const EncodedSegments::Segment& segment : segments.segments()) {
      bytes.append(segment.bytes.data(), segment.bytes.size());
    }
    ASSERT_EQ(bytes.size(), segments.total_bytes());
    std::vector<std::string> owned;
    for (size_t at = 0; at < bytes.size();) {
      owned.push_back(bytes.substr(at, maker.Below(OneOf(&maker, 5, 50, 500))));
      at += owned.back().size();
    }
    const std::vector<absl::string_view> pieces(owned.begin(), owned.end());
    HeapJoiner joiner;
    DecodedMessage decoded;
    ASSERT_EQ(pair.decoder.DecodePieces(pieces, &joiner, &decoded), DecodeError::kNone);
    ASSERT_EQ(decoded.message, message) << "round " << round;
    ASSERT_EQ(decoded.group, group);
    ASSERT_EQ(decoded.bytes, bytes.size());
  }
}

TEST(MessageCodecTest, EntriesWithinAPieceAreNotCopied) {
  MessageMaker maker(10);
  CodecPair pair;
  ASSERT_TRUE(pair.RoundTrip(0, maker.Append(0, 1, 10)));
  const MessageView message = maker.Append(0, 4, 5000);
  EncodedSegments segments;
  pair.encoder.EncodeSegments(0, message, /*call=*/0, &segments);
  std::vector<absl::string_view> pieces;
  for (const EncodedSegments::Segment& segment : segments.segments()) {
    pieces.push_back(segment.bytes);
  }
  ASSERT_EQ(pieces.size(), 5u);
  HeapJoiner joiner;
  joiner.refuse = true;
  DecodedMessage decoded;
  ASSERT_EQ(pair.decoder.DecodePieces(pieces, &joiner, &decoded), DecodeError::kNone);
  for (size_t at = 0; at < 4; ++at) {
    EXPECT_EQ(decoded.message.entries[at].data.data(), message.entries[at].data.data());
  }
}

TEST(MessageCodecTest, RefusedJoinIsAnError) {
  MessageMaker maker(11);
  MessageEncoder encoder;
  MessageDecoder decoder;
  HeapJoiner joiner;
  joiner.refuse = true;
  const std::string bytes = Encoded(0, maker.Append(0, 1, 90), &encoder);
  const absl::string_view pieces[] = {absl::string_view(bytes).substr(0, 80),
                                      absl::string_view(bytes).substr(80)};
  DecodedMessage decoded;
  EXPECT_EQ(decoder.DecodePieces(pieces, &joiner, &decoded), DecodeError::kJoinRefused);
}

TEST(MessageCodecTest, WholeMessagesRideBetweenOthers) {
  MessageMaker maker(12);
  CodecPair pair;
  for (int round = 0; round < 3000; ++round) {
    const uint64_t group = maker.Below(3);
    const MessageView message = maker.Follow(group);
    if (maker.OneIn(2)) {
      ASSERT_TRUE(pair.RoundTrip(group, message));
      continue;
    }
    std::string bytes(MessageEncoder::WholeSizeBound(message), '\0');
    bytes.resize(pair.encoder.EncodeWhole(group, message, &bytes[0], bytes.size()));
    DecodedMessage decoded;
    ASSERT_EQ(pair.decoder.Decode(bytes, &decoded), DecodeError::kNone);
    ASSERT_EQ(decoded.message, message);
    ASSERT_EQ(decoded.group, group);
  }
}

TEST(MessageCodecTest, LimitsAreCheckedBeforeAnythingElse) {
  CodecLimits limits;
  limits.message_bytes_max = 100;
  limits.entries_max = 2;
  MessageMaker maker(13);
  for (const size_t count : {size_t{1}, size_t{3}}) {
    MessageEncoder encoder;
    MessageDecoder decoder(limits);
    DecodedMessage decoded;
    EXPECT_EQ(decoder.Decode(Encoded(0, maker.Append(0, 1, 1), &encoder), &decoded),
              DecodeError::kNone);
    const std::string bytes = Encoded(0, maker.Append(0, count, 101), &encoder);
    EXPECT_EQ(decoder.Decode(bytes, &decoded),
              count == 1 ? DecodeError::kTooLarge : DecodeError::kTooManyEntries);
    EXPECT_FALSE(MessageEncoder(limits).WithinLimits(maker.Append(0, count, 101)));
  }
  MessageDecoder decoder(limits);
  DecodedMessage decoded;
  EXPECT_EQ(decoder.Decode({"\x80\x65\x00\x00\x00\x00", 6}, &decoded), DecodeError::kTooLarge);
  EXPECT_EQ(decoder.Decode({"\x01\x65\x00\x00\x00\x00", 6}, &decoded), DecodeError::kBadSlot);
}

TEST(MessageCodecTest, TagsThatMeanNothingAreRefused) {
  for (int tag = 0; tag < 256; ++tag) {
    const std::string bytes = std::string(1, static_cast<char>(tag)) + std::string(40, '\0');
    MessageDecoder decoder;
    DecodedMessage decoded;
    EXPECT_NE(decoder.Decode(bytes, &decoded), DecodeError::kNone) << tag;
  }
  MessageDecoder decoder;
  DecodedMessage decoded;
  EXPECT_EQ(decoder.Decode("", &decoded), DecodeError::kTruncated);
  EXPECT_EQ(decoder.Decode(absl::string_view("\0", 1), &decoded), DecodeError::kBadTag);
  EXPECT_EQ(decoder.Decode("\xff", &decoded), DecodeError::kBadTag);
  EXPECT_EQ(decoder.Decode("\x0d", &decoded), DecodeError::kReservedForm);
}

}  // namespace
}  // namespace hawser
