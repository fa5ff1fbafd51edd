#ifndef HAWSER_CODEC_SLOT_TABLE_H_
#define HAWSER_CODEC_SLOT_TABLE_H_

// What both ends of a lane know of each group: the predictor's state.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "codec/message_view.h"
#include "codec/tag.h"

namespace hawser {

// The registers of one group, as docs/codec_format.md names them. Those that change with every
// message stand behind those that do not, and not beside one another: where a compiler makes one
// wide load of two neighbours, of which one has just been stored, it waits for the store.
struct SlotState {
  uint64_t group = 0;
  uint64_t term = 0;
  uint64_t to = 0;
  uint64_t from = 0;
  uint64_t index = 0;
  uint32_t last_count = 0;
  uint16_t zero_fields = 0;
  uint8_t entry_zeros = 0;
  // Of counters only (codec/raftpb_count.h).
  uint8_t one_beside_data = 0;
  uint64_t commit = 0;
};

static_assert(sizeof(SlotState) <= 56, "the memory a group is promised");

// Takes over what a message tells, after it was encoded or decoded.
void UpdateSlot(const MessageView& message, SlotState* slot);

// What both ends must agree on before a message of this slot.
inline uint64_t StateSum(uint64_t messages, const SlotState& state, uint32_t slot) {
  return messages + state.index + state.commit + state.term + (uint64_t{slot} << 48);
}

// The check of a short form over its tag and fields, as one number, and the state.
inline uint8_t ShortCheck(uint64_t fields, uint64_t state_sum) {
  return static_cast<uint8_t>(((fields + state_sum) * 0x9e3779b97f4a7c15u) >> 56);
}

// The slots of one lane, by number. They never move.
//
// One in each encoder and decoder; Clear() keeps the first chunk's memory for the next epoch.
class SlotTable {
 public:
  uint32_t size() const { return size_; }
  // REQUIRES: slot < size().
  SlotState* Get(uint32_t slot) { return &chunks_[slot / kChunk][slot % kChunk]; }
  // The slot is about to be used.
  void Prefetch(uint32_t slot) const {
    const SlotState* const state = &chunks_[slot / kChunk][slot % kChunk];
    __builtin_prefetch(state, 1);
    __builtin_prefetch(&state->commit, 1);
  }
  // The next slot, empty but for its group.
  SlotState* Open(uint64_t group);
  void Clear();

 private:
  static constexpr uint32_t kChunk = 32;

  std::vector<std::unique_ptr<SlotState[]>> chunks_;
  uint32_t size_ = 0;
};

// Finds a group's slot: an open-addressed table of slot numbers, at most three quarters full.
//
// One in each encoder; the groups themselves are in the SlotTable. Beside its number a cell holds
// bits of the group's hash, so that a look hardly ever touches the slot of another group, which is
// likely not in the cache.
class GroupIndex {
 public:
  static constexpr uint32_t kNotFound = kSlotsMax;

  explicit GroupIndex(SlotTable* slots) : slots_(slots) {}

  uint32_t Find(uint64_t group) const {
    const Hash hash = HashOf(group);
    for (size_t at = hash.home;; ++at) {
      const uint32_t cell = Cell(at & mask_);
      if (cell == 0) {
        return kNotFound;
      }
      if (cell >> kSlotBits == hash.mark && slots_->Get(cell % kSlotsMax)->group == group) {
        return cell % kSlotsMax;
      }
    }
  }
  // Brings the slot that Find would look at into the cache.
  void Prefetch(uint64_t group) const {
    const Hash hash = HashOf(group);
    for (size_t at = hash.home;; ++at) {
      const uint32_t cell = Cell(at & mask_);
      if (cell == 0) {
        return;
      }
      if (cell >> kSlotBits == hash.mark) {
        slots_->Prefetch(cell % kSlotsMax);
        return;
      }
    }
  }
  // REQUIRES: Find(group) == kNotFound.
  void Add(uint64_t group, uint32_t slot);
  void Clear();

 private:
  // A cell is a mark above a slot number, or 0 when it is free.
  static constexpr size_t kCellBytes = 3;
  static constexpr unsigned kSlotBits = 15;
  static constexpr uint32_t kCellMask = (1 << (8 * kCellBytes)) - 1;
  // A cell is read as four bytes.
  static constexpr size_t kBytesBehind = 1;
  static constexpr unsigned char kNoCells[kCellBytes + kBytesBehind] = {};
  static_assert(kSlotsMax == 1 << kSlotBits, "a cell has room for any slot number");

  struct Hash {
    size_t home;
    uint32_t mark;  // Odd: so no cell in use is 0.
  };
  static Hash HashOf(uint64_t group) {
    const uint64_t hash = group * 0x9e3779b97f4a7c15u;
    return {static_cast<size_t>(hash >> 38), static_cast<uint32_t>(hash >> 55) | 1};
  }
  uint32_t Cell(size_t at) const {
    uint32_t cell;
    std::memcpy(&cell, cells_ + kCellBytes * at, sizeof(cell));
    return cell & kCellMask;
  }
  void Place(uint64_t group, uint32_t slot);
  void Resize(size_t cells);

  SlotTable* const slots_;
  // Of mask_ + 1 cells: memory_'s, or kNoCells.
  const unsigned char* cells_ = kNoCells;
  size_t mask_ = 0;
  std::unique_ptr<unsigned char[]> memory_;
  uint32_t used_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_CODEC_SLOT_TABLE_H_
