// Random messages of interleaved groups, in one buffer, in pieces, and whole, come back equal.
//
// CODEC_ROUNDS in the environment sets how many (default 100,000).

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "codec/message_codec.h"
#include "codec/raftpb_convert.h"
#include "gtest/gtest.h"
#include "tests/codec/codec_test_util.h"
#include "tests/codec/message_maker.h"

namespace hawser {
namespace {

uint64_t Rounds() {
  const char* const text = std::getenv("CODEC_ROUNDS");
  uint64_t rounds = 0;
  return text != nullptr && absl::SimpleAtoi(text, &rounds) ? rounds : 100000;
}

// A lane as the transport uses it: short messages in frames, long ones cut into pieces.
class Lane {
 public:
  void Send(uint64_t group, MessageView message, MessageMaker* maker) {
    // Runs of messages that belong to calls, whose numbers mostly follow one another.
    if (maker->OneIn(10)) {
      in_calls_[group] = !in_calls_[group];
    }
    call_ = 0;
    if (in_calls_[group]) {
      last_calls_[group] += maker->OneIn(10) ? 1 + maker->Below(1000) : 1;
      call_ = last_calls_[group];
      message.zero_fields |= kCallBit;
    }
    CodecCounters::Kind& sent = sent_.kinds[static_cast<size_t>(message.type)];
    sent.raftpb_bytes += RaftpbSize(message);
    ++sent.missed;
    if (call_ == 0 && maker->OneIn(20)) {
      std::string whole(MessageEncoder::WholeSizeBound(message), '\0');
      whole.resize(encoder_.EncodeWhole(group, message, &whole[0], whole.size()));
      Arrives(group, message, decoder_.Decode(whole, &decoded_), whole.size());
    } else if (maker->OneIn(4)) {
      SendInPieces(group, message, maker);
    } else {
      std::string bytes(MessageEncoder::SizeBound(message), '\0');
      bytes.resize(call_ == 0
                       ? encoder_.Encode(group, message, &bytes[0], bytes.size())
                       : encoder_.EncodeOfCall(group, message, call_, &bytes[0], bytes.size()));
      Arrives(group, message, decoder_.Decode(bytes, &decoded_), bytes.size());
    }
  }

  // Both ends counted every message, its bytes here and its bytes as raftpb.
  void CheckCounters() const {
    for (int type = 0; type < kMessageTypeCount; ++type) {
      const CodecCounters::Kind& sent = sent_.kinds[type];
      for (const CodecCounters* counters : {&encoder_.counters(), &decoder_.counters()}) {
        const CodecCounters::Kind& kind = counters->kinds[type];
        ASSERT_EQ(kind.predicted + kind.missed, sent.missed);
        ASSERT_EQ(kind.bytes, sent.bytes);
        ASSERT_EQ(kind.raftpb_bytes, sent.raftpb_bytes) << type;
      }
    }
  }

 private:
  void SendInPieces(uint64_t group, const MessageView& message, MessageMaker* maker) {
    encoder_.EncodeSegments(group, message, call_, &segments_);
    std::string bytes;
    for (const EncodedSegments::Segment& segment : segments_.segments()) {
      bytes.append(segment.bytes.data(), segment.bytes.size());
    }
    std::vector<absl::string_view> pieces;
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = 1 + maker->Below(OneOf(maker, 3, 60, 2000));
      pieces.push_back(absl::string_view(bytes).substr(at, size));
      at += size;
    }
    HeapJoiner joiner;
    Arrives(group, message, decoder_.DecodePieces(pieces, &joiner, &decoded_), bytes.size());
  }

  void Arrives(uint64_t group, MessageView message, DecodeError error, size_t bytes) {
    ASSERT_STREQ(DecodeErrorName(error), "none");
    if (call_ != 0) {
      ASSERT_NE(decoded_.message.zero_fields & kCallBit, 0);
      ASSERT_EQ(decoder_.TakeCall(&decoded_.message), call_);
      message.zero_fields &= static_cast<uint16_t>(~kCallBit);
    }
    ASSERT_EQ(decoded_.group, group);
    ASSERT_EQ(decoded_.message, message);
    ASSERT_EQ(decoded_.bytes, bytes);
    sent_.kinds[static_cast<size_t>(message.type)].bytes += bytes;
    ASSERT_TRUE(IsEncodable(decoded_.message));
  }

  MessageEncoder encoder_;
  MessageDecoder decoder_;
  EncodedSegments segments_;
  DecodedMessage decoded_;
  uint64_t call_ = 0;  // Of the message being sent.
  std::map<uint64_t, bool> in_calls_;
  std::map<uint64_t, uint64_t> last_calls_;
  // `missed`: all messages.
  CodecCounters sent_;
};

TEST(CodecPropertyTest, RandomMessagesComeBackEqual) {
  MessageMaker maker(1);
  // Two lanes of one direction: neither knows of the other.
  Lane lanes[2];
  const uint64_t rounds = Rounds();
  for (uint64_t round = 0; round < rounds && !testing::Test::HasFatalFailure(); ++round) {
    const uint64_t group = maker.Below(20);
    const MessageView message = maker.OneIn(4) ? maker.Any() : maker.Follow(group);
    lanes[maker.Below(2)].Send(group, message, &maker);
  }
  for (const Lane& lane : lanes) {
    lane.CheckCounters();
  }
}

// Against the protobuf library: what arrives, as protobuf, is what was sent.
TEST(CodecPropertyTest, RandomMessagesAgreeWithTheProtobufLibrary) {
  MessageMaker maker(2);
  MessageEncoder encoder;
  MessageDecoder decoder;
  ViewScratch scratch;
  const uint64_t rounds = Rounds() / 5;
  for (uint64_t round = 0; round < rounds; ++round) {
    const uint64_t group = maker.Below(20);
    raftpb::Message sent;
    ASSERT_TRUE(ToProto(maker.OneIn(4) ? maker.Any() : maker.Follow(group), &sent));
    DecodedMessage decoded;
    const std::string bytes = Encoded(group, ViewOf(sent, &scratch), &encoder);
    ASSERT_EQ(decoder.Decode(bytes, &decoded), DecodeError::kNone);
    raftpb::Message received;
    ASSERT_TRUE(ToProto(decoded.message, &received));
    ASSERT_EQ(received.SerializeAsString(), sent.SerializeAsString());
  }
}

}  // namespace
}  // namespace hawser
