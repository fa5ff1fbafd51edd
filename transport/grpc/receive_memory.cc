#include "transport/grpc/receive_memory.h"

#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.h"

namespace hawser {
namespace {

// The bytes of `message` as slices, and views of them. Empty when gRPC cannot give them.
absl::Span<const absl::string_view> Dump(grpc::ByteBuffer* message,
                                         std::vector<grpc::Slice>* slices,
                                         std::vector<absl::string_view>* chunks) {
  slices->clear();
  chunks->clear();
  if (!message->Dump(slices).ok()) slices->clear();
  message->Clear();
  for (const grpc::Slice& slice : *slices) {
    chunks->emplace_back(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return *chunks;
}

}  // namespace

void ReceiveMemory::Block::PoolDelete(Block* block) {
  block->~Block();
  std::free(block);
}

ReceiveMemory::ReceiveMemory() : slice_buffers_(new ReturnPool<SliceBuffer>()) {
  for (auto& pool : blocks_) pool = new ReturnPool<Block>();
}

ReceiveMemory::~ReceiveMemory() {
  slice_buffers_->Close();
  for (auto& pool : blocks_) pool->Close();
}

ReceiveMemory::SliceBuffer* ReceiveMemory::Lend(const grpc::Slice& slice) {
  SliceBuffer* buffer = slice_buffers_->Take();
  if (buffer == nullptr) {
    buffer = new SliceBuffer();
    buffer->pool = slice_buffers_;
    slice_buffers_->Adopt();
  }
  buffer->ResetRefs();
  buffer->slice = slice;
  return buffer;
}

ReceiveMemory::Block* ReceiveMemory::NewBlock(size_t bytes) {
  int size_class = 0;
  while (kBlockBytes[size_class] < bytes) {
    ++size_class;
    HAWSER_CHECK(size_class < kClasses);
  }
  Block* block = blocks_[size_class]->Take();
  if (block == nullptr) {
    const size_t capacity = kBlockBytes[size_class];
    void* memory = std::malloc(sizeof(Block) + capacity);
    HAWSER_CHECK(memory != nullptr);
    block = new (memory) Block(capacity);
    block->pool = blocks_[size_class];
    blocks_[size_class]->Adopt();
  }
  block->ResetRefs();
  return block;
}

ReceiveMemory::Frames::Frames(ReceiveMemory* memory, grpc::ByteBuffer* message)
    : memory_(memory), reader_(Dump(message, &memory->slices_, &memory->chunks_)) {}

ReceiveMemory::Frames::~Frames() {
  Use(nullptr);
  memory_->slices_.clear();
}

void ReceiveMemory::Frames::Use(ReceiveBuffer* buffer) {
  if (ReceiveBuffer* old = std::exchange(buffer_, buffer)) old->Unref();
}

bool ReceiveMemory::Frames::Next(ReceiveBuffer** buffer, absl::string_view* frame) {
  FramesReader::Place place;
  if (!reader_.Next(&place)) return false;
  if (reader_.InOneChunk(place)) {
    if (lent_ == nullptr || lent_chunk_ != place.chunk) {
      SliceBuffer* lent = memory_->Lend(memory_->slices_[place.chunk]);
      Use(lent);
      lent_chunk_ = place.chunk;
      lent_ = reinterpret_cast<const char*>(lent->slice.begin());
    }
    *frame = absl::string_view(lent_ + place.at, place.bytes);
    ++memory_->lent_;
  } else {
    Block* block = memory_->NewBlock(place.bytes);
    reader_.Copy(place, block->bytes());
    Use(block);
    lent_ = nullptr;
    *frame = absl::string_view(block->bytes(), place.bytes);
    ++memory_->copies_;
  }
  *buffer = buffer_;
  return true;
}

}  // namespace hawser
