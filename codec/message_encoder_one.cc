// The message that matters most: an append of one entry, as predicted.

#include <cstddef>
#include <cstring>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "codec/copy_short.h"
#include "codec/message_codec.h"
#include "codec/raftpb_count.h"

namespace hawser {
namespace {

// Entry data that is longer takes a wide length.
constexpr size_t kNarrowBytesMax = 0xff;
constexpr size_t kWideBytesMax = 0xffff;
// Tag, slot, delta, length, check: at most 6, and wide 8.
constexpr size_t kHeadBytesMax = 8;

// The last thing that an encoder does: so nothing must be kept for after it. They copy, and return
// `result`.
ABSL_ATTRIBUTE_NOINLINE size_t CopyLong(const char* from, size_t size, char* out, size_t result) {
  std::memcpy(out, from, size);
  return result;
}

ABSL_ATTRIBUTE_NOINLINE size_t CopyOther(const char* from, size_t size, char* out, size_t result) {
  CopyShort(from, size, out);
  return result;
}

inline size_t CopyShort(const char* from, size_t size, char* out, size_t result) {
  if (ABSL_PREDICT_TRUE(size - 33 <= 31)) {
    CopyTo64(from, size, out);
    return result;
  }
  return CopyOther(from, size, out, result);
}

// Small fields that lie together, as one number: type, reject and zero_fields of a message, type
// and zero_fields of an entry.
inline uint32_t FirstFields(const MessageView& message) {
  static_assert(offsetof(MessageView, type) == 0 && offsetof(MessageView, reject) == 1 &&
                    offsetof(MessageView, zero_fields) == 2,
                "the fields lie together");
  uint32_t fields;
  std::memcpy(&fields, &message, sizeof(fields));
  return fields;
}

inline uint32_t TypeAndZeros(const EntryView& entry) {
  static_assert(offsetof(EntryView, zero_fields) == offsetof(EntryView, type) + 1,
                "the fields lie together");
  uint16_t fields;
  std::memcpy(&fields, &entry.type, sizeof(fields));
  return fields;
}

// 0 when the message is what the slot predicts but for commit and data. All differences are joined
// before one branch: a branch each takes longer.
inline uint64_t WrongBits(const MessageView& message, const EntryView& entry, const SlotState& slot,
                          uint64_t term, uint64_t index) {
  return (message.from ^ slot.from) | (message.to ^ slot.to) | (message.term ^ term) |
         (message.log_term ^ term) | (message.index ^ index) | (entry.term ^ term) |
         (entry.index ^ (index + 1)) | message.reject_hint | message.vote |
         message.responses.size() | message.unknown_fields.size() | entry.unknown_fields.size() |
         reinterpret_cast<uintptr_t>(message.snapshot) |
         reinterpret_cast<uintptr_t>(message.context.data()) |
         (FirstFields(message) ^ (static_cast<uint32_t>(MessageType::kApp) |
                                  static_cast<uint32_t>(slot.zero_fields) << 16)) |
         (TypeAndZeros(entry) ^ static_cast<uint32_t>(slot.entry_zeros) << 8);
}

}  // namespace

// The end of EncodeOne: the message is as predicted, its commit index too (kExtraForm) or all but.
template <bool kNamed, bool kWideForm, bool kExtraForm>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline size_t MessageEncoder::FinishOne(SlotState* slot,
                                                                     uint32_t number,
                                                                     const MessageView& message,
                                                                     uint64_t delta, char* out) {
  constexpr unsigned kWidth = kWideForm ? 2 : 1;
  constexpr unsigned kSizeAt = kExtraForm ? 1 : 1 + kWidth;
  constexpr unsigned kCheckAt = kSizeAt + kWidth;
  // WIDE and GROUP turn the parity.
  constexpr uint64_t kTag = (kExtraForm ? kTagOneExtra : kTagOne) ^
                            (kWideForm ? kWide | kTagParity : 0) ^
                            (kNamed ? kGroup | kTagParity : 0);
  const absl::string_view from = message.entries[0].data;
  uint64_t fields = kTag | uint64_t{from.size()} << (8 * kSizeAt);
  if (!kExtraForm) {
    fields |= (delta & ((uint64_t{1} << (8 * kWidth)) - 1)) << 8;
  }
  const uint64_t check = ShortCheck(fields, StateSum(messages_, *slot, number));
  uint64_t head = fields | check << (8 * kCheckAt);
  if (kNamed) {
    head = (head & 0xff) | uint64_t{SealSlot(number)} << 8 | (head >> 8) << 24;
    current_ = slot;
    current_slot_ = number;
  }
  std::memcpy(out, &head, sizeof(head));
  ++messages_;
  const uint64_t raftpb_bytes = RaftpbSizeOfOne(from.size(), message.commit, *slot);
  ++slot->index;
  slot->last_count = 1;
  slot->commit = message.commit;
  constexpr size_t kHeadBytes = kCheckAt + 1 + (kNamed ? kSlotBytes : 0);
  const size_t bytes = from.size() + kHeadBytes;
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(MessageType::kApp)];
  ++kind.predicted;
  kind.bytes += bytes;
  kind.raftpb_bytes += raftpb_bytes;
  if (ABSL_PREDICT_FALSE(raftpb_bytes == 0)) {
    return CountAndCopy(slot, message, out + kHeadBytes, bytes);
  }
  return kWideForm ? CopyLong(from.data(), from.size(), out + kHeadBytes, bytes)
                   : CopyShort(from.data(), from.size(), out + kHeadBytes, bytes);
}

