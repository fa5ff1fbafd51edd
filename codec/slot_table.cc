#include "codec/slot_table.h"

#include <cstring>

#include "codec/raftpb_count.h"

namespace hawser {
namespace {

constexpr size_t kCellsMin = 16;

}  // namespace

void UpdateSlot(const MessageView& message, SlotState* slot) {
  const SlotState before = *slot;
  switch (message.type) {
    case MessageType::kApp:
      slot->index = message.index;
      slot->commit = message.commit;
      if (!message.entries.empty()) {
        slot->index = message.entries.back().index;
        slot->entry_zeros = message.entries.back().zero_fields;
      }
      break;
    case MessageType::kAppResp:
      slot->index = message.index;
      break;
    case MessageType::kHeartbeat:
      slot->commit = message.commit;
      break;
    case MessageType::kHeartbeatResp:
      break;
    default:
      return;
  }
  slot->last_count =
      message.type == MessageType::kApp ? static_cast<uint32_t>(message.entries.size()) : 0;
  slot->from = message.from;
  slot->to = message.to;
  slot->term = message.term;
  slot->zero_fields = message.zero_fields;
  CountFrom(before, slot);
}

SlotState* SlotTable::Open(uint64_t group) {
  if (size_ / kChunk == chunks_.size()) {
    chunks_.emplace_back(new SlotState[kChunk]);
  }
  SlotState* const slot = Get(size_++);
  *slot = SlotState();
  slot->group = group;
  return slot;
}

void SlotTable::Clear() {
  if (chunks_.size() > 1) {
    chunks_.resize(1);
  }
  size_ = 0;
}

constexpr unsigned char GroupIndex::kNoCells[];

void GroupIndex::Place(uint64_t group, uint32_t slot) {
  const Hash hash = HashOf(group);
  size_t at = hash.home & mask_;
  while (Cell(at) != 0) {
    at = (at + 1) & mask_;
  }
  const uint32_t cell = hash.mark << kSlotBits | slot;
  std::memcpy(memory_.get() + kCellBytes * at, &cell, kCellBytes);
}

void GroupIndex::Resize(size_t cells) {
  memory_.reset(new unsigned char[kCellBytes * cells + kBytesBehind]());
  cells_ = memory_.get();
  mask_ = cells - 1;
  for (uint32_t old = 0; old < used_; ++old) {
    Place(slots_->Get(old)->group, old);
  }
}

void GroupIndex::Add(uint64_t group, uint32_t slot) {
  if (mask_ == 0) {
    Resize(kCellsMin);
  } else if ((used_ + 1) * 4 > (mask_ + 1) * 3) {
    Resize(2 * (mask_ + 1));
  }
  Place(group, slot);
  ++used_;
}

void GroupIndex::Clear() {
  memory_.reset();
  cells_ = kNoCells;
  mask_ = 0;
  used_ = 0;
}

}  // namespace hawser
