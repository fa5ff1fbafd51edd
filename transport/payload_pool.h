#ifndef HAWSER_TRANSPORT_PAYLOAD_POOL_H_
#define HAWSER_TRANSPORT_PAYLOAD_POOL_H_

// Buffers for payload that links can send from without a copy.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "base/mutex.h"
#include "transport/ownership.h"

namespace hawser {

// Hands out buffers for entry data.
//
// One per Transport, owned by it. Where there is RDMA the first rdma_pool_bytes of it are
// registered, so that a message sent from them with HoldFor() is gathered by the NIC; all else is
// plain memory, with the same rules. Buffers are powers of two from 4 KiB to 1 MiB and are kept for
// the next user.
//
// Threads: any. The pool must outlive its buffers.
class PayloadPool {
 public:
  PayloadPool() = default;
  ~PayloadPool();
  PayloadPool(const PayloadPool&) = delete;
  PayloadPool& operator=(const PayloadPool&) = delete;

  static constexpr size_t kBufferBytesMin = 4 * 1024;
  static constexpr size_t kBufferBytesMax = 1024 * 1024;

  // A buffer of at least `bytes`; empty when `bytes` is 0 or over kBufferBytesMax, or when there is
  // no memory.
  absl::Span<char> Allocate(size_t bytes);

  // Gives back what Allocate returned, by its start.
  void Free(char* buffer);

  // Once, before the first Allocate: buffers come from `bytes` bytes that lie together, as long as
  // there are any. Returns them, pages of their own; empty when there is no memory.
  absl::Span<char> MakeArena(size_t bytes);

  // A Hold that frees `buffer` when it is released: send a message from a pool buffer and forget.
  Hold HoldFor(char* buffer);

 private:
  struct Header;
  static constexpr int kClasses = 9;  // 4 KiB << 0 .. 4 KiB << 8

  // Memory that was never handed out; nullptr: there is none.
  void* NewMemory(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool InArena(const void* memory) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Mutex mu_;
  std::vector<Header*> free_[kClasses] ABSL_GUARDED_BY(mu_);
  size_t outstanding_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Span<char> arena_ ABSL_GUARDED_BY(mu_);
  size_t arena_used_ ABSL_GUARDED_BY(mu_) = 0;
};

// Memory of the user's that links may send from without a copy, for as long as it lives.
// Made by Transport::RegisterMemory; must not outlive the Transport, nor the memory. To be
// destroyed after the Holds of all that was sent from the memory were released.
class MemoryRegistration {
 public:
  virtual ~MemoryRegistration() = default;
  // True when a NIC knows the memory: from the first RDMA link on. False where there is no RDMA,
  // and nothing had to be done.
  virtual bool registered() const = 0;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_PAYLOAD_POOL_H_
