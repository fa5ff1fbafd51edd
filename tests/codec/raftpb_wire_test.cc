#include "codec/raftpb_wire.h"

#include <string>

#include "codec/raftpb_convert.h"
#include "gtest/gtest.h"
#include "raftpb/hawser_raftpb.pb.h"
#include "tests/codec/message_maker.h"

namespace hawser {
namespace {

std::string Written(const MessageView& message) {
  std::string bytes(RaftpbSize(message), '\0');
  EXPECT_EQ(WriteRaftpb(message, &bytes[0]), bytes.data() + bytes.size());
  return bytes;
}

std::string Str(const char* bytes, size_t size) { return std::string(bytes, size); }
#define BYTES(literal) Str(literal, sizeof(literal) - 1)

TEST(RaftpbWireTest, RandomMessagesComeBackEqual) {
  MessageMaker maker(1);
  RaftpbDecoder decoder;
  for (int round = 0; round < 20000; ++round) {
    const MessageView message = maker.Any();
    ASSERT_TRUE(IsEncodable(message));
    const std::string bytes = Written(message);
    MessageView back;
    ASSERT_EQ(decoder.Decode(bytes, &back), DecodeError::kNone);
    ASSERT_EQ(back, message) << "round " << round;
  }
}

// The protobuf library is the judge: same bytes out, same message in.
TEST(RaftpbWireTest, RandomMessagesAgreeWithTheProtobufLibrary) {
  MessageMaker maker(2);
  RaftpbDecoder decoder;
  ViewScratch scratch;
  for (int round = 0; round < 20000; ++round) {
    const MessageView message = maker.Any();
    const std::string bytes = Written(message);
    raftpb::Message proto;
    ASSERT_TRUE(proto.ParseFromString(bytes));
    ASSERT_EQ(proto.SerializeAsString(), bytes);
    ASSERT_EQ(ViewOf(proto, &scratch), message) << proto.DebugString();

    raftpb::Message converted;
    ASSERT_TRUE(ToProto(message, &converted));
    ASSERT_EQ(converted.SerializeAsString(), bytes);
  }
}

// Damaged bytes: whatever we accept, the library accepts and reads as the same message.
TEST(RaftpbWireTest, DamagedMessagesAgreeWithTheProtobufLibrary) {
  MessageMaker maker(3);
  RaftpbDecoder decoder;
  int accepted = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string bytes = Written(maker.Any());
    for (uint64_t flips = 1 + maker.Below(3); flips > 0 && !bytes.empty(); --flips) {
      bytes[maker.Below(bytes.size())] ^= static_cast<char>(1 << maker.Below(8));
    }
    MessageView view;
    if (decoder.Decode(bytes, &view) != DecodeError::kNone) {
      continue;
    }
    raftpb::Message proto;
    raftpb::Message converted;
    // Metadata and responses are not looked into, so only the library sees damage there.
    if (!proto.ParseFromString(bytes) || !ToProto(view, &converted)) {
      continue;
    }
    ++accepted;
    ASSERT_EQ(converted.SerializeAsString(), proto.SerializeAsString());
  }
  EXPECT_GT(accepted, 1000);
}

TEST(RaftpbWireTest, EveryTruncationOfAnAppendIsRefusedOrShorter) {
  MessageMaker maker(4);
  const MessageView message = maker.Append(0, 3, 20);
  const std::string bytes = Written(message);
  RaftpbDecoder decoder;
  for (size_t size = 0; size < bytes.size(); ++size) {
    MessageView back;
    if (decoder.Decode(absl::string_view(bytes.data(), size), &back) == DecodeError::kNone) {
      EXPECT_NE(back, message);
    }
  }
}

TEST(RaftpbWireTest, ScalarThatComesTwiceCountsLast) {
  RaftpbDecoder decoder;
  MessageView message;
  const std::string bytes = BYTES("\x10\x05\x10\x00\x20\x00\x20\x07");
  ASSERT_EQ(decoder.Decode(bytes, &message), DecodeError::kNone);
  EXPECT_EQ(message.to, 0u);
  EXPECT_EQ(message.term, 7u);
  EXPECT_EQ(message.zero_fields, 1u << 2);
}

TEST(RaftpbWireTest, SnapshotThatComesTwiceIsMerged) {
  RaftpbDecoder decoder;
  MessageView message;
  // {data: "a", metadata: {index: 1}, 15: 1}, {data: "b", metadata: {term: 2}, 15: 2}
  const std::string bytes = BYTES(
      "\x4a\x09\x0a\x01"
      "a"
      "\x12\x02\x10\x01\x78\x01"
      "\x4a\x09\x0a\x01"
      "b"
      "\x12\x02\x18\x02\x78\x02");
  ASSERT_EQ(decoder.Decode(bytes, &message), DecodeError::kNone);
  ASSERT_NE(message.snapshot, nullptr);
  EXPECT_EQ(message.snapshot->data, "b");
  EXPECT_EQ(message.snapshot->metadata, BYTES("\x10\x01\x18\x02"));
  EXPECT_EQ(message.snapshot->unknown_fields, BYTES("\x78\x01\x78\x02"));
}

TEST(RaftpbWireTest, EnumValueOfALaterVersionIsAnUnknownField) {
  RaftpbDecoder decoder;
  MessageView message;
  const std::string bytes = BYTES("\x08\x18\x3a\x02\x08\x03");
  ASSERT_EQ(decoder.Decode(bytes, &message), DecodeError::kNone);
  EXPECT_EQ(message.type, MessageType::kHup);
  EXPECT_EQ(message.unknown_fields, BYTES("\x08\x18"));
  ASSERT_EQ(message.entries.size(), 1u);
  EXPECT_EQ(message.entries[0].unknown_fields, BYTES("\x08\x03"));
  EXPECT_EQ(Written(message), BYTES("\x3a\x02\x08\x03\x08\x18"));
}

TEST(RaftpbWireTest, KnownNumberWithAnotherWireTypeIsAnUnknownField) {
  RaftpbDecoder decoder;
  MessageView message;
  const std::string bytes = BYTES("\x12\x01x");
  ASSERT_EQ(decoder.Decode(bytes, &message), DecodeError::kNone);
  EXPECT_EQ(message.unknown_fields, bytes);
  EXPECT_TRUE(IsEncodable(message));
}

TEST(RaftpbWireTest, ScatteredUnknownFieldsAreJoinedInOrder) {
  RaftpbDecoder decoder;
  MessageView message;
  const std::string bytes = BYTES("\x78\x01\x10\x05\x78\x02\x18\x06\x78\x03");
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(decoder.Decode(bytes, &message), DecodeError::kNone);
    EXPECT_EQ(message.unknown_fields, BYTES("\x78\x01\x78\x02\x78\x03"));
  }
}

