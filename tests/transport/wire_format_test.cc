// Holds encoders and decoders to docs/wire_format.md: its examples, both ways, and its tables.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/little_endian.h"
#include "codec/message_codec.h"
#include "gtest/gtest.h"
#include "tests/transport/wire_document.h"
#include "transport/close_reason.h"
#include "transport/fragment_joiner.h"
#include "transport/frame.h"
#include "transport/grpc/transport.pb.h"
#include "transport/hello.h"
#include "transport/lane.h"
#include "transport/options.h"
#include "transport/wire.pb.h"

namespace hawser {
namespace {

class WireFormatTest : public testing::Test {
 protected:
  const WireDocument document_;
};

TEST_F(WireFormatTest, EveryKindOfFrameThatIsBuiltHasAnExample) {
  for (const char* name : {"hello", "hello_message", "fence", "start", "data", "piece_0", "piece_1",
                           "ack", "ping", "switch", "goaway", "bulk_offer", "bulk_chunk"}) {
    EXPECT_FALSE(document_.Get(name).bytes.empty()) << name;
  }
}

TEST_F(WireFormatTest, HeadersEncodeAsWritten) {
  for (const WireExample& example : document_.examples()) {
    if (example.type.empty()) continue;
    ASSERT_GE(example.bytes.size(), kFrameHeaderBytes) << example.name;
    char header[kFrameHeaderBytes];
    EncodeFrameHeader(example.Header(), header);
    EXPECT_EQ(absl::string_view(header, sizeof(header)),
              absl::string_view(example.bytes).substr(0, kFrameHeaderBytes))
        << example.name;
  }
}

TEST_F(WireFormatTest, FramesDecodeAsWritten) {
  for (const WireExample& example : document_.examples()) {
    if (example.type.empty()) continue;
    FrameHeader decoded;
    absl::string_view body;
    ASSERT_EQ(DecodeFrame(example.bytes, &decoded, &body), CloseReason::kNone) << example.name;
    const FrameHeader expected = example.Header();
    EXPECT_EQ(absl::AsciiStrToUpper(FrameTypeName(decoded.type)), example.type);
    EXPECT_EQ(decoded.lane, expected.lane) << example.name;
    EXPECT_EQ(decoded.first, expected.first) << example.name;
    EXPECT_EQ(decoded.last, expected.last) << example.name;
    EXPECT_FALSE(decoded.solicit) << example.name;
    EXPECT_EQ(decoded.count, expected.count) << example.name;
    EXPECT_EQ(decoded.sequence, expected.sequence) << example.name;
    EXPECT_EQ(decoded.ack, expected.ack) << example.name;
    EXPECT_EQ(decoded.credit, expected.credit) << example.name;
    EXPECT_EQ(body, example.body()) << example.name;
    if (FixedBodyBytes(decoded.type) >= 0) {
      EXPECT_EQ(body.size(), static_cast<size_t>(FixedBodyBytes(decoded.type))) << example.name;
    }
  }
}

TEST_F(WireFormatTest, DamagedExamplesAreBadFrames) {
  for (const WireExample& example : document_.examples()) {
    if (example.type.empty()) continue;
    FrameHeader header;
    absl::string_view body;
    for (size_t bytes = 0; bytes < kFrameHeaderBytes; ++bytes) {
      const absl::string_view cut = absl::string_view(example.bytes).substr(0, bytes);
      EXPECT_EQ(DecodeFrame(cut, &header, &body), CloseReason::kBadFrame) << example.name;
    }
    // Reserved bits, a trailer that was not agreed, another version.
    for (const auto& [at, bit] : {std::pair<int, int>{1, 0x80}, {1, 0x40}, {1, 0x10}, {0, 0x20}}) {
      std::string damaged = example.bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ bit);
      EXPECT_EQ(DecodeFrame(damaged, &header, &body), CloseReason::kBadFrame) << example.name;
    }
  }
}

TEST_F(WireFormatTest, Hello) {
  const absl::string_view body = document_.Get("hello").body();
  transport::v1::Hello proto;
  ASSERT_TRUE(proto.ParseFromArray(body.data(), static_cast<int>(body.size())));
  EXPECT_EQ(proto.message_entries_max(), 65536u);

  Hello hello;
  ASSERT_EQ(DecodeHello(body, &hello), CloseReason::kNone);
  EXPECT_EQ(hello.wire_version_min, 1u);
  EXPECT_EQ(hello.wire_version_max, 1u);
  EXPECT_EQ(hello.features, kFeaturePredicted);
  EXPECT_EQ(hello.features_required, kFeaturePredicted);
  EXPECT_EQ(hello.cluster_id, "orders");
  EXPECT_EQ(hello.node_id, 1u);
  EXPECT_EQ(hello.to_node_id, 2u);
  EXPECT_EQ(hello.incarnation, 0x0123456789abcdefu);
  EXPECT_EQ(hello.grpc_addresses, std::vector<std::string>{"127.0.0.1:7001"});
  EXPECT_EQ(hello.frame_bytes_max, 128u * 1024);
  EXPECT_EQ(hello.message_bytes_max, 64u * 1024 * 1024);
  EXPECT_EQ(hello.message_entries_max, 65536u);
  EXPECT_EQ(hello.codec_groups_max, 16384u);
  EXPECT_EQ(hello.receive_unit_bytes, 8192u);
  EXPECT_EQ(EncodeHello(hello), body);

  // What the document shows is a hello that this version takes.
  Options options;
  options.node_id = 2;
  options.cluster_id = "orders";
  EXPECT_EQ(CheckHello(hello, options, /*dialled=*/0), CloseReason::kNone);
}

TEST_F(WireFormatTest, GrpcMessageCarriesFrames) {
  transport::v1::Frames frames;
  frames.add_frame(document_.Get("hello").bytes);
  EXPECT_EQ(frames.SerializeAsString(), document_.Get("hello_message").bytes);
  ASSERT_TRUE(frames.ParseFromString(document_.Get("hello_message").bytes));
  ASSERT_EQ(frames.frame_size(), 1);
  EXPECT_EQ(frames.frame(0), document_.Get("hello").bytes);
}

TEST_F(WireFormatTest, FixedBodies) {
  const auto word = [](absl::string_view body, int i) {
    return LoadLittle<uint32_t>(body.data() + 4 * i);
  };
  const absl::string_view fence = document_.Get("fence").body();
  ASSERT_EQ(fence.size(), 12u);
  EXPECT_EQ(word(fence, 0), 0u);
  EXPECT_EQ(word(fence, 1), 0u);
  EXPECT_EQ(word(fence, 2), 1u);
  const absl::string_view start = document_.Get("start").body();
  ASSERT_EQ(start.size(), 8u);
  EXPECT_EQ(word(start, 0), 1u);
  EXPECT_EQ(word(start, 1), 1u);
  EXPECT_EQ(word(document_.Get("switch").body(), 0), 2u);
  EXPECT_EQ(LoadLittle<uint64_t>(document_.Get("ping").body().data()), 0x0102030405060708u);
}

TEST_F(WireFormatTest, Goaway) {
  EXPECT_EQ(EncodeGoaway(CloseReason::kPeerStop, "stopping"), document_.Get("goaway").body());
  CloseReason reason;
  std::string text;
  ASSERT_TRUE(DecodeGoaway(document_.Get("goaway").body(), &reason, &text));
  EXPECT_EQ(reason, CloseReason::kPeerStop);
  EXPECT_EQ(text, "stopping");
}

// The append of the examples; `n` is 1 for the first.
MessageView Append(uint64_t n, const std::string& data, EntryView* entry) {
  entry->term = 5;
  entry->index = 41 + n;
  entry->data = data;
  MessageView message;
  message.type = MessageType::kApp;
  message.to = 2;
  message.from = 1;
  message.term = 5;
  message.log_term = 5;
  message.index = 40 + n;
  message.commit = 39 + n;
  message.entries = absl::MakeConstSpan(entry, 1);
  return message;
}

// The message in its whole form, group 7, as the next one of `encoder`.
std::string Whole(const MessageView& message, MessageEncoder* encoder) {
  std::string bytes(MessageEncoder::WholeSizeBound(message), '\0');
  bytes.resize(encoder->EncodeWhole(7, message, &bytes[0], bytes.size()));
  return bytes;
}

TEST_F(WireFormatTest, DataAndFragmentsCarryMessages) {
  EntryView entry;
  MessageEncoder encoder;
  MessageDecoder decoder;
  DecodedMessage decoded;

  std::string data = "set x=1";
  MessageView expected = Append(1, data, &entry);
  const absl::string_view body = document_.Get("data").body();
  ASSERT_EQ(decoder.Decode(body, &decoded), DecodeError::kNone);
  EXPECT_EQ(decoded.bytes, body.size());
  EXPECT_EQ(decoded.group, 7u);
  EXPECT_EQ(decoded.message, expected);
  EXPECT_EQ(Whole(expected, &encoder), body);

  FragmentJoiner joiner;
  for (const char* name : {"piece_0", "piece_1"}) {
    const WireExample& piece = document_.Get(name);
    EXPECT_FALSE(joiner.complete());
    ASSERT_EQ(joiner.Add(piece.Header(), piece.body(), 64), CloseReason::kNone) << name;
  }
  ASSERT_TRUE(joiner.complete());
  absl::string_view joined;
  Lease block(joiner.Take(&joined));
  data = "set x=2";
  expected = Append(2, data, &entry);
  ASSERT_EQ(decoder.Decode(joined, &decoded), DecodeError::kNone);
  EXPECT_EQ(decoded.bytes, joined.size());
  EXPECT_EQ(decoded.group, 7u);
  EXPECT_EQ(decoded.message, expected);
  EXPECT_EQ(Whole(expected, &encoder), joined);
}

TEST_F(WireFormatTest, BulkFrames) {
  const absl::string_view offer = document_.Get("bulk_offer").body();
  EXPECT_EQ(LoadLittle<uint64_t>(offer.data()), 1u);
  EXPECT_EQ(LoadLittle<uint64_t>(offer.data() + 8), 1024u * 1024);
  MessageDecoder decoder;
  DecodedMessage decoded;
  ASSERT_EQ(decoder.Decode(offer.substr(16), &decoded), DecodeError::kNone);
  EXPECT_EQ(decoded.bytes, offer.size() - 16);
  EXPECT_EQ(decoded.group, 7u);
  EXPECT_EQ(decoded.message.type, MessageType::kSnap);
  ASSERT_NE(decoded.message.snapshot, nullptr);
  EXPECT_EQ(decoded.message.snapshot->data.data(), nullptr);
  MessageEncoder encoder;
  EXPECT_EQ(Whole(decoded.message, &encoder), offer.substr(16));

  const absl::string_view chunk = document_.Get("bulk_chunk").body();
  ASSERT_GE(chunk.size(), 24u);
  EXPECT_EQ(LoadLittle<uint64_t>(chunk.data()), 1u);
  EXPECT_EQ(LoadLittle<uint64_t>(chunk.data() + 8), 0u);
  EXPECT_EQ(LoadLittle<uint32_t>(chunk.data() + 16), chunk.size() - 24);
  EXPECT_EQ(LoadLittle<uint32_t>(chunk.data() + 20), 0u);
  EXPECT_EQ(chunk.substr(24), "snapshot");
}

TEST_F(WireFormatTest, TablesNameEveryTypeAndReason) {
  std::map<int, std::string> types;
  std::map<int, std::string> reasons;
  for (const std::vector<std::string>& row : document_.rows()) {
    if (row.size() < 4) continue;
    const std::vector<std::string> numbers = absl::StrSplit(row[0], ", ");
    const std::vector<std::string> names = absl::StrSplit(row[1], ", ");
    if (numbers.size() != names.size()) continue;
    for (size_t i = 0; i < numbers.size(); ++i) {
      int number;
      if (!absl::SimpleAtoi(numbers[i], &number)) continue;
      if (row[3] == "again" || row[3] == "slowly" || row[3] == "no") {
        reasons[number] = names[i];
      } else if (row[2] == "yes" || row[2].empty()) {
        types[number] = names[i];
        EXPECT_EQ(row[2] == "yes", IsSequenced(static_cast<FrameType>(number))) << names[i];
      }
    }
  }
  EXPECT_EQ(types.size(), 15u);
  for (const auto& [number, name] : types) {
    EXPECT_EQ(name, absl::AsciiStrToUpper(FrameTypeName(static_cast<FrameType>(number))));
  }
  for (int number = 0; number < kCloseReasonCount; ++number) {
    const CloseReason reason = static_cast<CloseReason>(number);
    // Never sent: the text says so.
    if (reason == CloseReason::kNone || reason == CloseReason::kLocalStop) {
      EXPECT_EQ(reasons.count(number), 0u);
      continue;
    }
    EXPECT_EQ(reasons[number], CloseReasonName(reason));
  }
}

TEST_F(WireFormatTest, LaneTableAgrees) {
  std::map<std::string, std::string> lanes;
  for (const std::vector<std::string>& row : document_.rows()) {
    if (row[0] == "URGENT" || row[0] == "APPEND" || row[0] == "BULK") lanes[row[0]] = row[1];
  }
  ASSERT_EQ(lanes.size(), 3u);
  for (int i = 0; i < kMessageTypeCount; ++i) {
    const MessageType type = static_cast<MessageType>(i);
    if (IsLocalOnly(type)) continue;
    // Whole words only: MsgApp is no MsgAppResp.
    std::string words = absl::StrCat(" ", lanes[absl::AsciiStrToUpper(LaneName(LaneOfType(type)))]);
    for (char& c : words) c = absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : ' ';
    words += ' ';
    EXPECT_NE(words.find(absl::StrCat(" ", MessageTypeName(type), " ")), std::string::npos)
        << MessageTypeName(type);
  }
}

}  // namespace
}  // namespace hawser
