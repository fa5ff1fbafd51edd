#ifndef HAWSER_BASE_RETURN_POOL_H_
#define HAWSER_BASE_RETURN_POOL_H_

// ReturnPool<T>: objects that one thread hands out and any thread gives back, without a lock.

#include <atomic>
#include <cstddef>
#include <utility>

namespace hawser {

// T needs a member `T* pool_next`. Objects are kept for the next user, never shrunk. The pool and
// its objects live until the owner has closed it and the last object was given back, so an object
// may outlive its owner.
//
// Threads: Take and Close on the owner's thread, Give on any.
template <typename T>
class ReturnPool {
 public:
  ReturnPool() = default;
  ReturnPool(const ReturnPool&) = delete;
  ReturnPool& operator=(const ReturnPool&) = delete;

  // An object given back earlier, or nullptr: make one and count it with Adopt.
  T* Take() {
    if (own_ == nullptr) own_ = returned_.exchange(nullptr, std::memory_order_acquire);
    T* object = own_;
    if (object == nullptr) return nullptr;
    own_ = object->pool_next;
    users_.fetch_add(1, std::memory_order_relaxed);
    return object;
  }
  // A new object is out.
  void Adopt() { users_.fetch_add(1, std::memory_order_relaxed); }

  void Give(T* object) {
    T* head = returned_.load(std::memory_order_relaxed);
    do {
      object->pool_next = head;
    } while (!returned_.compare_exchange_weak(head, object, std::memory_order_release,
                                              std::memory_order_relaxed));
    Leave();
  }

  // The owner goes; the pool deletes itself when no object is out.
  void Close() { Leave(); }

 private:
  ~ReturnPool() {
    DeleteAll(own_);
    DeleteAll(returned_.load(std::memory_order_acquire));
  }

  void Leave() {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  static void DeleteAll(T* object) {
    while (object != nullptr) T::PoolDelete(std::exchange(object, object->pool_next));
  }

  std::atomic<size_t> users_{1};  // objects that are out, and the owner
  std::atomic<T*> returned_{nullptr};
  T* own_ = nullptr;  // the owner's thread only
};

}  // namespace hawser

#endif  // HAWSER_BASE_RETURN_POOL_H_
