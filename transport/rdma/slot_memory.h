#ifndef HAWSER_TRANSPORT_RDMA_SLOT_MEMORY_H_
#define HAWSER_TRANSPORT_RDMA_SLOT_MEMORY_H_

// The registered memory of one link: slots that frames arrive in, and slots they leave from.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/return_pool.h"
#include "transport/ownership.h"
#include "transport/rdma/verbs.h"

namespace hawser {

class SlotBlock;

// A slot that one frame arrives in; it may be leased, also longer than its link lives.
class ReceiveSlot : public ReceiveBuffer {
 public:
  char* data() const { return data_; }
  size_t pinned_bytes() const override { return bytes_; }

  static void PoolDelete(ReceiveSlot* slot);
  ReceiveSlot* pool_next = nullptr;
  bool posted = false;  // The NIC's, with the one reference.

 private:
  friend class SlotBlock;
  friend class SlotMemory;
  void Free() override { pool_->Give(this); }

  SlotBlock* block_ = nullptr;
  ReturnPool<ReceiveSlot>* pool_ = nullptr;
  char* data_ = nullptr;
  uint32_t bytes_ = 0;
};

// Slots of one size in one registered region.
//
// One per RdmaLink. The region is registered as long as this lives: destroy it after the queue
// pair, so that no NIC can write into memory that others use. The memory itself stays until the
// last lease on a slot is released. Pages of its own: a child of a host that forks loses nothing.
// Threads: loop thread, save that slots come back on any.
class SlotMemory {
 public:
  struct Sizes {
    uint32_t slot_bytes = 0;
    uint32_t receive_slots = 0;
    uint32_t send_slots = 0;
  };

  // nullptr, with errno set, when there is no memory or it cannot be registered.
  static std::unique_ptr<SlotMemory> Make(Verbs* verbs, ibv_pd* pd, const Sizes& sizes);
  ~SlotMemory();
  SlotMemory(const SlotMemory&) = delete;
  SlotMemory& operator=(const SlotMemory&) = delete;

  // A slot with one reference, or nullptr when all are posted or leased.
  ReceiveSlot* Take();
  // Releases the slots that are posted, when no NIC uses them any more.
  void TakeBackPosted();
  char* send_slot(uint32_t index) const { return send_ + size_t{index} * slot_bytes_; }
  uint32_t key() const { return region_->lkey; }

 private:
  SlotMemory(Verbs* verbs, ibv_mr* region, SlotBlock* block, const Sizes& sizes);

  Verbs* const verbs_;
  ibv_mr* const region_;
  SlotBlock* const block_;
  ReturnPool<ReceiveSlot>* const pool_;
  char* const send_;
  const uint32_t slot_bytes_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_SLOT_MEMORY_H_
