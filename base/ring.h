#ifndef HAWSER_BASE_RING_H_
#define HAWSER_BASE_RING_H_

// Ring<T>: a first-in-first-out queue that allocates only when it grows beyond its past size.

#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"

namespace hawser {

// Holds copies of small values in a power-of-two array. Not thread-safe.
template <typename T>
class Ring {
 public:
  bool empty() const { return head_ == tail_; }
  size_t size() const { return tail_ - head_; }

  T& front() {
    HAWSER_CHECK(!empty());
    return slots_[head_ & mask_];
  }

  void push_back(const T& value) { *Next() = value; }
  void push_back(T&& value) { *Next() = std::move(value); }

  void pop_front() {
    HAWSER_CHECK(!empty());
    ++head_;
  }

 private:
  T* Next() {
    if (size() == capacity_) Grow();
    return &slots_[tail_++ & mask_];
  }

  void Grow() {
    std::vector<T> larger(capacity_ == 0 ? 16 : capacity_ * 2);
    const size_t count = size();
    for (size_t i = 0; i < count; ++i) larger[i] = std::move(slots_[(head_ + i) & mask_]);
    slots_ = std::move(larger);
    capacity_ = slots_.size();
    mask_ = capacity_ - 1;
    head_ = 0;
    tail_ = count;
  }

  std::vector<T> slots_;
  size_t capacity_ = 0;
  size_t mask_ = 0;
  size_t head_ = 0;
  size_t tail_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_BASE_RING_H_
