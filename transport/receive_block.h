#ifndef HAWSER_TRANSPORT_RECEIVE_BLOCK_H_
#define HAWSER_TRANSPORT_RECEIVE_BLOCK_H_

// Memory of exactly one received message: joined from pieces, or copied out of a larger buffer.

#include <cstddef>
#include <cstdlib>
#include <new>

#include "transport/ownership.h"

namespace hawser {

// The message's bytes stand behind it. The maker has its first reference.
class ReceiveBlock : public ReceiveBuffer {
 public:
  // nullptr when there is no memory.
  static ReceiveBlock* Make(size_t bytes) {
    void* memory = std::malloc(sizeof(ReceiveBlock) + bytes);
    return memory == nullptr ? nullptr : new (memory) ReceiveBlock(bytes);
  }
  char* data() { return reinterpret_cast<char*>(this + 1); }
  size_t size() const { return bytes_; }
  size_t pinned_bytes() const override { return sizeof(ReceiveBlock) + bytes_; }

 private:
  explicit ReceiveBlock(size_t bytes) : bytes_(bytes) {}
  ~ReceiveBlock() override = default;
  void Free() override {
    this->~ReceiveBlock();
    std::free(this);
  }

  const size_t bytes_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RECEIVE_BLOCK_H_
