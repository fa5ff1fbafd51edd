#include <algorithm>
#include <cstring>

#include "codec/byte_reader.h"
#include "codec/message_check.h"
#include "codec/message_codec.h"
#include "codec/message_payload.h"
#include "codec/place_entries.h"
#include "codec/raftpb_count.h"
#include "codec/short_form_read.h"

namespace hawser {
namespace {

// Enough of any message to know how long its head is.
constexpr size_t kStartBytes = 32;

}  // namespace

EntryView* MessageDecoder::EntriesFor(size_t count) {
  if (count > entries_capacity_) {
    entries_capacity_ = std::max(count, std::min(2 * entries_capacity_, limits_.entries_max));
    entries_.reset(new EntryView[entries_capacity_]);
  }
  return entries_.get();
}

DecodeError MessageDecoder::FindTarget(uint8_t tag, absl::string_view bytes, Target* target) {
  if ((tag & kGroup) == 0) {
    target->state = current_;
    target->slot = current_slot_;
    return current_ == nullptr ? DecodeError::kBadSlot : DecodeError::kNone;
  }
  uint16_t slot = 0;
  if (bytes.size() < 1 + sizeof(slot)) {
    return DecodeError::kTruncated;
  }
  std::memcpy(&slot, bytes.data() + 1, sizeof(slot));
  target->slot = slot & (kSlotsMax - 1);
  if (!IsSealedSlot(slot) || target->slot >= slots_.size()) {
    return DecodeError::kBadSlot;
  }
  target->state = slots_.Get(target->slot);
  return DecodeError::kNone;
}

template <typename Payload>
DecodeError MessageDecoder::DecodeAppend(uint8_t tag, uint64_t fields, absl::string_view behind,
                                         Payload* payload, const SlotState& state,
                                         MessageView* message) {
  AppendShape shape;
  const DecodeError error = ReadAppendShape(tag, fields, behind, &shape);
  if (error != DecodeError::kNone) {
    return error;
  }
  payload->Start(behind.data() + shape.lengths_bytes);
  if (shape.count > limits_.entries_max) {
    return DecodeError::kTooManyEntries;
  }
  if (shape.total > limits_.message_bytes_max) {
    return DecodeError::kTooLarge;
  }
  if (shape.total > payload->left()) {
    return DecodeError::kTruncated;
  }
  message->type = MessageType::kApp;
  message->log_term = state.term;
  message->index = state.index;
  message->commit = state.commit + state.last_count + shape.commit_delta;
  EntryView first;
  first.term = state.term;
  first.index = state.index + 1;
  first.zero_fields = state.entry_zeros;
  EntryView* const entries = EntriesFor(shape.count);
  message->entries = absl::MakeConstSpan(entries, shape.count);
  if (!PlacePayload(shape, first, payload, entries)) {
    return DecodeError::kJoinRefused;
  }
  EntryLengths lengths;
  lengths.one_length = shape.lengths == nullptr;
  lengths.longest = lengths.one_length ? shape.one_length : (size_t{1} << (8 * shape.width)) - 1;
  lengths.lengths = shape.lengths;
  lengths.width = shape.width;
  raftpb_bytes_ = RaftpbSizeOfRun(*message, shape.total, lengths, state);
  return DecodeError::kNone;
}

// The context behind a short form's check, sealed by a check of its own.
DecodeError MessageDecoder::ReadContext(size_t bytes, absl::string_view* behind,
                                        MessageView* message) {
  ByteReader in(*behind);
  message->context = in.Bytes(bytes);
  const uint32_t check = in.U32();
  if (in.failed()) {
    return DecodeError::kTruncated;
  }
  behind->remove_prefix(bytes + kCheckBytes);
  return SameCheck(Crc32c(message->context), check) ? DecodeError::kNone : DecodeError::kBadCheck;
}

template <typename Payload>
DecodeError MessageDecoder::DecodeControl(uint8_t tag, uint64_t fields, absl::string_view behind,
                                          Payload* payload, const SlotState& state,
                                          MessageView* message) {
  FieldCursor cursor(fields);
  const unsigned width = (tag & kWide) != 0 ? 2 : 1;
  switch (FormOf(tag)) {
    case Form::kAppendResponse:
      message->type = MessageType::kAppResp;
      message->index = state.index + cursor.Signed(width);
      break;
    case Form::kHeartbeat:
      message->type = MessageType::kHeartbeat;
      message->commit = state.commit + cursor.Signed(width);
      break;
    default:
      message->type = MessageType::kHeartbeatResp;
  }
  if ((tag & kExtra) != 0) {
    const DecodeError error =
        ReadContext(static_cast<size_t>(cursor.Unsigned(1)), &behind, message);
    if (error != DecodeError::kNone) {
      return error;
    }
  }
  payload->Start(behind.data());
  return DecodeError::kNone;
}

template <typename Payload>
DecodeError MessageDecoder::DecodeShort(uint8_t tag, absl::string_view head, Payload* payload,
                                        DecodedMessage* out) {
  const size_t fields_bytes = kFieldsBytes[tag & 0x3f];
  if (fields_bytes == 0) {
    return DecodeError::kReservedForm;
  }
  Target target;
  const DecodeError found = FindTarget(tag, head, &target);
  if (found != DecodeError::kNone) {
    return found;
  }
  const size_t slot_bytes = (tag & kGroup) != 0 ? kSlotBytes : 0;
  const size_t check_at = fields_bytes + slot_bytes;
  if (head.size() <= check_at) {
    return DecodeError::kTruncated;
  }
  // The slot's bytes stand where the fields' number would go on; the tag takes its place again.
  uint64_t fields = LoadWord(head.substr(slot_bytes));
  fields = (fields & ~uint64_t{0xff}) | tag;
  fields &= ~uint64_t{0} >> (64 - 8 * fields_bytes);
  SlotState* const state = target.state;
  if (!SameCheck(ShortCheck(fields, StateSum(messages_, *state, target.slot)),
                 static_cast<uint8_t>(head[check_at]))) {
    return DecodeError::kBadCheck;
  }
  MessageView& message = out->message;
  message = MessageView();
  message.zero_fields = state->zero_fields;
  message.to = state->to;
  message.from = state->from;
  message.term = state->term;
  const absl::string_view behind = head.substr(check_at + 1);
  const DecodeError error = FormOf(tag) < Form::kAppendResponse
                                ? DecodeAppend(tag, fields, behind, payload, *state, &message)
                                : DecodeControl(tag, fields, behind, payload, *state, &message);
  if (error != DecodeError::kNone) {
    return error;
  }
  out->group = state->group;
  ++messages_;
  UpdateSlot(message, state);
  current_ = state;
  current_slot_ = target.slot;
  return DecodeError::kNone;
}

template <typename Payload>
DecodeError MessageDecoder::PlaceRecord(Payload* payload) {
  if (record_.payload_bytes > payload->left()) {
    return DecodeError::kTruncated;
  }
  SnapshotView& snapshot = record_.snapshot;
  if (snapshot.data.data() != nullptr && !payload->Take(snapshot.data.size(), &snapshot.data)) {
    return DecodeError::kJoinRefused;
  }
  for (EntryView& entry : record_.entries) {
    if (entry.data.data() != nullptr && !payload->Take(entry.data.size(), &entry.data)) {
      return DecodeError::kJoinRefused;
    }
  }
  return DecodeError::kNone;
}

template <typename Payload>
DecodeError MessageDecoder::DecodeRecord(uint8_t tag, absl::string_view bytes, Payload* payload,
                                         DecodedMessage* out) {
  const SlotState empty;
  Target target;
  absl::string_view head;
  DecodeError error = CheckRecord(tag, bytes, &target, &head);
  if (error != DecodeError::kNone) {
    return error;
  }
  ByteReader in(head);
  out->group = target.state != nullptr ? target.state->group : in.Varint();
  if (in.failed()) {
    return DecodeError::kBadHead;
  }
  error = ReadRecordHead(&in, target.state != nullptr ? *target.state : empty, limits_.entries_max,
                         limits_.message_bytes_max, &record_, &out->message);
  if (error != DecodeError::kNone) {
    return error;
  }
  if (!IsOnTheWire(out->message)) {
    return DecodeError::kBadRaftpb;
  }
  if ((tag & kExtra) != 0 && slots_.size() >= limits_.groups_max) {
    return DecodeError::kTooManyGroups;
  }
  payload->Start(head.data() + head.size());
  error = PlaceRecord(payload);
  if (error != DecodeError::kNone) {
    return error;
  }
  if ((tag & kExtra) != 0) {
    target.slot = slots_.size();
    target.state = slots_.Open(out->group);
  }
  ++messages_;
  record_has_slot_ = target.state != nullptr;
  if (target.state != nullptr) {
    UpdateSlot(out->message, target.state);
    current_ = target.state;
    current_slot_ = target.slot;
  }
  return DecodeError::kNone;
}

// `raftpb_bytes` is 0 where it is not known yet.
void MessageDecoder::CountDecoded(const DecodedMessage& decoded, bool predicted,
                                  uint64_t raftpb_bytes) {
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(decoded.message.type)];
  ++(predicted ? kind.predicted : kind.missed);
  kind.bytes += decoded.bytes;
  kind.raftpb_bytes += raftpb_bytes != 0 ? raftpb_bytes : RaftpbSize(decoded.message);
}