TEST(RaftpbWireTest, AbsentAndEmptyBytesAreToldApart) {
  RaftpbDecoder decoder;
  MessageView message;
  ASSERT_EQ(decoder.Decode(BYTES("\x62\x00\x3a\x00\x3a\x02\x22\x00"), &message),
            DecodeError::kNone);
  EXPECT_NE(message.context.data(), nullptr);
  EXPECT_EQ(message.entries[0].data.data(), nullptr);
  EXPECT_NE(message.entries[1].data.data(), nullptr);
  ASSERT_EQ(decoder.Decode("", &message), DecodeError::kNone);
  EXPECT_EQ(message.context.data(), nullptr);
}

TEST(RaftpbWireTest, MoreEntriesThanTheLimitAreRefused) {
  RaftpbLimits limits;
  limits.entries_max = 2;
  RaftpbDecoder decoder(limits);
  MessageView message;
  EXPECT_EQ(decoder.Decode(BYTES("\x3a\x00\x3a\x00"), &message), DecodeError::kNone);
  EXPECT_EQ(decoder.Decode(BYTES("\x3a\x00\x3a\x00\x3a\x00"), &message),
            DecodeError::kTooManyEntries);
  EXPECT_EQ(decoder.Decode(BYTES("\x72\x00\x72\x00\x72\x00"), &message),
            DecodeError::kTooManyEntries);
}

TEST(RaftpbWireTest, NonsenseIsRefused) {
  RaftpbDecoder decoder;
  MessageView message;
  const std::string cases[] = {
      BYTES("\x00"),          // No field number.
      BYTES("\x0c"),          // The end of a group that never began.
      BYTES("\x7b\x84\x01"),  // A group that ends as another.
      BYTES("\x7b\x08\x01"),  // A group that does not end.
      BYTES("\x0e"),          // Wire type 6.
      BYTES("\x10"),          // No value.
      BYTES("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),   // 65 bits.
      BYTES("\x80\x80\x80\x80\x10\x01"),                       // A tag of 33 bits.
      BYTES("\x62\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"),  // Longer than memory.
      std::string(100, '\x7b'),                                // Groups without end.
  };
  for (const std::string& bytes : cases) {
    EXPECT_EQ(decoder.Decode(bytes, &message), DecodeError::kBadRaftpb);
  }
}

TEST(RaftpbWireTest, UnfaithfulViewsAreNotEncodable) {
  MessageView message;
  EXPECT_TRUE(IsEncodable(message));
  message.unknown_fields = absl::string_view("\x10\x05", 2);  // `to` is known.
  EXPECT_FALSE(IsEncodable(message));
  message.unknown_fields = absl::string_view("\x78", 1);  // Half a field.
  EXPECT_FALSE(IsEncodable(message));
  message.unknown_fields = absl::string_view();
  message.to = 5;
  message.zero_fields = 1u << 2;  // Not a zero.
  EXPECT_FALSE(IsEncodable(message));
  message.zero_fields = 1u << 7;  // Not a number.
  EXPECT_FALSE(IsEncodable(message));
  message.zero_fields = 0;
  message.type = static_cast<MessageType>(24);
  EXPECT_FALSE(IsEncodable(message));
}

TEST(RaftpbConvertTest, MetadataThatIsNotProtobufIsLeftOut) {
  SnapshotView snapshot;
  snapshot.metadata = "\xff\xff";
  MessageView message;
  message.snapshot = &snapshot;
  message.to = 4;
  raftpb::Message proto;
  EXPECT_FALSE(ToProto(message, &proto));
  EXPECT_EQ(proto.to(), 4u);
  EXPECT_FALSE(proto.snapshot().has_metadata());
}

}  // namespace
}  // namespace hawser
