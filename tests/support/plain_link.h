#ifndef HAWSER_TESTS_SUPPORT_PLAIN_LINK_H_
#define HAWSER_TESTS_SUPPORT_PLAIN_LINK_H_

// A link that does nothing but hand frames over, for tests that count what everything else does.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/ring.h"
#include "transport/link.h"

namespace hawser {

class PlainProvider;

// A frame's memory at the end that sends and at the one that receives.
class PlainBuffer : public ReceiveBuffer {
 public:
  static constexpr size_t kBytes = 160 * 1024;

  explicit PlainBuffer(std::vector<PlainBuffer*>* free) : free_(free), memory_(kBytes) {}
  ~PlainBuffer() override = default;

  char* data() { return memory_.data(); }
  size_t pinned_bytes() const override { return kBytes; }
  void Begin() { ResetRefs(); }

 private:
  void Free() override { free_->push_back(this); }

  std::vector<PlainBuffer*>* const free_;
  std::vector<char> memory_;
};

// One end of a connection: what it sends is there at the other end's next Poll. It passes for gRPC.
class PlainLink : public Link {
 public:
  PlainLink(PlainProvider* own, PlainProvider* other) : own_(own), other_(other) {}
  ~PlainLink() override = default;

  LinkKind kind() const override { return LinkKind::kGrpc; }
  const std::string& remote_address() const override { return address_; }
  bool writable() const override { return true; }
  FrameBuffer Allocate(size_t bytes) override;
  void Send(FrameBuffer frame, size_t bytes) override;
  void Flush() override {}
  void Close() override {}

 private:
  PlainProvider* const own_;
  PlainProvider* const other_;
  PlainBuffer* building_ = nullptr;
  const std::string address_ = "plain";
};

// The links of one of two nodes: one.
//
// Set `other` before Start. Once it is warm it takes nothing from the heap, no lock, and makes no
// system call. Neither may be destroyed while frames wait at the other. One thread.
class PlainProvider : public LinkProvider {
 public:
  PlainProvider();

  const std::string& listen_address() const override { return address_; }
  void Start(LinkAcceptor* acceptor) override { acceptor_ = acceptor; }
  Link* Dial(const std::string& address, LinkEvents* events) override;
  int Poll(int64_t deadline_ns) override;
  void Wake() override {}
  int WaitFd() override { return -1; }
  void Shutdown() override;

  PlainProvider* other = nullptr;

 private:
  friend class PlainLink;

  struct Arrived {
    PlainBuffer* buffer = nullptr;
    size_t bytes = 0;
  };

  PlainBuffer* Take();
  void Arrive(PlainBuffer* buffer, size_t bytes) { arrived_.push_back({buffer, bytes}); }

  const std::string address_ = "plain";
  std::vector<PlainBuffer*> free_;
  std::vector<std::unique_ptr<PlainBuffer>> buffers_;
  LinkAcceptor* acceptor_ = nullptr;
  std::unique_ptr<PlainLink> link_;
  LinkEvents* events_ = nullptr;
  bool accept_due_ = false;
  bool up_due_ = false;
  Ring<Arrived> arrived_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_PLAIN_LINK_H_
