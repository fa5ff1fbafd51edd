#ifndef HAWSER_TRANSPORT_GRPC_RECEIVE_MEMORY_H_
#define HAWSER_TRANSPORT_GRPC_RECEIVE_MEMORY_H_

// Received gRPC messages as frames in buffers that can be leased.

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/return_pool.h"
#include "transport/grpc/frames_reader.h"
#include "transport/ownership.h"

namespace hawser {

// Makes leasable buffers. A frame that lies in one of gRPC's slices is lent from there. One that
// goes over several (gRPC reads into blocks of at most 64 KiB, and HTTP/2 cuts where it likes) is
// copied once, into memory that is used again.
//
// One per GrpcProvider; buffers may outlive it. Loop thread, save that buffers are freed on any.
class ReceiveMemory {
 public:
  // The frames of one message, in order. One at a time for a ReceiveMemory.
  class Frames {
   public:
    // Takes the bytes out of `message`.
    Frames(ReceiveMemory* memory, grpc::ByteBuffer* message);
    ~Frames();
    Frames(const Frames&) = delete;
    Frames& operator=(const Frames&) = delete;

    // The next frame and the buffer it lies in, which stays until the next call, or longer for
    // those who take a reference. False at the end, or at bytes that are no frames.
    bool Next(ReceiveBuffer** buffer, absl::string_view* frame);
    bool ok() const { return reader_.ok(); }
    size_t total_bytes() const { return reader_.total_bytes(); }

   private:
    void Use(ReceiveBuffer* buffer);

    ReceiveMemory* const memory_;
    FramesReader reader_;
    ReceiveBuffer* buffer_ = nullptr;  // of the last frame
    const char* lent_ = nullptr;       // where buffer_'s slice begins, if it has one
    size_t lent_chunk_ = 0;
  };

  ReceiveMemory();
  ~ReceiveMemory();
  ReceiveMemory(const ReceiveMemory&) = delete;
  ReceiveMemory& operator=(const ReceiveMemory&) = delete;

  // Frames that were lent from gRPC's memory, and those that had to be copied into one piece.
  size_t lent() const { return lent_; }
  size_t copies() const { return copies_; }

 private:
  // One of gRPC's slices.
  class SliceBuffer : public ReceiveBuffer {
   public:
    size_t pinned_bytes() const override { return slice.size(); }
    static void PoolDelete(SliceBuffer* buffer) { delete buffer; }

    grpc::Slice slice;
    SliceBuffer* pool_next = nullptr;
    ReturnPool<SliceBuffer>* pool = nullptr;

   private:
    friend class ReceiveMemory;
    void Free() override {
      slice = grpc::Slice();
      pool->Give(this);
    }
  };

  // Memory of our own; the bytes stand behind it.
  class Block : public ReceiveBuffer {
   public:
    explicit Block(size_t capacity) : capacity_(capacity) {}
    char* bytes() { return reinterpret_cast<char*>(this + 1); }
    size_t pinned_bytes() const override { return capacity_; }
    static void PoolDelete(Block* block);

    Block* pool_next = nullptr;
    ReturnPool<Block>* pool = nullptr;

   private:
    friend class ReceiveMemory;
    void Free() override { pool->Give(this); }
    const size_t capacity_;
  };

  // Sizes of blocks; the last holds every message that gRPC lets through.
  static constexpr size_t kBlockBytes[] = {4096, 20 * 1024, 72 * 1024, 136 * 1024, 1100 * 1024};
  static constexpr int kClasses = sizeof(kBlockBytes) / sizeof(kBlockBytes[0]);

  SliceBuffer* Lend(const grpc::Slice& slice);
  Block* NewBlock(size_t bytes);

  ReturnPool<SliceBuffer>* const slice_buffers_;
  ReturnPool<Block>* blocks_[kClasses];
  // Of the message at hand.
  std::vector<grpc::Slice> slices_;
  std::vector<absl::string_view> chunks_;
  size_t lent_ = 0;
  size_t copies_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_RECEIVE_MEMORY_H_
