#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "tests/support/fake_link.h"
#include "tests/support/fake_link_end.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// Virtual time does not begin at 0, as no monotonic clock does.
constexpr int64_t kBeginNs = 1000 * int64_t{1000000000};

}  // namespace

FakeNetwork::FakeNetwork() : now_ns_(kBeginNs), held_(std::make_shared<FakeBuffersHeld>()) {}

FakeNetwork::~FakeNetwork() { HAWSER_CHECK(providers_.empty()); }

void FakeNetwork::AdvanceTo(int64_t now_ns) {
  HAWSER_CHECK(now_ns >= now_ns_);
  now_ns_ = now_ns;
}

void FakeNetwork::SetDelay(const std::string& from, const std::string& to, int64_t delay_ns) {
  PathOf(from, to).delay_ns = delay_ns;
}

void FakeNetwork::SetWriteTime(const std::string& from, const std::string& to, int64_t write_ns) {
  PathOf(from, to).write_ns = write_ns;
}

void FakeNetwork::SetBandwidth(const std::string& from, const std::string& to,
                               int64_t bytes_per_second) {
  PathOf(from, to).bytes_per_second = bytes_per_second;
}

void FakeNetwork::Stall(const std::string& from, const std::string& to, bool stalled) {
  PathOf(from, to).stalled = stalled;
  FakeProvider* provider = FindProvider(from);
  if (stalled || provider == nullptr) return;
  for (const auto& link : std::vector<std::shared_ptr<FakeLink>>(provider->links_)) {
    if (link->remote_address() == to) link->Resume();
  }
}

void FakeNetwork::CutAfterFrames(const std::string& from, const std::string& to, uint32_t frames) {
  HAWSER_CHECK(frames > 0);
  PathOf(from, to).frames_left = frames;
}

void FakeNetwork::Cut(const std::string& a, const std::string& b, int64_t a_notices_ns,
                      int64_t b_notices_ns, bool late) {
  FakeProvider* provider = FindProvider(a);
  if (provider == nullptr) return;
  for (const auto& link : std::vector<std::shared_ptr<FakeLink>>(provider->links_)) {
    if (link->remote_address() == b) Break(link.get(), a_notices_ns, b_notices_ns, late);
  }
}

void FakeNetwork::RefuseDials(const std::string& to, bool refuse) { refused_dials_[to] = refuse; }

FakeProvider* FakeNetwork::FindProvider(const std::string& address) const {
  auto found = providers_.find(address);
  return found == providers_.end() ? nullptr : found->second;
}

void FakeNetwork::Break(FakeLink* link, int64_t own_end_notices_ns, int64_t other_end_notices_ns,
                        bool late) {
  FakeLink* other = link->other();
  link->Break(own_end_notices_ns, "the connection was cut", late);
  if (other != nullptr) other->Break(other_end_notices_ns, "the connection was cut", late);
}

FakeProvider::FakeProvider(FakeNetwork* network, std::string address, LinkKind kind)
    : network_(network), address_(std::move(address)), kind_(kind) {
  HAWSER_CHECK(network_->FindProvider(address_) == nullptr);
  network_->providers_[address_] = this;
}

FakeProvider::~FakeProvider() {
  if (!down_) Crash();
  network_->providers_.erase(address_);
}

void FakeProvider::Schedule(int64_t at_ns, Event event) {
  if (down_) {
    if (event.buffer != nullptr) event.buffer->Unref();
    return;
  }
  uint32_t slot = static_cast<uint32_t>(slots_.size());
  if (free_slots_.empty()) {
    slots_.push_back(std::move(event));
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot] = std::move(event);
  }
  due_.push_back({at_ns, network_->NextOrder(), slot});
  std::push_heap(due_.begin(), due_.end());
}

void FakeProvider::DropEvents() {
  for (const Due& due : due_) {
    if (FakeBuffer* buffer = slots_[due.slot].buffer) buffer->Unref();
  }
  due_.clear();
  slots_.clear();
  free_slots_.clear();
}

