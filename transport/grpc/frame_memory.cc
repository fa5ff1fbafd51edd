#include "transport/grpc/frame_memory.h"

#include <cstdlib>
#include <new>

#include "base/check.h"
#include "base/tsan.h"

namespace hawser {
namespace {

// Tag of field 1, length-delimited.
constexpr char kFrameTag = 0x0a;
constexpr size_t kVarintBytesMax = 5;

size_t VarintBytes(size_t value) {
  size_t bytes = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++bytes;
  }
  return bytes;
}

void WriteVarint(size_t value, char* out) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out = static_cast<char>(value);
}

}  // namespace

void FrameMemory::Block::PoolDelete(Block* block) { std::free(block); }

FrameMemory::FrameMemory() {
  static_assert(kHeadRoom >= 1 + kVarintBytesMax, "the head must fit in front of the frame");
  for (auto& pool : pools_) pool = new ReturnPool<Block>();
}

FrameMemory::~FrameMemory() {
  for (auto& pool : pools_) pool->Close();
}

FrameMemory::Block* FrameMemory::BlockOf(char* frame) {
  return reinterpret_cast<Block*>(frame - kHeadRoom) - 1;
}

FrameBuffer FrameMemory::Allocate(size_t bytes) {
  int size_class = 0;
  while (kClassBytes[size_class] < bytes) {
    ++size_class;
    HAWSER_CHECK(size_class < kClasses);
  }
  ReturnPool<Block>* pool = pools_[size_class];
  Block* block = pool->Take();
  if (block == nullptr) {
    void* memory = std::malloc(sizeof(Block) + kHeadRoom + kClassBytes[size_class]);
    HAWSER_CHECK(memory != nullptr);
    block = new (memory) Block{nullptr, pool};
    pool->Adopt();
  }
  return {reinterpret_cast<char*>(block + 1) + kHeadRoom, kClassBytes[size_class]};
}

void FrameMemory::Give(void* argument) {
  Block* block = static_cast<Block*>(argument);
  TsanAcquire(block);
  block->pool->Give(block);
}

grpc::Slice FrameMemory::Seal(FrameBuffer frame, size_t bytes) {
  const size_t length_bytes = VarintBytes(bytes);
  char* head = frame.data - length_bytes - 1;
  head[0] = kFrameTag;
  WriteVarint(bytes, head + 1);
  Block* block = BlockOf(frame.data);
  TsanRelease(block);
  return grpc::Slice(head, 1 + length_bytes + bytes, &FrameMemory::Give, block);
}

void FrameMemory::Discard(FrameBuffer frame) { Give(BlockOf(frame.data)); }

}  // namespace hawser
