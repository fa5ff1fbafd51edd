#include "codec/slot_table.h"

namespace hawser {
namespace {

constexpr size_t kCellsMin = 16;

}  // namespace

void UpdateSlot(const MessageView& message, SlotState* slot) {
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

size_t GroupIndex::Home(uint64_t group) const {
  return static_cast<size_t>((group * 0x9e3779b97f4a7c15u) >> 40) & (cells_.size() - 1);
}

uint32_t GroupIndex::Find(uint64_t group) const {
  if (cells_.empty()) {
    return kNotFound;
  }
  for (size_t at = Home(group);; at = (at + 1) & (cells_.size() - 1)) {
    const uint32_t slot = cells_[at];
    if (slot == kNotFound || slots_->Get(slot)->group == group) {
      return slot;
    }
  }
}

void GroupIndex::Place(uint64_t group, uint32_t slot) {
  size_t at = Home(group);
  while (cells_[at] != kNotFound) {
    at = (at + 1) & (cells_.size() - 1);
  }
  cells_[at] = static_cast<uint16_t>(slot);
}

void GroupIndex::Add(uint64_t group, uint32_t slot) {
  if ((used_ + 1) * 2 > cells_.size()) {
    cells_.assign(cells_.empty() ? kCellsMin : cells_.size() * 2, kNotFound);
    for (uint32_t old = 0; old < used_; ++old) {
      Place(slots_->Get(old)->group, old);
    }
  }
  Place(group, slot);
  ++used_;
}

void GroupIndex::Clear() {
  cells_.clear();
  used_ = 0;
}

}  // namespace hawser
