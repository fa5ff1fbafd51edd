#include "tests/support/fake_link.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// Virtual time does not begin at 0, as no monotonic clock does.
constexpr int64_t kBeginNs = 1000 * int64_t{1000000000};

// One arrived frame.
class FakeBuffer : public ReceiveBuffer {
 public:
  FakeBuffer(std::string bytes, std::shared_ptr<std::atomic<size_t>> held)
      : bytes_(std::move(bytes)), held_(std::move(held)) {
    held_->fetch_add(1);
  }
  ~FakeBuffer() override { held_->fetch_sub(1); }

  absl::string_view bytes() const { return bytes_; }
  size_t pinned_bytes() const override { return bytes_.size(); }

 private:
  void Free() override { delete this; }

  const std::string bytes_;
  const std::shared_ptr<std::atomic<size_t>> held_;
};

}  // namespace

// One end of a connection. Its provider keeps it until it is over; events under way keep it longer.
class FakeLink : public Link, public std::enable_shared_from_this<FakeLink> {
 public:
  FakeLink(FakeProvider* provider, std::string remote_address, LinkEvents* events)
      : network_(provider->network_),
        provider_(provider),
        local_address_(provider->address_),
        remote_address_(std::move(remote_address)),
        events_(events) {}

  LinkKind kind() const override { return LinkKind::kFake; }
  const std::string& remote_address() const override { return remote_address_; }
  bool writable() const override { return up_ && !writing_ && !path().stalled; }

  FrameBuffer Allocate(size_t bytes) override {
    HAWSER_CHECK(!over_ && building_.empty());
    building_.resize(bytes);
    return {&building_[0], bytes};
  }

  void Send(FrameBuffer frame, size_t bytes) override {
    HAWSER_CHECK(!over_ && frame.data == building_.data() && bytes <= building_.size());
    building_.resize(bytes);
    pending_.push_back(std::exchange(building_, std::string()));
  }

  void Flush() override {
    HAWSER_CHECK(!over_);
    Write();
  }

  void Close() override {
    HAWSER_CHECK(!over_);
    over_ = true;
    events_ = nullptr;
    if (up_ && !path().stalled) {
      for (std::string& frame : pending_) Travel(std::move(frame));
    }
    HangUp("the other end closed the link");
    provider_->Forget(this);
  }

  // --- For the network ---

  void Connected(const std::shared_ptr<FakeLink>& other) { other_ = other; }

  void Up() {
    if (over_ || broken_) return;
    up_ = true;
    if (events_ != nullptr) events_->OnLinkUp();
  }

  void Accepted(LinkEvents* events) {
    if (events == nullptr) {
      Close();
    } else {
      events_ = events;
    }
  }
  void SetUp() { up_ = true; }

  // A held back path is free again.
  void Resume() {
    if (over_ || broken_ || !up_) return;
    if (!pending_.empty()) {
      Write();
    } else {
      Schedule(network_->now_ns(), [](FakeLink* link) { link->TellWritable(); });
    }
  }

  // Fails; its user hears of it after a while.
  void Break(int64_t notices_ns, std::string text) {
    if (broken_) return;
    broken_ = true;
    Schedule(network_->now_ns() + notices_ns,
             [text = std::move(text)](FakeLink* link) { link->Down(text); });
  }

  // Without events: its node is gone or stops.
  void Abandon() {
    over_ = true;
    events_ = nullptr;
  }

  // What was written before arrives, then the other end sees the end.
  void HangUp(const std::string& text) {
    std::shared_ptr<FakeLink> other = other_.lock();
    if (broken_ || other == nullptr) return;
    last_arrival_ns_ = std::max(last_arrival_ns_, network_->now_ns() + path().delay_ns);
    other->Schedule(last_arrival_ns_, [text](FakeLink* link) {
      if (!link->broken_) link->Down(text);
    });
  }

