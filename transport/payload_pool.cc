#include "transport/payload_pool.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "base/check.h"

namespace hawser {

// Stands in front of each buffer, so that Free needs only the buffer.
struct alignas(64) PayloadPool::Header {
  PayloadPool* pool;
  int size_class;

  char* buffer() { return reinterpret_cast<char*>(this + 1); }
  static Header* Of(char* buffer) { return reinterpret_cast<Header*>(buffer) - 1; }
};

PayloadPool::~PayloadPool() {
  MutexLock lock(&mu_);
  HAWSER_CHECK(outstanding_ == 0);
  for (auto& list : free_) {
    for (Header* header : list) {
      if (!InArena(header)) std::free(header);
    }
  }
  if (!arena_.empty()) munmap(arena_.data(), arena_.size());
}

absl::Span<char> PayloadPool::MakeArena(size_t bytes) {
  MutexLock lock(&mu_);
  HAWSER_CHECK(arena_.empty());
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) arena_ = absl::MakeSpan(static_cast<char*>(memory), bytes);
  return arena_;
}

bool PayloadPool::InArena(const void* memory) const {
  const auto start = reinterpret_cast<uintptr_t>(arena_.data());
  return reinterpret_cast<uintptr_t>(memory) - start < arena_.size();
}

void* PayloadPool::NewMemory(size_t bytes) {
  if (arena_.size() - arena_used_ < bytes) return std::aligned_alloc(alignof(Header), bytes);
  void* memory = arena_.data() + arena_used_;
  arena_used_ += bytes;
  return memory;
}

absl::Span<char> PayloadPool::Allocate(size_t bytes) {
  if (bytes == 0 || bytes > kBufferBytesMax) return {};
  int size_class = 0;
  while ((kBufferBytesMin << size_class) < bytes) ++size_class;
  const size_t buffer_bytes = kBufferBytesMin << size_class;
  MutexLock lock(&mu_);
  if (!free_[size_class].empty()) {
    Header* header = free_[size_class].back();
    free_[size_class].pop_back();
    ++outstanding_;
    return {header->buffer(), buffer_bytes};
  }
  void* memory = NewMemory(sizeof(Header) + buffer_bytes);
  if (memory == nullptr) return {};
  ++outstanding_;
  Header* header = new (memory) Header{this, size_class};
  return {header->buffer(), buffer_bytes};
}

void PayloadPool::Free(char* buffer) {
  Header* header = Header::Of(buffer);
  HAWSER_CHECK(header->pool == this);
  MutexLock lock(&mu_);
  --outstanding_;
  free_[header->size_class].push_back(header);
}

Hold PayloadPool::HoldFor(char* buffer) {
  HAWSER_CHECK(Header::Of(buffer)->pool == this);
  return {[](void* argument) {
            char* held = static_cast<char*>(argument);
            Header::Of(held)->pool->Free(held);
          },
          buffer};
}

}  // namespace hawser
