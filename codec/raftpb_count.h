#ifndef HAWSER_CODEC_RAFTPB_COUNT_H_
#define HAWSER_CODEC_RAFTPB_COUNT_H_

// How many bytes a predicted append would take as raftpb, without a look at each entry: what the
// counters compare with. Private to the message codec.

#include <cstddef>
#include <cstdint>

#include "absl/base/optimization.h"
#include "codec/message_view.h"
#include "codec/slot_table.h"

namespace hawser {

// What is known of the lengths of a run of entries.
struct EntryLengths {
  // No entry's data is longer.
  size_t longest = 0;
  bool one_length = false;
  // Where they lie together, `width` bytes each; or null.
  const char* lengths = nullptr;
  unsigned width = 1;
};

// RaftpbSize of an append as `slot` predicts it, which has not been brought up to date yet: its
// entries are alike but for indexes that follow one another, and data, which is `data_bytes` of
// all.
uint64_t RaftpbSizeOfRun(const MessageView& message, uint64_t data_bytes,
                         const EntryLengths& lengths, const SlotState& slot);

// What the next append of one entry would take beside its data, if it is as `slot` predicts, all
// lengths take a byte, and no number grows; 0: that is not known.
uint8_t BesideDataOfNext(const SlotState& slot);

// Brings slot->one_beside_data up to date, for a slot that was as `before`.
void CountFrom(const SlotState& before, SlotState* slot);

// False when an append of one entry at `index`, which brings the commit index from `before` to
// `commit`, may take another number of bytes for one of them than the append before it.
inline bool SameWidths(uint64_t index, uint64_t before, uint64_t commit) {
  return ((index ^ (index + 1)) | (before ^ commit)) < 0x80;
}

// Entries up to the first need one byte for each length, whatever else they hold; between the
// second and the third the entry needs two.
inline constexpr size_t kSmallEntryBytes = 101;
inline constexpr size_t kLargeEntryBytesMin = 126;
inline constexpr size_t kLargeEntryBytesMax = 16300;

// RaftpbSize of a predicted append of one entry of `size` bytes, where that is known without a look
// at it; else 0. `slot` is as it was before the message.
inline uint64_t RaftpbSizeOfOne(size_t size, uint64_t commit, const SlotState& slot) {
  const uint64_t beside_data = slot.one_beside_data;
  if (ABSL_PREDICT_FALSE(!SameWidths(slot.index, slot.commit, commit) || commit == 0 ||
                         beside_data == 0)) {
    return 0;
  }
  if (ABSL_PREDICT_TRUE(size <= kSmallEntryBytes)) {
    return beside_data + size;
  }
  return size >= kLargeEntryBytesMin && size <= kLargeEntryBytesMax
             ? beside_data + size + (size > 127 ? 2 : 1)
             : 0;
}

// The same with a look at it, after `slot` was brought up to date.
uint64_t RaftpbSizeOfOneLookedAt(const MessageView& message, SlotState* slot);

}  // namespace hawser

#endif  // HAWSER_CODEC_RAFTPB_COUNT_H_