  void Down(const std::string& text) {
    if (over_) return;
    over_ = broken_ = true;
    std::shared_ptr<FakeLink> self = shared_from_this();
    provider_->Forget(this);
    if (LinkEvents* events = std::exchange(events_, nullptr)) events->OnLinkDown(text);
  }

  FakeLink* other() const { return other_.lock().get(); }
  bool over() const { return over_; }
  const std::string& local_address() const { return local_address_; }

 private:
  using Step = std::function<void(FakeLink*)>;

  FakeNetwork::Path& path() const { return network_->PathOf(local_address_, remote_address_); }

  // A link that is over has nothing to come; its provider may be gone.
  void Schedule(int64_t at_ns, Step step) {
    if (over_) return;
    provider_->Schedule(at_ns,
                        [self = shared_from_this(), step = std::move(step)] { step(self.get()); });
  }

  void Write() {
    if (writing_ || pending_.empty() || !up_ || path().stalled) return;
    writing_ = true;
    std::vector<std::string> frames = std::exchange(pending_, {});
    for (std::string& frame : frames) Travel(std::move(frame));
    Schedule(network_->now_ns() + path().write_ns, [](FakeLink* link) { link->Written(); });
  }

  void Written() {
    writing_ = false;
    if (over_ || broken_) return;
    if (!pending_.empty()) {
      Write();
    } else {
      TellWritable();
    }
  }

  void TellWritable() {
    if (!over_ && writable() && events_ != nullptr) events_->OnLinkWritable();
  }

  // Sends `frame` to the other end.
  void Travel(std::string frame) {
    std::shared_ptr<FakeLink> other = other_.lock();
    if (broken_ || other == nullptr) return;
    FrameFate fate;
    if (network_->faults_ != nullptr) {
      fate = network_->faults_->OnFrame(local_address_, remote_address_, &frame);
    }
    last_arrival_ns_ =
        std::max(last_arrival_ns_, network_->now_ns() + path().delay_ns + fate.extra_delay_ns);
    other->Schedule(last_arrival_ns_, [frame = std::move(frame), cut = fate.cut](FakeLink* link) {
      link->Arrive(frame, cut);
    });
  }

  void Arrive(const std::string& frame, FrameFate::Cut cut) {
    if (broken_) return;
    uint32_t& left = network_->PathOf(remote_address_, local_address_).frames_left;
    if (cut != FrameFate::Cut::kBefore && left > 0) {
      if (left != UINT32_MAX) --left;
      if (events_ != nullptr) Deliver(frame);
    }
    if (cut != FrameFate::Cut::kNo || left == 0) {
      left = UINT32_MAX;
      network_->Break(this, 0, 0);
    }
  }

  void Deliver(const std::string& frame) {
    auto* buffer = new FakeBuffer(frame, network_->buffers_held_);
    events_->OnFrame(buffer, buffer->bytes());
    buffer->Unref();
  }

  FakeNetwork* const network_;
  FakeProvider* const provider_;
  const std::string local_address_;
  const std::string remote_address_;
  LinkEvents* events_;
  std::weak_ptr<FakeLink> other_;
  bool up_ = false;
  bool writing_ = false;
  bool broken_ = false;  // The connection failed; the user may not know yet.
  bool over_ = false;    // The user may not use it any more.
  int64_t last_arrival_ns_ = 0;
  std::string building_;
  std::vector<std::string> pending_;
};

FakeNetwork::FakeNetwork()
    : now_ns_(kBeginNs), buffers_held_(std::make_shared<std::atomic<size_t>>(0)) {}

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
                      int64_t b_notices_ns) {
  FakeProvider* provider = FindProvider(a);
  if (provider == nullptr) return;
  for (const auto& link : std::vector<std::shared_ptr<FakeLink>>(provider->links_)) {
    if (link->remote_address() == b) Break(link.get(), a_notices_ns, b_notices_ns);
  }
}

void FakeNetwork::RefuseDials(const std::string& to, bool refuse) { refused_dials_[to] = refuse; }