// It writes what the general way would, which does what is not like that. Each of its ends is the
// call of another function, so that it has little to keep in mind.
template <bool kNamed, bool kWideForm>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline size_t MessageEncoder::EncodeOne(SlotState* slot,
                                                                     uint32_t number,
                                                                     const MessageView& message,
                                                                     char* out, size_t capacity) {
  const EntryView& entry = message.entries[0];
  const size_t size = entry.data.size();
  // Empty data may be absent too.
  if (ABSL_PREDICT_FALSE(WrongBits(message, entry, *slot, slot->term, slot->index) != 0 ||
                         size - 1 >= (kWideForm ? kWideBytesMax : kNarrowBytesMax) ||
                         capacity < size + kHeadBytesMax)) {
    return EncodeAny(slot->group, message, out, capacity);
  }
  const uint64_t delta = message.commit - slot->commit - slot->last_count;
  if (delta == 0) {
    return FinishOne<kNamed, kWideForm, true>(slot, number, message, delta, out);
  }
  constexpr uint64_t kDeltaHalf = kWideForm ? 0x8000 : 0x80;
  if (ABSL_PREDICT_FALSE(delta + kDeltaHalf >= 2 * kDeltaHalf)) {
    return EncodeAny(slot->group, message, out, capacity);
  }
  return FinishOne<kNamed, kWideForm, false>(slot, number, message, delta, out);
}

// The end of EncodeOne, where the message must be looked at to know its bytes as raftpb.
ABSL_ATTRIBUTE_NOINLINE size_t MessageEncoder::CountAndCopy(SlotState* slot,
                                                            const MessageView& message, char* data,
                                                            size_t bytes) {
  counters_.kinds[static_cast<size_t>(MessageType::kApp)].raftpb_bytes +=
      RaftpbSizeOfOneLookedAt(message, slot);
  const absl::string_view from = message.entries[0].data;
  if (!from.empty()) {
    std::memcpy(data, from.data(), from.size());
  }
  return bytes;
}

// For a group that is not the last message's.
ABSL_ATTRIBUTE_NOINLINE size_t MessageEncoder::EncodeOneNamed(uint64_t group,
                                                              const MessageView& message, char* out,
                                                              size_t capacity) {
  const uint32_t number = index_.Find(group);
  if (number == GroupIndex::kNotFound) {
    return EncodeAny(group, message, out, capacity);
  }
  SlotState* const slot = slots_.Get(number);
  return message.entries[0].data.size() > kNarrowBytesMax
             ? EncodeOne<true, true>(slot, number, message, out, capacity)
             : EncodeOne<true, false>(slot, number, message, out, capacity);
}

ABSL_ATTRIBUTE_NOINLINE size_t MessageEncoder::EncodeOneWide(const MessageView& message, char* out,
                                                             size_t capacity) {
  return EncodeOne<false, true>(current_, current_slot_, message, out, capacity);
}

size_t MessageEncoder::Encode(uint64_t group, const MessageView& message, char* out,
                              size_t capacity) {
  if (ABSL_PREDICT_FALSE(message.entries.size() != 1 || current_ == nullptr)) {
    return EncodeAny(group, message, out, capacity);
  }
  if (current_->group != group) {
    return EncodeOneNamed(group, message, out, capacity);
  }
  if (message.entries[0].data.size() > kNarrowBytesMax) {
    return EncodeOneWide(message, out, capacity);
  }
  return EncodeOne<false, false>(current_, current_slot_, message, out, capacity);
}

}  // namespace hawser
