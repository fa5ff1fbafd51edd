#ifndef HAWSER_TRANSPORT_OWNERSHIP_H_
#define HAWSER_TRANSPORT_OWNERSHIP_H_

// Who owns a message's bytes: Hold for what is sent, Lease for what was received.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace hawser {

class LeaseAccount;

// How Hawser gives sent bytes back: a function and its argument.
//
// With a Hold, the bytes that the message's string_views point at stay the caller's and must not
// change until `release(argument)` is called: exactly once, on the loop thread, when the bytes were
// copied into a frame, their send completed, the message was lost, or the transport stopped. The
// structs themselves (MessageView, its array of entries, its snapshot) are copied by Send. Never
// inside Send itself; for lost messages, before OnUnreachable tells of them, save that of bytes
// that a NIC may still read (payload_pool.h): that comes when it no longer does, at most some 200
// ms after its link failed. It is not called when Send refuses. An empty Hold (the default) means
// that Send copies.
struct Hold {
  void (*release)(void* argument) = nullptr;
  void* argument = nullptr;

  bool empty() const { return release == nullptr; }
};

// A buffer of received bytes with a count of its leases. Made by links; users see only Lease.
//
// Threads: Ref and Unref from any; ChargeTo on the loop thread, by somebody who has a reference.
// Free runs on the thread of the last Unref.
class ReceiveBuffer {
 public:
  void Ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (account_ != nullptr) Uncharge();
    Free();
  }
  // Somebody beside the caller has a reference.
  bool shared() const { return refs_.load(std::memory_order_acquire) > 1; }

  // Bytes of memory that a lease on this buffer pins.
  virtual size_t pinned_bytes() const = 0;

  // Puts pinned_bytes() on `account` until the last reference goes; once, later calls do nothing.
  void ChargeTo(const std::shared_ptr<LeaseAccount>& account);

 protected:
  ReceiveBuffer() = default;
  virtual ~ReceiveBuffer() = default;

  // Takes the buffer back; it may be reused or destroyed.
  virtual void Free() = 0;

  // For a buffer that is used again.
  void ResetRefs() { refs_.store(1, std::memory_order_relaxed); }

 private:
  void Uncharge();

  std::atomic<uint32_t> refs_{1};
  std::shared_ptr<LeaseAccount> account_;
  size_t charged_bytes_ = 0;
};

// Keeps the memory of a received message alive; empty when the message has no payload.
//
// What a MessageView points at is valid while the Lease (or a Share of it) lives. It may be
// released from any thread, at any time, also after the peer is removed and the transport is
// gone. What it pins is charged to the peer (PeerStatus::leased_bytes), so do not keep it for long
// without need: copy what is to stay.
class Lease {
 public:
  Lease() = default;
  // Takes over one reference of `buffer`.
  explicit Lease(ReceiveBuffer* buffer) : buffer_(buffer) {}
  Lease(Lease&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      Release();
      buffer_ = std::exchange(other.buffer_, nullptr);
    }
    return *this;
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { Release(); }

  // A second lease on the same memory.
  Lease Share() const {
    if (buffer_ != nullptr) buffer_->Ref();
    return Lease(buffer_);
  }

  // Gives the memory back now; the Lease is empty then.
  void Release() {
    if (ReceiveBuffer* buffer = std::exchange(buffer_, nullptr)) buffer->Unref();
  }

  // Empties the Lease without giving the memory back; Lease(buffer) takes it up again. For hosts
  // that carry it through a plain pointer (a C interface).
  ReceiveBuffer* Detach() { return std::exchange(buffer_, nullptr); }

  bool empty() const { return buffer_ == nullptr; }
  ReceiveBuffer* buffer() const { return buffer_; }
  size_t pinned_bytes() const { return buffer_ == nullptr ? 0 : buffer_->pinned_bytes(); }

 private:
  ReceiveBuffer* buffer_ = nullptr;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_OWNERSHIP_H_