FakeProvider* FakeNetwork::FindProvider(const std::string& address) const {
  auto found = providers_.find(address);
  return found == providers_.end() ? nullptr : found->second;
}

void FakeNetwork::Break(FakeLink* link, int64_t own_end_notices_ns, int64_t other_end_notices_ns) {
  FakeLink* other = link->other();
  link->Break(own_end_notices_ns, "the connection was cut");
  if (other != nullptr) other->Break(other_end_notices_ns, "the connection was cut");
}

FakeProvider::FakeProvider(FakeNetwork* network, std::string address)
    : network_(network), address_(std::move(address)) {
  HAWSER_CHECK(network_->FindProvider(address_) == nullptr);
  network_->providers_[address_] = this;
}

FakeProvider::~FakeProvider() {
  if (!down_) Crash();
  network_->providers_.erase(address_);
}

void FakeProvider::Schedule(int64_t at_ns, Event event) {
  if (!down_) events_.emplace(std::make_pair(at_ns, network_->NextOrder()), std::move(event));
}

Link* FakeProvider::Dial(const std::string& address, LinkEvents* events) {
  HAWSER_CHECK(!down_);
  links_.push_back(std::make_shared<FakeLink>(this, address, events));
  Connect(links_.back(), address);
  return links_.back().get();
}

void FakeProvider::Connect(std::shared_ptr<FakeLink> dialler, const std::string& to) {
  const bool refused =
      network_->refused_dials_[to] ||
      (network_->faults_ != nullptr && network_->faults_->RefuseDial(address_, to));
  FakeProvider* target = refused ? nullptr : network_->FindProvider(to);
  const int64_t arrives_ns = network_->now_ns() + network_->PathOf(address_, to).delay_ns;
  if (target == nullptr || target->down_ || target->acceptor_ == nullptr) {
    Schedule(arrives_ns,
             [dialler, to] { dialler->Down(absl::StrCat("connection to ", to, " refused")); });
    return;
  }
  target->Schedule(arrives_ns, [target, dialler] { target->Accept(dialler); });
}

void FakeProvider::Accept(const std::shared_ptr<FakeLink>& dialler) {
  if (dialler->over()) return;
  ++network_->connections_;
  auto link = std::make_shared<FakeLink>(this, dialler->local_address(), nullptr);
  links_.push_back(link);
  link->Connected(dialler);
  dialler->Connected(link);
  link->SetUp();
  FakeProvider* source = network_->FindProvider(dialler->local_address());
  if (source == nullptr) return;
  source->Schedule(
      network_->now_ns() + network_->PathOf(address_, dialler->local_address()).delay_ns,
      [dialler] { dialler->Up(); });
  link->Accepted(acceptor_->OnAccepted(link.get()));
}

void FakeProvider::Forget(const FakeLink* link) {
  links_.erase(std::remove_if(links_.begin(), links_.end(),
                              [&](const auto& other) { return other.get() == link; }),
               links_.end());
}

int FakeProvider::Poll(int64_t deadline_ns) {
  if (NextEventNs() > network_->now_ns()) return 0;
  Event event = std::move(events_.begin()->second);
  events_.erase(events_.begin());
  if (acceptor_ != nullptr) acceptor_->BeforeEvents();
  event();
  return 1;
}

int64_t FakeProvider::NextEventNs() const {
  return events_.empty() ? kNever : events_.begin()->first.first;
}

uint64_t FakeProvider::NextEventOrder() const {
  return events_.empty() ? UINT64_MAX : events_.begin()->first.second;
}

void FakeProvider::Shutdown() {
  for (const auto& link : links_) {
    link->Abandon();
    link->HangUp("the other end closed the link");
  }
  down_ = true;
  links_.clear();
  events_.clear();
}

void FakeProvider::Crash() {
  down_ = true;
  events_.clear();
  for (const auto& link : links_) {
    if (FakeLink* other = link->other()) other->Break(0, "the other process died");
    // Its user may still close it, in vain.
    link->Break(0, "");
  }
}

}  // namespace hawser
