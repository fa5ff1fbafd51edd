#include "codec/msgapp_v2.h"

#include <cstring>

#include "codec/byte_reader.h"

namespace hawser {
namespace {

constexpr size_t kNumberBytes = 8;

// The zero_fields of raftpb's fields 1 to 3, and of those that etcd 3.4 always writes.
constexpr uint8_t kEntryZeros = 0x0e;
constexpr uint16_t kMessageZeros = 0x0d7e;

// An empty snapshot {metadata {conf_state {auto_leave: false}, index: 0, term: 0}}.
constexpr absl::string_view kEmptyMetadata("\x0a\x02\x28\x00\x10\x00\x18\x00", 8);

EntryView AsWritten(const EntryView& entry) {
  EntryView written = entry;
  written.zero_fields = kEntryZeros;
  return written;
}

bool IsLinkHeartbeat(const MessageView& message) {
  return message.type == MessageType::kHeartbeat && message.from == 0 && message.to == 0;
}

uint64_t LoadBig(const char* in) {
  uint64_t value;
  std::memcpy(&value, in, sizeof(value));
  return __builtin_bswap64(value);
}

char* WriteBig(uint64_t value, char* out) {
  value = __builtin_bswap64(value);
  std::memcpy(out, &value, sizeof(value));
  return out + sizeof(value);
}

}  // namespace

void MsgAppV2State::Advance(MsgAppV2Frame frame, const MessageView& message) {
  switch (frame) {
    case MsgAppV2Frame::kLinkHeartbeat:
      break;
    case MsgAppV2Frame::kAppEntries:
      // Entries are counted; their own indexes are not looked at.
      index += message.entries.size();
      break;
    case MsgAppV2Frame::kMsgApp:
      term = message.term;
      index = message.entries.empty() ? message.index : message.entries.back().index;
      break;
  }
}

MsgAppV2Frame MsgAppV2Encoder::FrameOf(const MessageView& message) const {
  if (IsLinkHeartbeat(message)) {
    return MsgAppV2Frame::kLinkHeartbeat;
  }
  const bool known = state_.index == message.index && state_.term == message.log_term &&
                     message.log_term == message.term;
  return known ? MsgAppV2Frame::kAppEntries : MsgAppV2Frame::kMsgApp;
}

MessageView MsgAppV2Encoder::InFull(const MessageView& message) {
  static const SnapshotView* const kEmptySnapshot = new SnapshotView{{}, kEmptyMetadata, {}};
  entries_.clear();
  for (const EntryView& entry : message.entries) {
    entries_.push_back(AsWritten(entry));
  }
  MessageView full = message;
  full.zero_fields = kMessageZeros;
  full.entries = entries_;
  if (full.snapshot == nullptr) {
    full.snapshot = kEmptySnapshot;
  }
  return full;
}

size_t MsgAppV2Encoder::Size(const MessageView& message) {
  switch (FrameOf(message)) {
    case MsgAppV2Frame::kLinkHeartbeat:
      break;
    case MsgAppV2Frame::kAppEntries: {
      size_t size = 1 + 2 * kNumberBytes;
      for (const EntryView& entry : message.entries) {
        size += kNumberBytes + RaftpbSize(AsWritten(entry));
      }
      return size;
    }
    case MsgAppV2Frame::kMsgApp:
      return 1 + kNumberBytes + RaftpbSize(InFull(message));
  }
  return 1;
}

char* MsgAppV2Encoder::Encode(const MessageView& message, char* out) {
  const MsgAppV2Frame frame = FrameOf(message);
  *out++ = static_cast<char>(frame);
  if (frame == MsgAppV2Frame::kAppEntries) {
    out = WriteBig(message.entries.size(), out);
    for (const EntryView& entry : message.entries) {
      const EntryView written = AsWritten(entry);
      char* const data = out + kNumberBytes;
      char* const end = WriteRaftpb(written, data);
      WriteBig(static_cast<uint64_t>(end - data), out);
      out = end;
    }
    out = WriteBig(message.commit, out);
  } else if (frame == MsgAppV2Frame::kMsgApp) {
    char* const data = out + kNumberBytes;
    char* const end = WriteRaftpb(InFull(message), data);
    WriteBig(static_cast<uint64_t>(end - data), out);
    out = end;
  }
  state_.Advance(frame, message);
  return out;
}

DecodeError MsgAppV2Decoder::DecodeAppEntries(absl::string_view bytes, Frame* frame) {
  ByteReader in(bytes);
  in.U8();
  const absl::string_view count_bytes = in.Bytes(kNumberBytes);
  if (in.failed()) {
    return DecodeError::kTruncated;
  }
  const uint64_t count = LoadBig(count_bytes.data());
  if (count > limits_.entries_max) {
    return DecodeError::kTooManyEntries;
  }
  entries_.clear();
  raftpb_.ResetEntries(bytes.size());
  for (uint64_t at = 0; at < count; ++at) {
    const absl::string_view length = in.Bytes(kNumberBytes);
    const absl::string_view entry = in.Bytes(in.failed() ? 0 : LoadBig(length.data()));
    if (in.failed()) {
      return DecodeError::kTruncated;
    }
    entries_.emplace_back();
    const DecodeError error = raftpb_.DecodeEntry(entry, &entries_.back());
    if (error != DecodeError::kNone) {
      return error;
    }
  }
  const absl::string_view commit = in.Bytes(kNumberBytes);
  if (in.failed()) {
    return DecodeError::kTruncated;
  }
  MessageView& message = frame->message;
  message = MessageView();
  message.type = MessageType::kApp;
  message.from = remote_;
  message.to = local_;
  message.term = state_.term;
  message.log_term = state_.term;
  message.index = state_.index;
  message.commit = LoadBig(commit.data());
  message.entries = entries_;
  frame->bytes = bytes.size() - in.left();
  return DecodeError::kNone;
}

DecodeError MsgAppV2Decoder::DecodeMsgApp(absl::string_view bytes, Frame* frame) {
  ByteReader in(bytes);
  in.U8();
  const absl::string_view length = in.Bytes(kNumberBytes);
  const absl::string_view message = in.Bytes(in.failed() ? 0 : LoadBig(length.data()));
  if (in.failed()) {
    return DecodeError::kTruncated;
  }
  frame->bytes = bytes.size() - in.left();
  return raftpb_.Decode(message, &frame->message);
}

DecodeError MsgAppV2Decoder::Decode(absl::string_view bytes, Frame* frame) {
  if (bytes.empty()) {
    return DecodeError::kTruncated;
  }
  DecodeError error = DecodeError::kNone;
  switch (static_cast<uint8_t>(bytes[0])) {
    case static_cast<uint8_t>(MsgAppV2Frame::kLinkHeartbeat):
      frame->message = MessageView();
      frame->message.type = MessageType::kHeartbeat;
      frame->bytes = 1;
      break;
    case static_cast<uint8_t>(MsgAppV2Frame::kAppEntries):
      error = DecodeAppEntries(bytes, frame);
      break;
    case static_cast<uint8_t>(MsgAppV2Frame::kMsgApp):
      error = DecodeMsgApp(bytes, frame);
      break;
    default:
      return DecodeError::kBadTag;
  }
  if (error == DecodeError::kNone) {
    frame->kind = static_cast<MsgAppV2Frame>(bytes[0]);
    state_.Advance(frame->kind, frame->message);
  }
  return error;
}

}  // namespace hawser
