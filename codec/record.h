#ifndef HAWSER_CODEC_RECORD_H_
#define HAWSER_CODEC_RECORD_H_

// The head of a record, which can say any message: docs/codec_format.md, "RECORD".

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "codec/byte_reader.h"
#include "codec/decode_error.h"
#include "codec/message_view.h"
#include "codec/slot_table.h"

namespace hawser {

// Appends the head of `message`, from its type on, to `head`. `slot` predicts; an empty
// SlotState where there is none. `call` is the number of its call, 0 if it has none.
void AppendRecordHead(const MessageView& message, const SlotState& slot, uint64_t call,
                      std::string* head);

// The bytes behind the head: the snapshot's data and the entries'.
size_t RecordPayloadBytes(const MessageView& message);

// A record that was read: what its message's arrays point at.
//
// One in each decoder, reused. The data of snapshot and entries is not yet there: a view of the
// right length (null: absent) whose pointer is to be replaced by where the payload lies.
struct RecordScratch {
  SnapshotView snapshot;
  std::vector<EntryView> entries;
  std::vector<absl::string_view> responses;
  // Of all payload runs.
  size_t payload_bytes = 0;
  // The number of the message's call, or 0.
  uint64_t call = 0;
};

// Reads a head, from its type on, to its end.
DecodeError ReadRecordHead(ByteReader* in, const SlotState& slot, size_t entries_max,
                           size_t payload_bytes_max, RecordScratch* scratch, MessageView* message);

}  // namespace hawser

#endif  // HAWSER_CODEC_RECORD_H_
