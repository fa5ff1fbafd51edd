#include "transport/grpc/receive_memory.h"

namespace hawser {

ReceiveMemory::Buffer* ReceiveMemory::Take(grpc::ByteBuffer* message) {
  grpc::Slice slice;
  if (!message->TrySingleSlice(&slice).ok()) {
    if (!message->DumpToSingleSlice(&slice).ok()) return nullptr;
    ++copies_;
  }
  message->Clear();
  Buffer* buffer = pool_->Take();
  if (buffer == nullptr) {
    buffer = new Buffer();
    buffer->pool_ = pool_;
    pool_->Adopt();
  }
  buffer->ResetRefs();
  buffer->slice_ = std::move(slice);
  return buffer;
}

}  // namespace hawser
