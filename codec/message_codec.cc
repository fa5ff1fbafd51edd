#include "codec/message_codec.h"

#include <cstring>

#include "base/check.h"
#include "codec/byte_reader.h"
#include "codec/crc32c.h"
#include "codec/varint.h"

namespace hawser {
namespace {

// The tags of a whole message as raftpb bytes: of the group 0, and with the group's id behind.
constexpr uint8_t kTagWhole = 0x80;
constexpr uint8_t kTagWholeOfGroup = 0x40;

constexpr size_t kCheckBytes = 4;
constexpr size_t kWholeHeadBytesMax = 1 + 2 * kVarintBytesMax + kCheckBytes;

// The check of a whole message: over the number of messages before it, the head's bytes up to
// the check, and the raftpb bytes.
uint32_t WholeCheck(uint32_t messages, absl::string_view head, absl::string_view raftpb) {
  char count[sizeof(messages)];
  std::memcpy(count, &messages, sizeof(messages));
  return Crc32cExtend(Crc32cExtend(Crc32c({count, sizeof(count)}), head), raftpb);
}

}  // namespace

void MessageEncoder::Reset() { messages_ = 0; }

size_t MessageEncoder::SizeBound(const MessageView& message) {
  return kWholeHeadBytesMax + RaftpbSize(message);
}

bool MessageEncoder::WithinLimits(const MessageView& message) const {
  return message.entries.size() <= limits_.entries_max &&
         message.responses.size() <= limits_.entries_max &&
         SizeBound(message) <= limits_.message_bytes_max;
}

size_t MessageEncoder::Encode(uint64_t group, const MessageView& message, char* out,
                              size_t capacity) {
  const size_t raftpb_bytes = RaftpbSize(message);
  const size_t group_bytes = group == 0 ? 0 : VarintSize(group);
  const size_t total = 1 + group_bytes + VarintSize(raftpb_bytes) + kCheckBytes + raftpb_bytes;
  if (total > capacity) {
    return 0;
  }
  char* at = out;
  *at++ = static_cast<char>(group == 0 ? kTagWhole : kTagWholeOfGroup);
  if (group != 0) {
    at = WriteVarint(group, at);
  }
  at = WriteVarint(raftpb_bytes, at);
  char* const raftpb = at + kCheckBytes;
  HAWSER_CHECK(WriteRaftpb(message, raftpb) == out + total);
  const uint32_t check =
      WholeCheck(messages_, {out, static_cast<size_t>(at - out)}, {raftpb, raftpb_bytes});
  std::memcpy(at, &check, kCheckBytes);
  ++messages_;
  return total;
}

void MessageEncoder::EncodeSegments(uint64_t group, const MessageView& message,
                                    EncodedSegments* out) {
  out->segments_.clear();
  out->scratch_.resize(SizeBound(message));
  out->total_bytes_ = Encode(group, message, &out->scratch_[0], out->scratch_.size());
  out->segments_.push_back({{out->scratch_.data(), out->total_bytes_}, false});
}

MessageDecoder::MessageDecoder(const CodecLimits& limits)
    : limits_(limits), raftpb_(RaftpbLimits{limits.entries_max}) {}

void MessageDecoder::Reset() { messages_ = 0; }

DecodeError MessageDecoder::Decode(absl::string_view bytes, DecodedMessage* out) {
  if (bytes.empty()) {
    return DecodeError::kTruncated;
  }
  ByteReader in(bytes);
  const uint8_t tag = in.U8();
  if (__builtin_parity(tag) == 0) {
    return DecodeError::kBadTag;
  }
  if (tag != kTagWhole && tag != kTagWholeOfGroup) {
    return DecodeError::kReservedForm;
  }
  out->group = tag == kTagWholeOfGroup ? in.Varint() : 0;
  const uint64_t raftpb_bytes = in.Varint();
  const size_t head_bytes = bytes.size() - in.left();
  const uint32_t check = in.U32();
  if (in.failed()) {
    return DecodeError::kTruncated;
  }
  if (raftpb_bytes > limits_.message_bytes_max) {
    return DecodeError::kTooLarge;
  }
  const absl::string_view raftpb = in.Bytes(raftpb_bytes);
  if (in.failed()) {
    return DecodeError::kTruncated;
  }
  if (check != WholeCheck(messages_, bytes.substr(0, head_bytes), raftpb)) {
    return DecodeError::kBadCheck;
  }
  ++messages_;
  out->bytes = bytes.size() - in.left();
  return raftpb_.Decode(raftpb, &out->message);
}

DecodeError MessageDecoder::DecodePieces(absl::Span<const absl::string_view> pieces,
                                         PieceJoiner* joiner, DecodedMessage* out) {
  if (pieces.size() == 1) {
    return Decode(pieces[0], out);
  }
  size_t total = 0;
  for (const absl::string_view piece : pieces) {
    total += piece.size();
  }
  if (total > limits_.message_bytes_max) {
    return DecodeError::kTooLarge;
  }
  if (total == 0) {
    return DecodeError::kTruncated;
  }
  char* const block = joiner->Join(total);
  if (block == nullptr) {
    return DecodeError::kJoinRefused;
  }
  char* at = block;
  for (const absl::string_view piece : pieces) {
    if (!piece.empty()) {
      std::memcpy(at, piece.data(), piece.size());
      at += piece.size();
    }
  }
  return Decode({block, total}, out);
}

}  // namespace hawser
