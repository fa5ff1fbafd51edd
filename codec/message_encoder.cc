#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "base/check.h"
#include "codec/copy_short.h"
#include "codec/crc32c.h"
#include "codec/message_check.h"
#include "codec/message_codec.h"
#include "codec/varint.h"

namespace hawser {
namespace {

constexpr size_t kCheckBytes = 4;
// Of a short form: tag, slot, fields, check, lengths, context with its check.
constexpr size_t kShortHeadBytesMax =
    1 + kSlotBytes + 8 + 1 + 2 * kMixedEntriesMax + kContextBytesMax + kCheckBytes;
// Of a record, without entries and what is sized: tag, slot, length, check, group, and each
// field or length of the head at its longest.
constexpr size_t kRecordBytesMax =
    1 + kSlotBytes + kVarintBytesMax + kCheckBytes + kVarintBytesMax + 3 + 18 * kVarintBytesMax + 4;
constexpr size_t kEntryBytesMax = 2 + 4 * kVarintBytesMax;

inline char* Append(absl::string_view bytes, char* out) {
  if (bytes.size() <= 64) {
    CopyShort(bytes.data(), bytes.size(), out);
  } else {
    std::memcpy(out, bytes.data(), bytes.size());
  }
  return out + bytes.size();
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

char* AppendPayload(const MessageView& message, char* out) {
  if (message.snapshot != nullptr) {
    out = Append(message.snapshot->data, out);
  }
  for (const EntryView& entry : message.entries) {
    out = Append(entry.data, out);
  }
  return out;
}

template <typename Length>
char* AppendLengths(const MessageView& message, char* out) {
  for (const EntryView& entry : message.entries) {
    const Length length = static_cast<Length>(entry.data.size());
    std::memcpy(out, &length, sizeof(length));
    out += sizeof(length);
  }
  return out;
}

char* AppendContext(absl::string_view context, char* out) {
  if (!context.empty()) {
    std::memcpy(out, context.data(), context.size());
    out += context.size();
  }
  const uint32_t check = Crc32c(context);
  std::memcpy(out, &check, sizeof(check));
  return out + sizeof(check);
}

// All of a short form but the payload.
size_t ShortHeadBytes(const ShortPlan& plan, bool named, const MessageView& message) {
  const bool context = message.context.data() != nullptr;
  return plan.fields_bytes + 1u + (named ? kSlotBytes : 0) +
         plan.length_bytes * message.entries.size() +
         (context ? message.context.size() + kCheckBytes : 0);
}

}  // namespace

MessageEncoder::MessageEncoder(const CodecLimits& limits) : limits_(limits), index_(&slots_) {
  HAWSER_CHECK(limits.groups_max <= kSlotsMax);
}

void MessageEncoder::Reset() {
  messages_ = 0;
  current_ = nullptr;
  slots_.Clear();
  index_.Clear();
}

size_t MessageEncoder::SizeBound(const MessageView& message) {
  size_t bound = kRecordBytesMax + message.context.size() + message.unknown_fields.size();
  if (message.snapshot != nullptr) {
    bound += message.snapshot->data.size() + message.snapshot->metadata.size() +
             message.snapshot->unknown_fields.size();
  }
  for (const absl::string_view response : message.responses) {
    bound += kVarintBytesMax + response.size();
  }
  for (const EntryView& entry : message.entries) {
    bound += kEntryBytesMax + entry.data.size() + entry.unknown_fields.size();
  }
  return bound;
}

bool MessageEncoder::WithinLimits(const MessageView& message) const {
  return message.entries.size() <= limits_.entries_max &&
         message.responses.size() <= limits_.entries_max &&
         SizeBound(message) <= limits_.message_bytes_max;
}

MessageEncoder::Target MessageEncoder::TargetOf(uint64_t group) {
  Target target;
  if (current_ != nullptr && current_->group == group) {
    target.state = current_;
    target.slot = current_slot_;
    return target;
  }
  const uint32_t slot = index_.Find(group);
  if (slot != GroupIndex::kNotFound) {
    target.state = slots_.Get(slot);
    target.slot = slot;
    target.named = true;
  }
  return target;
}

// The message that matters most: an append of one short entry, predicted. 0: it is not that, and
// the general way does it. It writes what the general way would.
template <bool kNamed>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline size_t MessageEncoder::EncodeOne(SlotState* slot,
                                                                     uint32_t number,
                                                                     const MessageView& message,
                                                                     char* out, size_t capacity) {
  const EntryView& entry = message.entries[0];
  const char* const data = entry.data.data();
  const size_t size = entry.data.size();
  const uint64_t term = slot->term;
  const uint64_t index = slot->index;
  const uint64_t commit = message.commit;
  const uint64_t delta = commit - slot->commit - slot->last_count;
  const uint64_t wrong =
      (message.from ^ slot->from) | (message.to ^ slot->to) | (message.term ^ term) |
      (message.log_term ^ term) | (message.index ^ index) | (entry.term ^ term) |
      (entry.index ^ (index + 1)) | message.reject_hint | message.vote | message.responses.size() |
      message.unknown_fields.size() | entry.unknown_fields.size() |
      reinterpret_cast<uintptr_t>(message.snapshot) |
      reinterpret_cast<uintptr_t>(message.context.data()) |
      (FirstFields(message) ^ (static_cast<uint32_t>(MessageType::kApp) |
                               static_cast<uint32_t>(slot->zero_fields) << 16)) |
      (TypeAndZeros(entry) ^ static_cast<uint32_t>(slot->entry_zeros) << 8);
  if (ABSL_PREDICT_FALSE(wrong != 0 || data == nullptr || size > kCopyBytesMax ||
                         capacity < size + 8 || delta + 0x80 > 0xff)) {
    return 0;
  }
  const bool extra = delta == 0;
  const uint32_t size_field = static_cast<uint32_t>(size);
  uint32_t fields = extra ? kTagOneExtra | size_field << 8
                          : kTagOne | static_cast<uint32_t>(delta & 0xff) << 8 | size_field << 16;
  fields ^= kNamed ? kGroup | kTagParity : 0;
  const size_t check_at = (extra ? 2 : 3) + (kNamed ? kSlotBytes : 0);
  const uint8_t check = ShortCheck(fields, StateSum(messages_, *slot, number));
  ++messages_;
  slot->index = index + 1;
  slot->commit = commit;
  slot->last_count = 1;
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(MessageType::kApp)];
  ++kind.predicted;
  kind.bytes += check_at + 1 + size;
  if (kNamed) {
    current_ = slot;
    current_slot_ = number;
    *out = static_cast<char>(fields);
    const uint32_t behind_tag = SealSlot(number) | (fields >> 8) << 16;
    std::memcpy(out + 1, &behind_tag, sizeof(behind_tag));
  } else {
    std::memcpy(out, &fields, sizeof(fields));
  }
  out[check_at] = static_cast<char>(check);
  CopyShort(data, size, out + check_at + 1);
  return check_at + 1 + size;
}

// The same for a group that is not the last message's.
ABSL_ATTRIBUTE_NOINLINE size_t MessageEncoder::EncodeOneNamed(uint64_t group,
                                                              const MessageView& message, char* out,
                                                              size_t capacity) {
  const uint32_t number = index_.Find(group);
  if (number != GroupIndex::kNotFound) {
    const size_t bytes = EncodeOne<true>(slots_.Get(number), number, message, out, capacity);
    if (bytes != 0) {
      return bytes;
    }
  }
  return EncodeAny(group, message, out, capacity);
}

// REQUIRES: room for kShortHeadBytesMax bytes, or for the head and 16 bytes more.
size_t MessageEncoder::WriteShortHead(const ShortPlan& plan, const Target& target,
                                      const MessageView& message, char* out) {
  const uint8_t tag = SealTag(static_cast<uint8_t>(plan.tag | (target.named ? kGroup : 0)));
  const uint64_t fields = plan.fields | tag;
  char* at = out;
  if (target.named) {
    *at++ = static_cast<char>(tag);
    const uint16_t slot = SealSlot(target.slot);
    std::memcpy(at, &slot, sizeof(slot));
    at += kSlotBytes;
    const uint64_t behind_tag = fields >> 8;
    std::memcpy(at, &behind_tag, sizeof(behind_tag));
    at += plan.fields_bytes - 1;
  } else {
    std::memcpy(at, &fields, sizeof(fields));
    at += plan.fields_bytes;
  }
  *at++ = static_cast<char>(ShortCheck(fields, StateSum(messages_, *target.state, target.slot)));
  if (plan.length_bytes != 0) {
    at = plan.length_bytes == 1 ? AppendLengths<uint8_t>(message, at)
                                : AppendLengths<uint16_t>(message, at);
  }
  if (message.context.data() != nullptr) {
    at = AppendContext(message.context, at);
  }
  return static_cast<size_t>(at - out);
}

void MessageEncoder::AdvanceShort(const MessageView& message, const Target& target, size_t bytes) {
  ++messages_;
  UpdateSlot(message, target.state);
  current_ = target.state;
  current_slot_ = target.slot;
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(message.type)];
  ++kind.predicted;
  kind.bytes += bytes;
}

