#ifndef HAWSER_TRANSPORT_GRPC_FRAME_MEMORY_H_
#define HAWSER_TRANSPORT_GRPC_FRAME_MEMORY_H_

// Memory that frames are built in and that gRPC sends from without a copy.

#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>

#include "base/return_pool.h"
#include "transport/link.h"

namespace hawser {

// Blocks of a few sizes. Each has room in front of the frame for the protobuf head of its field in
// `Frames` (tag and length), so that head and frame go out as one slice.
//
// One per GrpcProvider. A block may outlive it inside gRPC. Loop thread, save that gRPC gives
// blocks back on any thread.
class FrameMemory {
 public:
  FrameMemory();
  ~FrameMemory();
  FrameMemory(const FrameMemory&) = delete;
  FrameMemory& operator=(const FrameMemory&) = delete;

  FrameBuffer Allocate(size_t bytes);

  // The `bytes` bytes of a frame from Allocate, with its protobuf head, as a slice that gives the
  // memory back when gRPC is done with it.
  static grpc::Slice Seal(FrameBuffer frame, size_t bytes);

  // Gives back an unsealed frame.
  static void Discard(FrameBuffer frame);

 private:
  // In front of the memory of each block.
  struct Block {
    Block* pool_next;
    ReturnPool<Block>* pool;
    static void PoolDelete(Block* block);
  };
  static constexpr int kClasses = 5;
  static constexpr size_t kClassBytes[kClasses] = {512, 4096, 16384, 65536 + 8192, 1024 * 1024};
  static constexpr size_t kHeadRoom = 16;

  static Block* BlockOf(char* frame);
  static void Give(void* block);

  ReturnPool<Block>* pools_[kClasses];
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_FRAME_MEMORY_H_
