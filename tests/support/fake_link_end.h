#ifndef HAWSER_TESTS_SUPPORT_FAKE_LINK_END_H_
#define HAWSER_TESTS_SUPPORT_FAKE_LINK_END_H_

// The two things that travel in a FakeNetwork: links' ends and frames. For fake_link.h's own use.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/fake_link.h"
#include "transport/link.h"

namespace hawser {

// One frame: written by its sender, read where it arrives, kept by leases.
class FakeBuffer : public ReceiveBuffer {
 public:
  explicit FakeBuffer(size_t bytes) : bytes_(bytes, '\0') {}
  ~FakeBuffer() override {
    if (held_ == nullptr) return;
    held_->buffers.fetch_sub(1);
    held_->bytes.fetch_sub(bytes_.size());
  }

  std::string* bytes() { return &bytes_; }
  absl::string_view view() const { return bytes_; }
  // From now on it counts among those that somebody holds.
  void Arrive(std::shared_ptr<FakeBuffersHeld> held) {
    held_ = std::move(held);
    held_->buffers.fetch_add(1);
    held_->bytes.fetch_add(bytes_.size());
  }

  size_t pinned_bytes() const override { return bytes_.size(); }

 private:
  void Free() override { delete this; }

  std::string bytes_;
  std::shared_ptr<FakeBuffersHeld> held_;
};

// One end of a connection. Its provider keeps it until it is over; events under way keep it longer.
class FakeLink : public Link, public std::enable_shared_from_this<FakeLink> {
 public:
  FakeLink(FakeProvider* provider, std::string remote_address, LinkEvents* events);
  ~FakeLink() override;

  // Link.
  LinkKind kind() const override { return kind_; }
  const std::string& remote_address() const override { return remote_address_; }
  bool writable() const override { return up_ && !writing_ && !out_->stalled; }
  FrameBuffer Allocate(size_t bytes) override;
  void Send(FrameBuffer frame, size_t bytes) override;
  void Flush() override;
  void Close() override;

  // --- For the network ---

  void Connected(const std::shared_ptr<FakeLink>& other, uint64_t connection) {
    other_ = other;
    connection_ = connection;
  }
  // The user hears that it is connected.
  void Up();
  // It is connected, and its user knows.
  void SetUp() { up_ = true; }
  // The user's answer to OnAccepted.
  void Accepted(LinkEvents* events);
  // A held back way is free again.
  void Resume();
  // The last write is done.
  void Written();
  void TellWritable();
  // A frame is here.
  void Arrive(FakeBuffer* buffer, FrameFate::Cut cut);
  // Fails; its user hears of it after a while. `late`: and of what was on its way until then.
  void Break(int64_t notices_ns, const char* text, bool late = false);
  // Without events: its node is gone or stops.
  void Abandon();
  // What was written before arrives, then the other end sees the end.
  void HangUp(const char* text);
  void HungUp(const char* text) {
    if (!broken_) Down(text);
  }
  void Down(absl::string_view text);

  FakeLink* other() const { return other_.lock().get(); }
  bool over() const { return over_; }
  const std::string& local_address() const { return local_address_; }

 private:
  using EventKind = FakeProvider::EventKind;

  // A link that is over has nothing to come; its provider may be gone.
  void Schedule(int64_t at_ns, EventKind kind, const char* text = "");
  void Write();
  // Sends `buffer` to the other end; it leaves here at `leaves_ns`.
  void Travel(FakeBuffer* buffer, int64_t leaves_ns);

  FakeNetwork* const network_;
  FakeProvider* const provider_;
  const LinkKind kind_;
  const std::string local_address_;
  const std::string remote_address_;
  FakeNetwork::Path* const out_;
  FakeNetwork::Path* const in_;
  LinkEvents* events_;
  std::weak_ptr<FakeLink> other_;
  uint64_t connection_ = 0;
  bool up_ = false;
  bool writing_ = false;
  bool broken_ = false;  // The connection failed; the user may not know yet.
  bool late_ = false;    // All the same, what was on its way arrives.
  bool over_ = false;    // The user may not use it any more.
  int64_t last_arrival_ns_ = 0;
  FakeBuffer* building_ = nullptr;
  std::vector<FakeBuffer*> pending_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_FAKE_LINK_END_H_
