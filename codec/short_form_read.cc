#include "codec/short_form_read.h"

#include <algorithm>

#include "codec/byte_reader.h"
#include "codec/short_form.h"

namespace hawser {

DecodeError ReadAppendShape(uint8_t tag, uint64_t fields, absl::string_view behind,
                            AppendShape* shape) {
  const Form form = FormOf(tag);
  const bool few = form == Form::kFewTwo || form == Form::kFewFour;
  const bool wide = (tag & kWide) != 0;
  const unsigned width = wide && !few ? 2 : 1;
  FieldCursor cursor(fields);
  shape->commit_delta = (tag & kExtra) != 0 ? 0 : cursor.Signed(width);
  switch (form) {
    case Form::kEmpty:
      return DecodeError::kNone;
    case Form::kOne:
      shape->count = 1;
      break;
    case Form::kTwo:
      shape->count = 2;
      break;
    case Form::kMany:
      shape->count = 1 + static_cast<size_t>(cursor.Unsigned(width));
      break;
    case Form::kMixed: {
      shape->count = 1 + static_cast<size_t>(cursor.Unsigned(1));
      shape->total = cursor.Unsigned(wide ? 3 : 2);
      shape->lengths = behind.data();
      shape->width = width;
      shape->lengths_bytes = shape->count * width;
      if (behind.size() < shape->lengths_bytes) {
        return DecodeError::kTruncated;
      }
      uint64_t sum = 0;
      for (size_t at = 0; at < shape->count; ++at) {
        sum += shape->LengthOf(at);
      }
      return sum == shape->total ? DecodeError::kNone : DecodeError::kBadCheck;
    }
    default:
      shape->count = (form == Form::kFewTwo ? 2 : 4) + (wide ? 1 : 0);
      for (size_t at = 0; at < shape->count; ++at) {
        const uint64_t length = cursor.Unsigned(1);
        shape->few[at] = static_cast<char>(length);
        shape->total += length;
      }
      shape->lengths = shape->few;
      return DecodeError::kNone;
  }
  shape->one_length = static_cast<size_t>(cursor.Unsigned(width));
  shape->total = uint64_t{shape->count} * shape->one_length;
  return DecodeError::kNone;
}

size_t HeadBytes(absl::string_view start) {
  ByteReader in(start);
  const uint8_t tag = in.U8();
  const uint8_t fields_bytes = kFieldsBytes[tag & 0x3f];
  const size_t slot_bytes = (tag & kGroup) != 0 ? kSlotBytes : 0;
  if (FormOf(tag) == Form::kRecord) {
    in.Bytes(slot_bytes);
    const uint64_t head_bytes = in.Varint();
    const size_t before = start.size() - in.left() + kCheckBytes;
    return in.failed() ? 0 : before + static_cast<size_t>(std::min<uint64_t>(head_bytes, ~0u));
  }
  if (fields_bytes == 0 || start.size() < fields_bytes + slot_bytes + 1) {
    return 0;
  }
  const size_t end = fields_bytes + slot_bytes + 1;
  if (FormOf(tag) == Form::kMixed) {
    const unsigned width = (tag & kWide) != 0 ? 2 : 1;
    FieldCursor fields(LoadWord(start.substr(slot_bytes)));
    fields.Signed((tag & kExtra) != 0 ? 0 : width);
    return end + width * (1 + static_cast<size_t>(fields.Unsigned(1)));
  }
  if (FormOf(tag) >= Form::kAppendResponse && (tag & kExtra) != 0) {
    return end + static_cast<uint8_t>(start[end - 2]) + kCheckBytes;
  }
  return end;
}

}  // namespace hawser
