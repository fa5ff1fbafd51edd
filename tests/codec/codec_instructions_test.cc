// How many instructions the messages that matter take, in an optimized build:
// bazel test --config=opt //tests/codec:codec_instructions_test

#include <cstdio>
#include <string>
#include <vector>

#include "absl/base/attributes.h"
#include "codec/message_codec.h"
#include "gtest/gtest.h"
#include "tests/support/instruction_counter.h"

namespace hawser {
namespace {

constexpr int kMessages = 60;

// Appends as a leader sends them to a follower: one entry of 64 bytes each.
class Appends {
 public:
  Appends() : payload_(64, 'x'), entries_(kMessages + 1) {
    for (size_t at = 0; at < entries_.size(); ++at) {
      EntryView& entry = entries_[at];
      entry.term = 7;
      entry.index = 1000001 + at;
      entry.data = payload_;
      MessageView message;
      message.type = MessageType::kApp;
      message.from = 0x8211f1d0f64f3269;
      message.to = 0x91bc3c398fb3c146;
      message.term = message.log_term = 7;
      message.index = 1000000 + at;
      // Now and then none was committed.
      message.commit = message.index - (at % 4 == 0 ? 1 : 0);
      message.entries = absl::MakeConstSpan(&entry, 1);
      messages_.push_back(message);
    }
  }

  const std::vector<MessageView>& messages() const { return messages_; }

 private:
  const std::string payload_;
  std::vector<EntryView> entries_;
  std::vector<MessageView> messages_;
};

using Messages = absl::Span<const MessageView>;

// All messages for each of `groups` groups in turn; returns the bytes.
template <typename Encoder>
size_t EncodeAll(Messages messages, uint64_t groups, Encoder* encoder, char* out, size_t capacity) {
  char* at = out;
  for (const MessageView& message : messages) {
    for (uint64_t group = 0; group < groups; ++group) {
      at += encoder->Encode(group, message, at, capacity);
    }
  }
  return static_cast<size_t>(at - out);
}

template <typename Decoder>
bool DecodeAll(absl::string_view bytes, Decoder* decoder) {
  DecodedMessage decoded;
  while (!bytes.empty()) {
    if (decoder->Decode(bytes, &decoded) != DecodeError::kNone) return false;
    bytes.remove_prefix(decoded.bytes);
  }
  return true;
}

// What the loops themselves take. One instruction more than nothing, each.
struct NoEncoder {
  ABSL_ATTRIBUTE_NOINLINE size_t Encode(uint64_t group, const MessageView& message, char* out,
                                        size_t capacity) {
    __asm__ volatile("");
    return 67;
  }
};

struct NoDecoder {
  ABSL_ATTRIBUTE_NOINLINE DecodeError Decode(absl::string_view bytes, DecodedMessage* out) {
    out->bytes = 67;
    return DecodeError::kNone;
  }
};

struct Counts {
  double encode = 0;
  double decode = 0;
};

// Instructions a message, for messages of `groups` groups in turn.
Counts Counted(uint64_t groups) {
  const Appends appends;
  const Messages messages = appends.messages();
  const double measured = static_cast<double>((messages.size() - 1) * groups);
  MessageEncoder encoder;
  MessageDecoder decoder;
  std::vector<char> out(1 << 20);
  const size_t capacity = 4096;
  // Once before: calls into shared libraries find their way the first time.
  MessageEncoder warm_encoder;
  MessageDecoder warm_decoder;
  const size_t warm = EncodeAll(messages, groups, &warm_encoder, out.data(), capacity);
  EXPECT_TRUE(DecodeAll({out.data(), warm}, &warm_decoder));
  // The first opens the groups.
  const size_t opening = EncodeAll(messages.subspan(0, 1), groups, &encoder, out.data(), capacity);
  EXPECT_TRUE(DecodeAll({out.data(), opening}, &decoder));
  const auto encode = [&](auto* with) {
    return CountInstructions(
        [&] { EncodeAll(messages.subspan(1), groups, with, out.data(), capacity); });
  };
  const auto decode = [&](auto* with, size_t bytes) {
    return CountInstructions([&] { DecodeAll({out.data(), bytes}, with); });
  };
  NoEncoder no_encoder;
  NoDecoder no_decoder;
  Counts counts;
  counts.encode = static_cast<double>(encode(&encoder) - encode(&no_encoder)) / measured;
  const size_t bytes = EncodeAll(messages.subspan(1), groups, &encoder, out.data(), capacity);
  const size_t same_count = (messages.size() - 1) * groups * 67;
  counts.decode =
      static_cast<double>(decode(&decoder, bytes) - decode(&no_decoder, same_count)) / measured;
  EXPECT_TRUE(DecodeAll({out.data(), bytes}, &decoder));
  return counts;
}

TEST(CodecInstructionsTest, AppendOf64BytesTakesAtMost150EachWay) {
  if (!InstructionsMatter()) GTEST_SKIP() << "only with --config=opt";
  if (CountInstructions([] {}) < 0) GTEST_SKIP() << "cannot count instructions here";
  const Counts one = Counted(1);
  const Counts four = Counted(4);
  std::printf("instructions a message: encode %.1f, decode %.1f; 4 groups in turn: %.1f, %.1f\n",
              one.encode, one.decode, four.encode, four.decode);
  EXPECT_LE(one.encode, 150);
  EXPECT_LE(one.decode, 150);
}

}  // namespace
}  // namespace hawser
