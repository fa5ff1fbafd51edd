// What of a MessageDecoder is sealed by a CRC and seldom runs: records' heads, whole messages.

#include <utility>

#include "base/check.h"
#include "codec/byte_reader.h"
#include "codec/message_check.h"
#include "codec/message_codec.h"
#include "codec/message_payload.h"
#include "codec/short_form_read.h"

namespace hawser {

MessageDecoder::MessageDecoder(const CodecLimits& limits)
    : limits_(limits), raftpb_(RaftpbLimits{limits.entries_max}) {
  HAWSER_CHECK(limits.groups_max <= kSlotsMax);
}

void MessageDecoder::Reset() {
  messages_ = 0;
  current_ = nullptr;
  slots_.Clear();
  last_calls_.clear();
  record_.call = 0;
}

uint64_t MessageDecoder::TakeCall(MessageView* message) {
  message->zero_fields &= static_cast<uint16_t>(~kCallBit);
  const uint64_t told = std::exchange(record_.call, 0);
  if (told != 0 && !record_has_slot_) {
    return told;
  }
  uint64_t& last = last_calls_[current_slot_];
  return last = told != 0 ? told : last + 1;
}

DecodeError MessageDecoder::CheckRecord(uint8_t tag, absl::string_view bytes, Target* target,
                                        absl::string_view* head) {
  const bool named = (tag & kGroup) != 0;
  const bool fresh = (tag & (kWide | kExtra)) != 0;
  if (named + ((tag & kWide) != 0) + ((tag & kExtra) != 0) > 1) {
    return DecodeError::kBadHead;
  }
  if (!fresh) {
    const DecodeError found = FindTarget(tag, bytes, target);
    if (found != DecodeError::kNone) {
      return found;
    }
  }
  ByteReader in(bytes);
  in.Bytes(1 + (named ? kSlotBytes : 0));
  const uint64_t head_bytes = in.Varint();
  const size_t before = static_cast<size_t>(in.at() - bytes.data());
  const uint32_t check = in.U32();
  if (head_bytes > limits_.message_bytes_max) {
    return DecodeError::kTooLarge;
  }
  *head = in.Bytes(head_bytes);
  if (in.failed()) {
    return DecodeError::kTruncated;
  }
  const uint64_t state_sum = fresh ? messages_ : StateSum(messages_, *target->state, target->slot);
  return SameCheck(MessageCheck(state_sum, bytes.substr(0, before), *head), check)
             ? DecodeError::kNone
             : DecodeError::kBadCheck;
}

DecodeError MessageDecoder::DecodeWhole(uint8_t tag, absl::string_view bytes, FlatPayload* payload,
                                        DecodedMessage* out) {
  if ((tag & (kWide | kExtra)) != 0) {
    return DecodeError::kReservedForm;
  }
  ByteReader in(bytes);
  in.U8();
  const uint64_t unnamed = current_ == nullptr ? 0 : current_->group;
  out->group = (tag & kGroup) != 0 ? in.Varint() : unnamed;
  const uint64_t raftpb_bytes = in.Varint();
  const size_t before = static_cast<size_t>(in.at() - bytes.data());
  const uint32_t check = in.U32();
  if (raftpb_bytes > limits_.message_bytes_max) {
    return DecodeError::kTooLarge;
  }
  const absl::string_view raftpb = in.Bytes(raftpb_bytes);
  if (in.failed()) {
    return DecodeError::kTruncated;
  }
  if (!SameCheck(MessageCheck(messages_, bytes.substr(0, before), raftpb), check)) {
    return DecodeError::kBadCheck;
  }
  ++messages_;
  payload->Start(in.at());
  raftpb_bytes_ = raftpb_bytes;
  return raftpb_.Decode(raftpb, &out->message);
}

}  // namespace hawser