Link* FakeProvider::Dial(const std::string& address, LinkEvents* events) {
  HAWSER_CHECK(!down_);
  links_.push_back(std::make_shared<FakeLink>(this, address, events));
  Connect(links_.back(), address);
  return links_.back().get();
}

void FakeProvider::Connect(std::shared_ptr<FakeLink> dialler, const std::string& to) {
  FakeFaults* faults = network_->faults_;
  if (faults != nullptr && faults->LoseDial(address_, to)) return;
  const bool refused =
      network_->refused_dials_[to] || (faults != nullptr && faults->RefuseDial(address_, to));
  FakeProvider* target = refused ? nullptr : network_->FindProvider(to);
  const int64_t arrives_ns = network_->now_ns() + network_->PathOf(address_, to).delay_ns;
  Event event;
  event.link = std::move(dialler);
  if (target == nullptr || target->down_ || target->acceptor_ == nullptr) {
    event.kind = EventKind::kRefused;
    Schedule(arrives_ns, std::move(event));
    return;
  }
  event.kind = EventKind::kAccept;
  target->Schedule(arrives_ns, std::move(event));
}

void FakeProvider::Accept(const std::shared_ptr<FakeLink>& dialler) {
  if (dialler->over()) return;
  ++network_->connections_;
  auto link = std::make_shared<FakeLink>(this, dialler->local_address(), nullptr);
  links_.push_back(link);
  link->Connected(dialler, network_->connections_);
  dialler->Connected(link, network_->connections_);
  link->SetUp();
  FakeProvider* source = network_->FindProvider(dialler->local_address());
  if (source == nullptr) return;
  Event event;
  event.kind = EventKind::kUp;
  event.link = dialler;
  source->Schedule(
      network_->now_ns() + network_->PathOf(address_, dialler->local_address()).delay_ns,
      std::move(event));
  link->Accepted(acceptor_->OnAccepted(link.get()));
}

void FakeProvider::Forget(const FakeLink* link) {
  links_.erase(std::remove_if(links_.begin(), links_.end(),
                              [&](const auto& other) { return other.get() == link; }),
               links_.end());
}

int FakeProvider::Poll(int64_t deadline_ns) {
  if (NextEventNs() > network_->now_ns()) return 0;
  const uint32_t slot = due_.front().slot;
  std::pop_heap(due_.begin(), due_.end());
  due_.pop_back();
  const Event event = std::exchange(slots_[slot], Event());
  free_slots_.push_back(slot);
  if (acceptor_ != nullptr) acceptor_->BeforeEvents();
  Handle(event);
  if (event.buffer != nullptr) event.buffer->Unref();
  return 1;
}

void FakeProvider::Handle(const Event& event) {
  switch (event.kind) {
    case EventKind::kAccept:
      return Accept(event.link);
    case EventKind::kUp:
      return event.link->Up();
    case EventKind::kRefused:
      return event.link->Down(
          absl::StrCat("connection to ", event.link->remote_address(), " refused"));
    case EventKind::kFrame:
      return event.link->Arrive(event.buffer, event.cut);
    case EventKind::kWritten:
      return event.link->Written();
    case EventKind::kWritable:
      return event.link->TellWritable();
    case EventKind::kHungUp:
      return event.link->HungUp(event.text);
    case EventKind::kFailed:
      return event.link->Down(event.text);
  }
}

int64_t FakeProvider::NextEventNs() const { return due_.empty() ? kNever : due_.front().at_ns; }

uint64_t FakeProvider::NextEventOrder() const {
  return due_.empty() ? UINT64_MAX : due_.front().order;
}

void FakeProvider::Shutdown() {
  for (const auto& link : links_) {
    link->Abandon();
    link->HangUp("the other end closed the link");
  }
  down_ = true;
  links_.clear();
  DropEvents();
}

void FakeProvider::Crash() {
  down_ = true;
  DropEvents();
  for (const auto& link : links_) {
    if (FakeLink* other = link->other()) other->Break(0, "the other process died");
    // Its user may still close it, in vain.
    link->Break(0, "");
  }
}

}  // namespace hawser
