// The message that matters most: an append of one entry, as predicted.

#include <cstring>
#include <type_traits>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "codec/message_check.h"
#include "codec/message_codec.h"
#include "codec/raftpb_count.h"
#include "codec/short_form_read.h"

namespace hawser {
namespace {

// Fills in an append of one entry as `slot` predicts it.
inline void FillOne(const SlotState& slot, uint64_t commit, absl::string_view data,
                    EntryView* entry, MessageView* message) {
  entry->term = slot.term;
  entry->index = slot.index + 1;
  entry->type = EntryType::kNormal;
  entry->zero_fields = slot.entry_zeros;
  entry->data = data;
  entry->unknown_fields = absl::string_view();
  message->type = MessageType::kApp;
  message->reject = false;
  message->zero_fields = slot.zero_fields;
  message->to = slot.to;
  message->from = slot.from;
  message->term = slot.term;
  message->log_term = slot.term;
  message->index = slot.index;
  message->commit = commit;
  message->reject_hint = 0;
  message->vote = 0;
  message->entries = absl::MakeConstSpan(entry, 1);
  message->context = absl::string_view();
  message->snapshot = nullptr;
  message->responses = absl::Span<const absl::string_view>();
  message->unknown_fields = absl::string_view();
}

}  // namespace

// `word` is the message's first bytes without a slot number. When anything is wrong the general way
// says what. Each of its ends is the call of another function, so that it has little to keep in
// mind.
template <bool kNamed, bool kWideForm, bool kExtraForm>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline DecodeError MessageDecoder::DecodeOne(uint64_t word,
                                                                          SlotState* state,
                                                                          uint32_t number,
                                                                          absl::string_view bytes,
                                                                          DecodedMessage* out) {
  constexpr unsigned kWidth = kWideForm ? 2 : 1;
  constexpr unsigned kSizeAt = kExtraForm ? 1 : 1 + kWidth;
  constexpr unsigned kCheckAt = kSizeAt + kWidth;
  constexpr size_t kHeadBytes = kCheckAt + 1 + (kNamed ? kSlotBytes : 0);
  using Size = std::conditional_t<kWideForm, uint16_t, uint8_t>;
  using Delta = std::conditional_t<kWideForm, int16_t, int8_t>;
  const uint64_t fields = word & ((uint64_t{1} << (8 * kCheckAt)) - 1);
  const size_t size = static_cast<Size>(word >> (8 * kSizeAt));
  SlotState& slot = *state;
  if (ABSL_PREDICT_FALSE(!SameCheck(ShortCheck(fields, StateSum(messages_, slot, number)),
                                    static_cast<uint8_t>(word >> (8 * kCheckAt))) ||
                         bytes.size() < kHeadBytes + size || size > limits_.message_bytes_max)) {
    return DecodeAny(bytes, out);
  }
  ++messages_;
  uint64_t commit = slot.commit + slot.last_count;
  if (!kExtraForm) {
    commit += static_cast<uint64_t>(int64_t{static_cast<Delta>(word >> 8)});
  }
  FillOne(slot, commit, {bytes.data() + kHeadBytes, size}, entries_.get(), &out->message);
  out->group = slot.group;
  out->bytes = kHeadBytes + size;
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(MessageType::kApp)];
  ++kind.predicted;
  kind.bytes += kHeadBytes + size;
  const uint64_t raftpb_bytes = RaftpbSizeOfOne(size, commit, slot);
  kind.raftpb_bytes += raftpb_bytes;
  ++slot.index;
  slot.last_count = 1;
  slot.commit = commit;
  if (kNamed) {
    current_ = state;
    current_slot_ = number;
    PrefetchNext(bytes.substr(kHeadBytes + size));
  }
  return ABSL_PREDICT_TRUE(raftpb_bytes != 0) ? DecodeError::kNone : CountOne(out->message, state);
}

// The end of DecodeOne, where the message must be looked at to know its bytes as raftpb.
ABSL_ATTRIBUTE_NOINLINE DecodeError MessageDecoder::CountOne(const MessageView& message,
                                                             SlotState* slot) {
  counters_.kinds[static_cast<size_t>(MessageType::kApp)].raftpb_bytes +=
      RaftpbSizeOfOneLookedAt(message, slot);
  return DecodeError::kNone;
}

// For a message that names its slot, or has wide fields.
ABSL_ATTRIBUTE_NOINLINE DecodeError MessageDecoder::DecodeOneNamed(uint64_t word,
                                                                   absl::string_view bytes,
                                                                   DecodedMessage* out) {
  const uint8_t tag = static_cast<uint8_t>(word);
  const uint16_t sealed = static_cast<uint16_t>(word >> 8);
  const uint32_t number = sealed & (kSlotsMax - 1);
  const bool wide = (tag & kWide) != 0;
  if (!IsSealedSlot(sealed) || number >= slots_.size() ||
      (wide && bytes.size() < sizeof(word) + kSlotBytes)) {
    return DecodeAny(bytes, out);
  }
  SlotState* const state = slots_.Get(number);
  // The slot's number stands between tag and fields.
  if (wide) {
    std::memcpy(&word, bytes.data() + kSlotBytes, sizeof(word));
    word = (word & ~uint64_t{0xff}) | tag;
    return (tag & kExtra) != 0 ? DecodeOne<true, true, true>(word, state, number, bytes, out)
                               : DecodeOne<true, true, false>(word, state, number, bytes, out);
  }
  word = (word >> (8 * kSlotBytes) & ~uint64_t{0xff}) | tag;
  return (tag & kExtra) != 0 ? DecodeOne<true, false, true>(word, state, number, bytes, out)
                             : DecodeOne<true, false, false>(word, state, number, bytes, out);
}

ABSL_ATTRIBUTE_NOINLINE DecodeError MessageDecoder::DecodeOneRare(uint64_t word,
                                                                  absl::string_view bytes,
                                                                  DecodedMessage* out) {
  const uint8_t tag = static_cast<uint8_t>(word);
  if ((tag & kFormMask) != static_cast<uint8_t>(Form::kOne) || !IsSealedTag(tag)) {
    return DecodeAny(bytes, out);
  }
  if ((tag & kGroup) != 0) {
    return DecodeOneNamed(word, bytes, out);
  }
  if (current_ == nullptr) {
    return DecodeAny(bytes, out);
  }
  return (tag & kExtra) != 0
             ? DecodeOne<false, true, true>(word, current_, current_slot_, bytes, out)
             : DecodeOne<false, true, false>(word, current_, current_slot_, bytes, out);
}

DecodeError MessageDecoder::Decode(absl::string_view bytes, DecodedMessage* out) {
  uint64_t word;
  if (ABSL_PREDICT_FALSE(bytes.size() < sizeof(word) || entries_capacity_ == 0)) {
    return DecodeAny(bytes, out);
  }
  std::memcpy(&word, bytes.data(), sizeof(word));
  const uint8_t tag = static_cast<uint8_t>(word);
  if (ABSL_PREDICT_FALSE((tag != kTagOneExtra && tag != kTagOne) || current_ == nullptr)) {
    return DecodeOneRare(word, bytes, out);
  }
  return tag == kTagOneExtra
             ? DecodeOne<false, false, true>(word, current_, current_slot_, bytes, out)
             : DecodeOne<false, false, false>(word, current_, current_slot_, bytes, out);
}

}  // namespace hawser
