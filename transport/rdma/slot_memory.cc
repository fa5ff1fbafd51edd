#include "transport/rdma/slot_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace hawser {

// The memory and the slots' heads; lives until the last slot is deleted.
class SlotBlock {
 public:
  // nullptr when there is no memory.
  static SlotBlock* Make(const SlotMemory::Sizes& sizes) {
    const size_t bytes = size_t{sizes.slot_bytes} * (sizes.receive_slots + sizes.send_slots);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : new SlotBlock(static_cast<char*>(memory), bytes, sizes);
  }

  char* memory() const { return memory_; }
  size_t bytes() const { return bytes_; }

  // Every slot goes into `pool` as if it was given back.
  void Fill(ReturnPool<ReceiveSlot>* pool) {
    for (uint32_t i = 0; i < count_; ++i) {
      slots_[i].pool_ = pool;
      pool->Adopt();
    }
    for (uint32_t i = count_; i > 0; --i) pool->Give(&slots_[i - 1]);
  }

  void TakeBackPosted() {
    for (uint32_t i = 0; i < count_; ++i) {
      if (std::exchange(slots_[i].posted, false)) slots_[i].Unref();
    }
  }

  void Unref() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  SlotBlock(char* memory, size_t bytes, const SlotMemory::Sizes& sizes)
      : memory_(memory),
        bytes_(bytes),
        count_(sizes.receive_slots),
        slots_(new ReceiveSlot[sizes.receive_slots]),
        left_(sizes.receive_slots) {
    for (uint32_t i = 0; i < count_; ++i) {
      slots_[i].block_ = this;
      slots_[i].data_ = memory + size_t{i} * sizes.slot_bytes;
      slots_[i].bytes_ = sizes.slot_bytes;
    }
  }
  ~SlotBlock() { munmap(memory_, bytes_); }

  char* const memory_;
  const size_t bytes_;
  const uint32_t count_;
  const std::unique_ptr<ReceiveSlot[]> slots_;
  std::atomic<uint32_t> left_;
};

void ReceiveSlot::PoolDelete(ReceiveSlot* slot) { slot->block_->Unref(); }

std::unique_ptr<SlotMemory> SlotMemory::Make(Verbs* verbs, ibv_pd* pd, const Sizes& sizes) {
  SlotBlock* block = SlotBlock::Make(sizes);
  if (block == nullptr) {
    errno = ENOMEM;
    return nullptr;
  }
  ibv_mr* region = verbs->RegMr(pd, block->memory(), block->bytes(), IBV_ACCESS_LOCAL_WRITE);
  if (region == nullptr) {
    const int error = errno;
    for (uint32_t i = 0; i < sizes.receive_slots; ++i) block->Unref();
    errno = error;
    return nullptr;
  }
  return std::unique_ptr<SlotMemory>(new SlotMemory(verbs, region, block, sizes));
}

SlotMemory::SlotMemory(Verbs* verbs, ibv_mr* region, SlotBlock* block, const Sizes& sizes)
    : verbs_(verbs),
      region_(region),
      block_(block),
      pool_(new ReturnPool<ReceiveSlot>()),
      send_(block->memory() + size_t{sizes.slot_bytes} * sizes.receive_slots),
      slot_bytes_(sizes.slot_bytes) {
  block_->Fill(pool_);
}

SlotMemory::~SlotMemory() {
  verbs_->DeregMr(region_);
  pool_->Close();
}

void SlotMemory::TakeBackPosted() { block_->TakeBackPosted(); }

ReceiveSlot* SlotMemory::Take() {
  ReceiveSlot* slot = pool_->Take();
  if (slot != nullptr) slot->ResetRefs();
  return slot;
}

}  // namespace hawser
