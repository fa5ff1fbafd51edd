#include "tests/support/plain_link.h"

#include <utility>

namespace hawser {

FrameBuffer PlainLink::Allocate(size_t bytes) {
  building_ = own_->Take();
  return {building_->data(), bytes};
}

void PlainLink::Send(FrameBuffer, size_t bytes) { other_->Arrive(building_, bytes); }

PlainProvider::PlainProvider() {
  for (int i = 0; i < 64; ++i) {
    buffers_.push_back(std::make_unique<PlainBuffer>(&free_));
    free_.push_back(buffers_.back().get());
  }
}

Link* PlainProvider::Dial(const std::string&, LinkEvents* events) {
  link_ = std::make_unique<PlainLink>(this, other);
  events_ = events;
  up_due_ = true;
  other->accept_due_ = true;
  return link_.get();
}

int PlainProvider::Poll(int64_t) {
  if (acceptor_ != nullptr) acceptor_->BeforeEvents();
  if (std::exchange(accept_due_, false)) {
    link_ = std::make_unique<PlainLink>(this, other);
    events_ = acceptor_->OnAccepted(link_.get());
    return 1;
  }
  if (std::exchange(up_due_, false)) {
    events_->OnLinkUp();
    return 1;
  }
  if (arrived_.empty()) return 0;
  const Arrived frame = arrived_.front();
  arrived_.pop_front();
  events_->OnFrame(frame.buffer, {frame.buffer->data(), frame.bytes});
  frame.buffer->Unref();
  return 1;
}

void PlainProvider::Shutdown() {
  while (!arrived_.empty()) {
    arrived_.front().buffer->Unref();
    arrived_.pop_front();
  }
}

PlainBuffer* PlainProvider::Take() {
  PlainBuffer* buffer = free_.back();
  free_.pop_back();
  buffer->Begin();
  return buffer;
}

}  // namespace hawser