template <typename Payload>
DecodeError MessageDecoder::DecodeFrom(absl::string_view head, Payload* payload,
                                       DecodedMessage* out) {
  if (head.empty()) {
    return DecodeError::kTruncated;
  }
  const uint8_t tag = static_cast<uint8_t>(head[0]);
  if (!IsSealedTag(tag)) {
    return DecodeError::kBadTag;
  }
  return FormOf(tag) == Form::kRecord ? DecodeRecord(tag, head, payload, out)
                                      : DecodeShort(tag, head, payload, out);
}

DecodeError MessageDecoder::DecodeAny(absl::string_view bytes, DecodedMessage* out) {
  FlatPayload payload(bytes);
  raftpb_bytes_ = 0;
  const bool whole = !bytes.empty() && FormOf(static_cast<uint8_t>(bytes[0])) == Form::kWhole &&
                     IsSealedTag(static_cast<uint8_t>(bytes[0]));
  const DecodeError error = whole
                                ? DecodeWhole(static_cast<uint8_t>(bytes[0]), bytes, &payload, out)
                                : DecodeFrom(bytes, &payload, out);
  if (error != DecodeError::kNone) {
    return error;
  }
  out->bytes = bytes.size() - payload.left();
  CountDecoded(*out, FormOf(static_cast<uint8_t>(bytes[0])) > Form::kRecord, raftpb_bytes_);
  if ((static_cast<uint8_t>(bytes[0]) & kGroup) != 0) {
    PrefetchNext(bytes.substr(out->bytes));
  }
  return DecodeError::kNone;
}

