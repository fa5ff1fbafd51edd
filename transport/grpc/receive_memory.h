#ifndef HAWSER_TRANSPORT_GRPC_RECEIVE_MEMORY_H_
#define HAWSER_TRANSPORT_GRPC_RECEIVE_MEMORY_H_

// Received gRPC messages as buffers that can be leased.

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstddef>

#include "absl/strings/string_view.h"
#include "base/return_pool.h"
#include "transport/ownership.h"

namespace hawser {

// Makes leasable buffers out of gRPC's: without a copy where the message lies in one slice.
//
// One per GrpcProvider; buffers may outlive it. Loop thread, save that buffers are freed on any.
class ReceiveMemory {
 public:
  class Buffer : public ReceiveBuffer {
   public:
    absl::string_view bytes() const {
      return {reinterpret_cast<const char*>(slice_.begin()), slice_.size()};
    }
    size_t pinned_bytes() const override { return slice_.size(); }

    static void PoolDelete(Buffer* buffer) { delete buffer; }
    Buffer* pool_next = nullptr;

   private:
    friend class ReceiveMemory;
    void Free() override {
      slice_ = grpc::Slice();
      pool_->Give(this);
    }

    grpc::Slice slice_;
    ReturnPool<Buffer>* pool_ = nullptr;
  };

  ReceiveMemory() : pool_(new ReturnPool<Buffer>()) {}
  ~ReceiveMemory() { pool_->Close(); }
  ReceiveMemory(const ReceiveMemory&) = delete;
  ReceiveMemory& operator=(const ReceiveMemory&) = delete;

  // Takes the bytes out of `message`; the caller has one reference. nullptr when gRPC cannot give
  // them.
  Buffer* Take(grpc::ByteBuffer* message);

  // Messages that had to be copied into one piece.
  size_t copies() const { return copies_; }

 private:
  ReturnPool<Buffer>* const pool_;
  size_t copies_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_RECEIVE_MEMORY_H_