void MessageEncoder::BuildRecord(uint64_t group, const MessageView& message, const Target& target) {
  const bool opens = target.state == nullptr && slots_.size() < limits_.groups_max;
  const bool stateless = target.state == nullptr && !opens;
  const SlotState fresh;
  head_.clear();
  if (target.state == nullptr) {
    char id[kVarintBytesMax];
    head_.append(id, static_cast<size_t>(WriteVarint(group, id) - id));
  }
  AppendRecordHead(message, target.state == nullptr ? fresh : *target.state, &head_);

  char start[1 + kSlotBytes + kVarintBytesMax + kCheckBytes];
  char* at = start;
  *at++ = static_cast<char>(
      SealTag(static_cast<uint8_t>(static_cast<unsigned>(Form::kRecord) | (opens ? kExtra : 0) |
                                   (stateless ? kWide : 0) | (target.named ? kGroup : 0))));
  if (target.named) {
    const uint16_t slot = SealSlot(target.slot);
    std::memcpy(at, &slot, sizeof(slot));
    at += kSlotBytes;
  }
  at = WriteVarint(head_.size(), at);
  const uint64_t state_sum =
      target.state == nullptr ? messages_ : StateSum(messages_, *target.state, target.slot);
  const uint32_t check = MessageCheck(state_sum, {start, static_cast<size_t>(at - start)}, head_);
  std::memcpy(at, &check, sizeof(check));
  at += sizeof(check);
  head_.insert(0, start, static_cast<size_t>(at - start));
}