DecodeError MessageDecoder::DecodePieces(absl::Span<const absl::string_view> pieces,
                                         PieceJoiner* joiner, DecodedMessage* out) {
  if (pieces.size() == 1) {
    return Decode(pieces[0], out);
  }
  size_t total = 0;
  char start[kStartBytes];
  size_t start_bytes = 0;
  for (const absl::string_view piece : pieces) {
    const size_t part = std::min(piece.size(), sizeof(start) - start_bytes);
    std::copy_n(piece.data(), part, start + start_bytes);
    start_bytes += part;
    total += piece.size();
  }
  if (total > limits_.message_bytes_max) {
    return DecodeError::kTooLarge;
  }
  if (total == 0) {
    return DecodeError::kTruncated;
  }
  size_t head_bytes = HeadBytes({start, start_bytes});
  const bool all = head_bytes == 0 || head_bytes >= total;
  head_bytes = all ? total : head_bytes;
  absl::string_view head;
  PiecePayload payload(pieces, joiner);
  raftpb_bytes_ = 0;
  if (!payload.Take(head_bytes, &head)) {
    return DecodeError::kJoinRefused;
  }
  if (all) {
    return Decode(head, out);
  }
  const DecodeError error = DecodeFrom(head, &payload, out);
  if (error != DecodeError::kNone) {
    return error;
  }
  out->bytes = total - payload.left();
  CountDecoded(*out, FormOf(static_cast<uint8_t>(head[0])) > Form::kRecord, raftpb_bytes_);
  return DecodeError::kNone;
}

}  // namespace hawser
