#ifndef HAWSER_CODEC_SHORT_FORM_H_
#define HAWSER_CODEC_SHORT_FORM_H_

// Which messages need no record, and what is sent of them: docs/codec_format.md, "Short forms".

#include <array>
#include <cstddef>
#include <cstdint>

#include "codec/message_view.h"
#include "codec/slot_table.h"
#include "codec/tag.h"

namespace hawser {

inline constexpr size_t kContextBytesMax = 255;
inline constexpr size_t kMixedEntriesMax = 256;

// A message in a short form, before it is written.
struct ShortPlan {
  // Form and flags, without GROUP and parity.
  uint8_t tag = 0;
  // Tag and fields: 1 to 8 bytes.
  uint8_t fields_bytes = 0;
  // MIXED: the size of each length behind the check; else 0.
  uint8_t length_bytes = 0;
  // The fields as one little-endian number, the tag's byte still 0.
  uint64_t fields = 0;
  // Of the entries' data: of all, of the longest, and whether all are as long.
  size_t data_bytes = 0;
  size_t longest = 0;
  bool one_length = false;
};

// How a run of entries looks to the predictor.
struct EntryRun {
  // Terms, indexes, types and presence are as predicted.
  bool regular = false;
  bool one_length = false;
  size_t longest = 0;
  size_t total = 0;
};

// Looks at all entries of `message`, whose zero_fields should be `entry_zeros`.
EntryRun LookAtEntries(const MessageView& message, uint8_t entry_zeros);

// True when `message` fits a short form of `slot`; `plan` then says how.
bool PlanShort(const MessageView& message, const SlotState& slot, ShortPlan* plan);

// The bytes of tag and fields of each form with its flags (index: tag & 0x3f); 0: no short form.
constexpr std::array<uint8_t, 64> MakeFieldsBytes() {
  std::array<uint8_t, 64> bytes{};
  for (unsigned tag = 0; tag < 64; ++tag) {
    const Form form = static_cast<Form>(tag & kFormMask);
    const bool wide = (tag & kWide) != 0;
    const bool extra = (tag & kExtra) != 0;
    const unsigned width = wide ? 2 : 1;
    const unsigned commit = extra ? 0 : width;
    unsigned size = 0;
    switch (form) {
      case Form::kEmpty:
        size = 1 + commit;
        break;
      case Form::kOne:
      case Form::kTwo:
        size = 1 + commit + width;
        break;
      case Form::kMany:
        size = 1 + commit + 2 * width;
        break;
      case Form::kMixed:
        size = 1 + commit + 1 + (wide ? 3 : 2);
        break;
      case Form::kFewTwo:
        size = 1 + (extra ? 0 : 1) + (wide ? 3 : 2);
        break;
      case Form::kFewFour:
        size = 1 + (extra ? 0 : 1) + (wide ? 5 : 4);
        break;
      case Form::kAppendResponse:
      case Form::kHeartbeat:
        size = 1 + width + (extra ? 1 : 0);
        break;
      case Form::kHeartbeatResponse:
        size = wide ? 0 : 1 + (extra ? 1 : 0);
        break;
      default:
        break;
    }
    bytes[tag] = static_cast<uint8_t>(size);
  }
  return bytes;
}

inline constexpr std::array<uint8_t, 64> kFieldsBytes = MakeFieldsBytes();

}  // namespace hawser

#endif  // HAWSER_CODEC_SHORT_FORM_H_
