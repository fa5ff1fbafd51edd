#ifndef HAWSER_CODEC_SLOT_TABLE_H_
#define HAWSER_CODEC_SLOT_TABLE_H_

// What both ends of a lane know of each group: the predictor's state.

#include <cstddef>
#include <cstdint>
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

// Finds a group's slot: an open-addressed table of slot numbers, at most half full.
//
// One in each encoder; the groups themselves are in the SlotTable.
class GroupIndex {
 public:
  static constexpr uint32_t kNotFound = 0xffff;

  explicit GroupIndex(SlotTable* slots) : slots_(slots) {}

  uint32_t Find(uint64_t group) const {
    for (size_t at = Home(group);; at = (at + 1) & mask_) {
      const uint32_t slot = cells_[at];
      if (slot == kNotFound || slots_->Get(slot)->group == group) {
        return slot;
      }
    }
  }
  // Brings the slot where Find would look first into the cache.
  void Prefetch(uint64_t group) const {
    const uint32_t slot = cells_[Home(group)];
    if (slot != kNotFound) {
      slots_->Prefetch(slot);
    }
  }
  // REQUIRES: Find(group) == kNotFound.
  void Add(uint64_t group, uint32_t slot);
  void Clear();

 private:
  static constexpr uint16_t kNoCells[1] = {kNotFound};

  size_t Home(uint64_t group) const {
    return static_cast<size_t>((group * 0x9e3779b97f4a7c15u) >> 40) & mask_;
  }
  void Place(uint64_t group, uint32_t slot);
  void Resize(size_t cells);

  SlotTable* const slots_;
  // Of mask_ + 1 cells: memory_'s, or kNoCells.
  const uint16_t* cells_ = kNoCells;
  size_t mask_ = 0;
  std::unique_ptr<uint16_t[]> memory_;
  uint32_t used_ = 0;
};

static_assert(kSlotsMax <= GroupIndex::kNotFound, "a cell holds a slot number or nothing");

}  // namespace hawser

#endif  // HAWSER_CODEC_SLOT_TABLE_H_
