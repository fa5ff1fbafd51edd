#include "codec/msgapp_v2.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/codec/message_maker.h"

namespace hawser {
namespace {

std::string Encoded(const MessageView& message, MsgAppV2Encoder* encoder) {
  std::string bytes(encoder->Size(message), '\0');
  EXPECT_EQ(encoder->Encode(message, &bytes[0]), bytes.data() + bytes.size());
  return bytes;
}

TEST(MsgAppV2Test, AppendThatFollowsTakes97Bytes) {
  MessageMaker maker(1);
  MsgAppV2Encoder encoder;
  MessageView message;
  message.type = MessageType::kApp;
  Encoded(maker.Append(0, 1, 64), &encoder);
  const std::string bytes = Encoded(maker.Append(0, 1, 64), &encoder);
  EXPECT_EQ(bytes[0], 1);
  // 1 + 8 + 8 + 8, and an entry with its zeros.
  EXPECT_GE(bytes.size(), 97u);
  EXPECT_LE(bytes.size(), 101u);
}

TEST(MsgAppV2Test, MessagesComeBackAsEtcdsReaderSeesThem) {
  MessageMaker maker(2);
  MsgAppV2Encoder encoder;
  MsgAppV2Decoder decoder(1, 2);
  for (int round = 0; round < 2000; ++round) {
    MessageView message = maker.Append(0, maker.Below(4), maker.Below(70));
    message.from = 2;
    message.to = 1;
    const std::string bytes = Encoded(message, &encoder);
    MsgAppV2Decoder::Frame frame;
    ASSERT_EQ(decoder.Decode(bytes, &frame), DecodeError::kNone);
    EXPECT_EQ(frame.bytes, bytes.size());
    EXPECT_EQ(frame.message.index, message.index);
    EXPECT_EQ(frame.message.term, message.term);
    EXPECT_EQ(frame.message.from, 2u);
    ASSERT_EQ(frame.message.entries.size(), message.entries.size());
    for (size_t at = 0; at < message.entries.size(); ++at) {
      EXPECT_EQ(frame.message.entries[at].data, message.entries[at].data);
      EXPECT_EQ(frame.message.entries[at].index, message.entries[at].index);
    }
  }
}

TEST(MsgAppV2Test, LinkHeartbeatIsOneByteAndChangesNothing) {
  MsgAppV2Encoder encoder;
  MessageView heartbeat;
  heartbeat.type = MessageType::kHeartbeat;
  EXPECT_EQ(Encoded(heartbeat, &encoder), std::string(1, '\0'));
  MsgAppV2Decoder decoder(1, 2);
  MsgAppV2Decoder::Frame frame;
  ASSERT_EQ(decoder.Decode(absl::string_view("\0\x07", 2), &frame), DecodeError::kNone);
  EXPECT_EQ(frame.message, heartbeat);
  EXPECT_EQ(frame.bytes, 1u);
}

TEST(MsgAppV2Test, StateWrapsAroundWithTheIndex) {
  MsgAppV2State state;
  state.index = ~uint64_t{0};
  const EntryView entries[2];
  MessageView message;
  message.entries = entries;
  state.Advance(MsgAppV2Frame::kAppEntries, message);
  EXPECT_EQ(state.index, 1u);
}

TEST(MsgAppV2Test, TruncationChangesNothing) {
  MessageMaker maker(3);
  MsgAppV2Encoder encoder;
  MsgAppV2Decoder decoder(1, 2);
  for (int round = 0; round < 3; ++round) {
    const std::string bytes = Encoded(maker.Append(0, 2, 5), &encoder);
    MsgAppV2Decoder::Frame frame;
    for (size_t size = 0; size < bytes.size(); ++size) {
      const std::unique_ptr<char[]> exact(new char[size]);
      bytes.copy(exact.get(), size);
      ASSERT_EQ(decoder.Decode({exact.get(), size}, &frame), DecodeError::kTruncated);
    }
    ASSERT_EQ(decoder.Decode(bytes, &frame), DecodeError::kNone);
  }
}

}  // namespace
}  // namespace hawser