void MessageEncoder::Advance(uint64_t group, const MessageView& message, const Target& target) {
  ++messages_;
  Target used = target;
  if (used.state == nullptr && slots_.size() < limits_.groups_max) {
    used.slot = slots_.size();
    used.state = slots_.Open(group);
    index_.Add(group, used.slot);
  }
  if (used.state != nullptr) {
    UpdateSlot(message, used.state);
    current_ = used.state;
    current_slot_ = used.slot;
  }
}

size_t MessageEncoder::Encode(uint64_t group, const MessageView& message, char* out,
                              size_t capacity) {
  if (message.entries.size() == 1 && message.type == MessageType::kApp && current_ != nullptr) {
    if (current_->group != group) {
      return EncodeOneNamed(group, message, out, capacity);
    }
    const size_t bytes = EncodeOne<false>(current_, current_slot_, message, out, capacity);
    if (bytes != 0) {
      return bytes;
    }
  }
  return EncodeAny(group, message, out, capacity);
}

ABSL_ATTRIBUTE_NOINLINE size_t MessageEncoder::EncodeAny(uint64_t group, const MessageView& message,
                                                         char* out, size_t capacity) {
  const Target target = TargetOf(group);
  ShortPlan plan;
  if (target.state != nullptr && PlanShort(message, *target.state, &plan)) {
    const size_t head_bytes = ShortHeadBytes(plan, target.named, message);
    const size_t total = head_bytes + plan.data_bytes;
    if (total > capacity) {
      return 0;
    }
    if (capacity >= head_bytes + 16) {
      AppendPayload(message, out + WriteShortHead(plan, target, message, out));
    } else {
      // The head is written in whole words, which the end of the buffer may not have.
      char head[kShortHeadBytesMax + 16];
      WriteShortHead(plan, target, message, head);
      std::memcpy(out, head, head_bytes);
      AppendPayload(message, out + head_bytes);
    }
    AdvanceShort(message, target, total);
    return total;
  }
  BuildRecord(group, message, target);
  const size_t total = head_.size() + RecordPayloadBytes(message);
  if (total > capacity) {
    return 0;
  }
  std::memcpy(out, head_.data(), head_.size());
  AppendPayload(message, out + head_.size());
  Advance(group, message, target);
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(message.type)];
  ++kind.missed;
  kind.bytes += total;
  return total;
}

void MessageEncoder::EncodeSegments(uint64_t group, const MessageView& message,
                                    EncodedSegments* out) {
  const Target target = TargetOf(group);
  ShortPlan plan;
  size_t total = RecordPayloadBytes(message);
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(message.type)];
  if (target.state != nullptr && PlanShort(message, *target.state, &plan)) {
    out->scratch_.resize(std::max(out->scratch_.size(), kShortHeadBytesMax + 16));
    const size_t head_bytes = WriteShortHead(plan, target, message, &out->scratch_[0]);
    out->scratch_.resize(head_bytes);
    total += head_bytes;
    AdvanceShort(message, target, total);
  } else {
    BuildRecord(group, message, target);
    out->scratch_ = head_;
    total += head_.size();
    Advance(group, message, target);
    ++kind.missed;
    kind.bytes += total;
  }
  out->total_bytes_ = total;
  out->segments_.clear();
  out->segments_.push_back({out->scratch_, false});
  if (message.snapshot != nullptr && !message.snapshot->data.empty()) {
    out->segments_.push_back({message.snapshot->data, true});
  }
  for (const EntryView& entry : message.entries) {
    if (!entry.data.empty()) {
      out->segments_.push_back({entry.data, true});
    }
  }
}

}  // namespace hawser
