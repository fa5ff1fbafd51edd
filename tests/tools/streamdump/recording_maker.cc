#include "tests/tools/streamdump/recording_maker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/little_endian.h"
#include "gtest/gtest.h"
#include "tests/codec/codec_test_util.h"
#include "tests/support/raw_frames.h"
#include "transport/hello.h"
#include "transport/recording/recording.h"

namespace hawser {
namespace {

constexpr uint64_t kGroups = 3;
constexpr size_t kPayloadBytesMax = 200;
constexpr size_t kPieceBytes = 50;

}  // namespace

RecordingMaker::RecordingMaker(uint64_t seed, bool checksums)
    : checksums_(checksums), maker_(seed), file_(kRecordingMagic) {
  payload_.resize(file_.size());
}

void RecordingMaker::Frame(FrameHeader header, const Bytes& body) {
  header.sequence = IsSequenced(header.type) ? ++sequence_ : sequence_;
  header.ack = 7;
  header.credit = 512;
  std::string frame = RawFrameBytes(header, body.bytes);
  const bool sealed = checksums_ && header.type != FrameType::kHello;
  if (header.type == FrameType::kHello) seed_ = ChecksumSeed(frame);
  if (sealed) {
    const size_t bytes = frame.size();
    frame.resize(bytes + kChecksumBytes);
    SealChecksum(seed_, &frame[0], bytes);
  }
  char head[kRecordHeadBytes];
  EncodeRecordHead(frame.size(), head);
  absl::StrAppend(&file_, absl::string_view(head, sizeof(head)), frame);
  payload_.resize(payload_.size() + kRecordHeadBytes + kFrameHeaderBytes);
  payload_ += body.payload;
  payload_.resize(file_.size());
}

void RecordingMaker::Control(FrameType type, absl::string_view body) {
  FrameHeader header;
  header.type = type;
  Frame(header, {std::string(body), std::string(body.size(), '\0')});
}

void RecordingMaker::Open() {
  Hello hello = RawHello(1, 2, 0x1234);
  hello.features |= checksums_ ? kFeatureChecksum : 0;
  Control(FrameType::kHello, EncodeHello(hello));
  Control(FrameType::kFence, FenceBody(0, 0, 1));
}

void RecordingMaker::StartEpoch() {
  Control(FrameType::kStart, StartBody(++epoch_, 1));
  for (MessageEncoder& encoder : encoders_) encoder.Reset();
}

RecordingMaker::Bytes RecordingMaker::Encode(Lane lane, uint64_t group,
                                             const MessageView& message) {
  MessageEncoder& encoder = encoders_[static_cast<size_t>(lane)];
  if (maker_.OneIn(10)) {
    std::string whole(MessageEncoder::WholeSizeBound(message), '\0');
    whole.resize(encoder.EncodeWhole(group, message, &whole[0], whole.size()));
    // Its payload is under its own check.
    return {whole, std::string(whole.size(), '\0')};
  }
  const std::string bytes = Encoded(group, message, &encoder);
  const size_t payload = PayloadBytes(message);
  return {bytes,
          absl::StrCat(std::string(bytes.size() - payload, '\0'), std::string(payload, '\1'))};
}

MessageView RecordingMaker::Small(Lane lane, uint64_t group) {
  for (;;) {
    const MessageView message = maker_.Follow(group);
    if (PayloadBytes(message) <= kPayloadBytesMax &&
        (lane == Lane::kBulk || message.snapshot == nullptr)) {
      return message;
    }
  }
}

void RecordingMaker::Keep(uint64_t group, const MessageView& message) {
  messages_.emplace_back();
  ASSERT_TRUE(messages_.back().Parse(MessageLine({}, absl::StrCat("\"group\":", group), message)));
}

void RecordingMaker::Data(Lane lane, int count) {
  FrameHeader header;
  header.type = FrameType::kData;
  header.lane = lane;
  header.count = static_cast<uint16_t>(count);
  Bytes body;
  for (int at = 0; at < count; ++at) {
    const uint64_t group = maker_.Below(kGroups);
    const MessageView message = Small(lane, group);
    const Bytes bytes = Encode(lane, group, message);
    body.bytes += bytes.bytes;
    body.payload += bytes.payload;
    Keep(group, message);
  }
  Frame(header, body);
}

void RecordingMaker::Pieces(bool last) {
  const MessageView message = maker_.Append(1, 3, kPieceBytes);
  Bytes bytes = Encode(Lane::kAppend, 1, message);
  // A message that never ends is never seen.
  if (!last) bytes.payload.assign(bytes.bytes.size(), '\0');
  const std::string line = MessageLine({}, "\"group\":1", message);
  FrameHeader header;
  header.type = FrameType::kFragment;
  header.lane = Lane::kAppend;
  for (size_t at = 0; at < bytes.bytes.size(); at += kPieceBytes, ++header.count) {
    header.first = at == 0;
    header.last = at + kPieceBytes >= bytes.bytes.size();
    if (header.last && !last) return;
    Bytes piece;
    if (header.first) {
      piece.bytes.resize(sizeof(uint32_t));
      StoreLittle<uint32_t>(static_cast<uint32_t>(bytes.bytes.size()), &piece.bytes[0]);
      piece.payload.resize(sizeof(uint32_t));
    }
    piece.bytes += bytes.bytes.substr(at, kPieceBytes);
    piece.payload += bytes.payload.substr(at, kPieceBytes);
    Frame(header, piece);
    if (header.first) Data(Lane::kUrgent, 1);
  }
  messages_.emplace_back();
  ASSERT_TRUE(messages_.back().Parse(line));
}

void RecordingMaker::MakeAll() {
  Open();
  StartEpoch();
  Data(Lane::kAppend, 4);
  Control(FrameType::kPing, "12345678");
  Data(Lane::kUrgent, 2);
  Pieces(true);
  Data(Lane::kBulk, 1);
  Data(Lane::kAppend, 3);
  Control(FrameType::kAck, "");
  // The epoch ends within a message; the next one begins anew.
  Pieces(false);
  Control(FrameType::kFence, FenceBody(0, 0, 2));
  StartEpoch();
  Data(Lane::kAppend, 2);
  Pieces(true);
  Control(FrameType::kSwitch, absl::string_view("\3\0\0\0", 4));
  epoch_ = 3;
  Control(FrameType::kPong, "87654321");
  StartEpoch();
  Data(Lane::kUrgent, 2);
  Control(FrameType::kGoaway, EncodeGoaway(CloseReason::kPeerStop, "stopping"));
}

}  // namespace hawser
