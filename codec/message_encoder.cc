#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "codec/copy_short.h"
#include "codec/crc32c.h"
#include "codec/message_check.h"
#include "codec/message_codec.h"
#include "codec/raftpb_count.h"
#include "codec/varint.h"

namespace hawser {
namespace {

constexpr size_t kCheckBytes = 4;
// Of a short form: tag, slot, fields, check, lengths, context with its check.
constexpr size_t kShortHeadBytesMax =
    1 + kSlotBytes + 8 + 1 + 2 * kMixedEntriesMax + kContextBytesMax + kCheckBytes;

inline char* Append(absl::string_view bytes, char* out) {
  if (bytes.size() <= 64) {
    CopyShort(bytes.data(), bytes.size(), out);
  } else {
    std::memcpy(out, bytes.data(), bytes.size());
  }
  return out + bytes.size();
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

MessageEncoder::MessageEncoder(const CodecLimits& limits)
    : limits_(limits), groups_max_(limits.groups_max), index_(&slots_) {
  HAWSER_CHECK(limits.groups_max <= kSlotsMax);
}

void MessageEncoder::Reset(uint32_t decoder_groups_max) {
  groups_max_ = std::min(limits_.groups_max, decoder_groups_max);
  messages_ = 0;
  current_ = nullptr;
  slots_.Clear();
  index_.Clear();
  last_calls_.clear();
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

bool CodecLimits::Allow(const MessageView& message) const {
  return message.entries.size() <= entries_max && message.responses.size() <= entries_max &&
         MessageEncoder::SizeBound(message) <= message_bytes_max;
}

MessageEncoder::Target MessageEncoder::TargetOf(uint64_t group, MessageType type) {
  Target target;
  target.none = static_cast<int>(type) >= kMessageTypeCount;
  if (target.none) {
    return target;
  }
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

uint64_t MessageEncoder::RaftpbSizeOf(const MessageView& message, const ShortPlan& plan,
                                      const Target& target) {
  if (message.type != MessageType::kApp) {
    return RaftpbSize(message);
  }
  EntryLengths lengths;
  lengths.longest = plan.longest;
  lengths.one_length = plan.one_length;
  return RaftpbSizeOfRun(message, plan.data_bytes, lengths, *target.state);
}

void MessageEncoder::AdvanceShort(const MessageView& message, const Target& target, size_t bytes,
                                  uint64_t raftpb_bytes) {
  ++messages_;
  UpdateSlot(message, target.state);
  current_ = target.state;
  current_slot_ = target.slot;
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(message.type)];
  ++kind.predicted;
  kind.bytes += bytes;
  kind.raftpb_bytes += raftpb_bytes;
}

bool MessageEncoder::PredictsCall(const Target& target, uint64_t call) const {
  if (target.state == nullptr || (target.state->zero_fields & kCallBit) == 0) {
    return false;
  }
  const auto last = last_calls_.find(target.slot);
  return last != last_calls_.end() && last->second + 1 == call;
}

void MessageEncoder::BuildRecord(uint64_t group, const MessageView& message, uint64_t call,
                                 const Target& target) {
  const bool opens = Opens(target);
  const bool stateless = target.state == nullptr && !opens;
  const SlotState fresh;
  head_.clear();
  if (target.state == nullptr) {
    char id[kVarintBytesMax];
    head_.append(id, static_cast<size_t>(WriteVarint(group, id) - id));
  }
  AppendRecordHead(message, target.state == nullptr ? fresh : *target.state, call, &head_);

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
  if (Opens(target)) {
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

void MessageEncoder::CountMissed(const MessageView& message, size_t bytes) {
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(message.type)];
  ++kind.missed;
  kind.bytes += bytes;
  kind.raftpb_bytes += RaftpbSize(message);
}

size_t MessageEncoder::EncodeRecord(uint64_t group, const MessageView& message, uint64_t call,
                                    const Target& target, char* out, size_t capacity) {
  BuildRecord(group, message, call, target);
  const size_t total = head_.size() + RecordPayloadBytes(message);
  if (total > capacity) {
    return 0;
  }
  std::memcpy(out, head_.data(), head_.size());
  AppendPayload(message, out + head_.size());
  Advance(group, message, target);
  CountMissed(message, total);
  return total;
}

ABSL_ATTRIBUTE_NOINLINE size_t MessageEncoder::EncodeAny(uint64_t group, const MessageView& message,
                                                         char* out, size_t capacity) {
  const Target target = TargetOf(group, message.type);
  ShortPlan plan;
  if (target.state == nullptr || !PlanShort(message, *target.state, &plan)) {
    // Of a call: EncodeOfCall has seen that its number is the next one.
    const bool of_call = (message.zero_fields & kCallBit) != 0;
    return EncodeRecord(group, message, of_call ? last_calls_[target.slot] + 1 : 0, target, out,
                        capacity);
  }
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
  AdvanceShort(message, target, total, RaftpbSizeOf(message, plan, target));
  return total;
}

size_t MessageEncoder::EncodeOfCall(uint64_t group, const MessageView& message, uint64_t call,
                                    char* out, size_t capacity) {
  const Target target = TargetOf(group, message.type);
  const bool takes_slot = TakesSlot(target);
  const size_t bytes = PredictsCall(target, call)
                           ? Encode(group, message, out, capacity)
                           : EncodeRecord(group, message, call, target, out, capacity);
  if (bytes != 0 && takes_slot) {
    last_calls_[current_slot_] = call;
  }
  return bytes;
}

void MessageEncoder::EncodeSegments(uint64_t group, const MessageView& message, uint64_t call,
                                    EncodedSegments* out) {
  const Target target = TargetOf(group, message.type);
  const bool takes_slot = TakesSlot(target);
  ShortPlan plan;
  size_t total = RecordPayloadBytes(message);
  if (target.state != nullptr && (call == 0 || PredictsCall(target, call)) &&
      PlanShort(message, *target.state, &plan)) {
    out->scratch_.resize(std::max(out->scratch_.size(), kShortHeadBytesMax + 16));
    const size_t head_bytes = WriteShortHead(plan, target, message, &out->scratch_[0]);
    out->scratch_.resize(head_bytes);
    total += head_bytes;
    AdvanceShort(message, target, total, RaftpbSizeOf(message, plan, target));
  } else {
    BuildRecord(group, message, call, target);
    out->scratch_ = head_;
    total += head_.size();
    Advance(group, message, target);
    CountMissed(message, total);
  }
  if (call != 0 && takes_slot) {
    last_calls_[current_slot_] = call;
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
