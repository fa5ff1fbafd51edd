#include "tests/support/fake_link.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "tests/support/fake_link_end.h"

namespace hawser {

FakeLink::FakeLink(FakeProvider* provider, std::string remote_address, LinkEvents* events)
    : network_(provider->network_),
      provider_(provider),
      kind_(provider->kind_),
      local_address_(provider->address_),
      remote_address_(std::move(remote_address)),
      out_(&network_->PathOf(local_address_, remote_address_)),
      in_(&network_->PathOf(remote_address_, local_address_)),
      events_(events) {}

FakeLink::~FakeLink() {
  if (building_ != nullptr) building_->Unref();
  for (FakeBuffer* buffer : pending_) buffer->Unref();
}

FrameBuffer FakeLink::Allocate(size_t bytes) {
  HAWSER_CHECK(!over_ && building_ == nullptr);
  building_ = new FakeBuffer(bytes);
  return {&(*building_->bytes())[0], bytes};
}

void FakeLink::Send(FrameBuffer frame, size_t bytes) {
  HAWSER_CHECK(!over_ && building_ != nullptr && bytes <= building_->bytes()->size());
  HAWSER_CHECK(frame.data == building_->bytes()->data());
  building_->bytes()->resize(bytes);
  pending_.push_back(std::exchange(building_, nullptr));
}

void FakeLink::Flush() {
  HAWSER_CHECK(!over_);
  Write();
}

void FakeLink::Close() {
  HAWSER_CHECK(!over_);
  over_ = true;
  events_ = nullptr;
  if (up_ && !out_->stalled) {
    for (FakeBuffer* buffer : std::exchange(pending_, {})) Travel(buffer, network_->now_ns());
  }
  HangUp("the other end closed the link");
  provider_->Forget(this);
}

void FakeLink::Up() {
  if (over_ || broken_) return;
  up_ = true;
  if (events_ != nullptr) events_->OnLinkUp();
}

void FakeLink::Accepted(LinkEvents* events) {
  if (events == nullptr) {
    Close();
  } else {
    events_ = events;
  }
}

void FakeLink::Resume() {
  if (over_ || broken_ || !up_) return;
  if (!pending_.empty()) {
    Write();
  } else {
    Schedule(network_->now_ns(), EventKind::kWritable);
  }
}

void FakeLink::Break(int64_t notices_ns, const char* text, bool late) {
  if (broken_) return;
  broken_ = true;
  late_ = late;
  Schedule(network_->now_ns() + notices_ns, EventKind::kFailed, text);
}

void FakeLink::Abandon() {
  over_ = true;
  events_ = nullptr;
}

void FakeLink::HangUp(const char* text) {
  std::shared_ptr<FakeLink> other = other_.lock();
  if (broken_ || other == nullptr) return;
  last_arrival_ns_ = std::max(last_arrival_ns_, network_->now_ns() + out_->delay_ns);
  other->Schedule(last_arrival_ns_, EventKind::kHungUp, text);
}

void FakeLink::Down(absl::string_view text) {
  if (over_) return;
  over_ = broken_ = true;
  std::shared_ptr<FakeLink> self = shared_from_this();
  provider_->Forget(this);
  if (LinkEvents* events = std::exchange(events_, nullptr)) events->OnLinkDown(text);
}

void FakeLink::Schedule(int64_t at_ns, EventKind kind, const char* text) {
  if (over_) return;
  FakeProvider::Event event;
  event.kind = kind;
  event.link = shared_from_this();
  event.text = text;
  provider_->Schedule(at_ns, std::move(event));
}

void FakeLink::Write() {
  if (writing_ || pending_.empty() || !up_ || out_->stalled) return;
  writing_ = true;
  int64_t leaves_ns = network_->now_ns();
  for (FakeBuffer* buffer : pending_) {
    if (out_->bytes_per_second > 0) {
      const int64_t bytes = static_cast<int64_t>(buffer->view().size());
      leaves_ns += bytes * 1000000000 / out_->bytes_per_second;
    }
    Travel(buffer, leaves_ns);
  }
  pending_.clear();
  Schedule(leaves_ns + out_->write_ns, EventKind::kWritten);
}

void FakeLink::Written() {
  writing_ = false;
  if (over_ || broken_) return;
  if (!pending_.empty()) {
    Write();
  } else {
    TellWritable();
  }
}

void FakeLink::TellWritable() {
  if (!over_ && writable() && events_ != nullptr) events_->OnLinkWritable();
}

void FakeLink::Travel(FakeBuffer* buffer, int64_t leaves_ns) {
  std::shared_ptr<FakeLink> other = other_.lock();
  if (broken_ || other == nullptr || other->over_) {
    buffer->Unref();
    return;
  }
  FrameFate fate;
  if (network_->faults_ != nullptr) {
    fate =
        network_->faults_->OnFrame({local_address_, remote_address_, connection_}, buffer->bytes());
  }
  last_arrival_ns_ = std::max(last_arrival_ns_, leaves_ns + out_->delay_ns + fate.extra_delay_ns);
  FakeProvider::Event event;
  event.kind = EventKind::kFrame;
  event.cut = fate.cut;
  event.link = std::move(other);
  event.buffer = buffer;
  FakeProvider* provider = event.link->provider_;
  provider->Schedule(last_arrival_ns_, std::move(event));
}

void FakeLink::Arrive(FakeBuffer* buffer, FrameFate::Cut cut) {
  if (broken_ && !late_) return;
  uint32_t& left = in_->frames_left;
  if (cut != FrameFate::Cut::kBefore && left > 0) {
    if (left != UINT32_MAX) --left;
    if (events_ != nullptr) {
      buffer->Arrive(network_->held_);
      if (network_->faults_ != nullptr) {
        network_->faults_->OnArrival({remote_address_, local_address_, connection_},
                                     buffer->view());
      }
      events_->OnFrame(buffer, buffer->view());
    }
  }
  if (cut != FrameFate::Cut::kNo || left == 0) {
    left = UINT32_MAX;
    network_->Break(this, 0, 0);
  }
}

}  // namespace hawser
