// One look after the other: completions, notifications, events, links that are over.

#include "transport/rdma/rdma_provider.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/log.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// While it spins, what needs system calls is looked at this often.
constexpr int64_t kLookNs = 1000000;
// How long a closed link may take to say its last words.
constexpr int64_t kLingerNs = 200 * 1000000;
// A link that was up is taken down this long after its end, whichever end gave it up: that takes
// the thread milliseconds, and what was lost with it is settled on gRPC first.
constexpr int64_t kBuryNs = 100 * 1000000;
constexpr uint64_t kAll = ~uint64_t{0};
// Places in descriptors_.
constexpr size_t kWakePlace = 0;
constexpr size_t kCmPlace = 1;
constexpr size_t kDevicePlace = 2;

bool Has(uint64_t ready, size_t place) { return (ready >> place & 1) != 0; }

}  // namespace

absl::StatusOr<std::unique_ptr<RdmaProvider>> RdmaProvider::Create(const Options& options,
                                                                   Verbs* verbs) {
  std::unique_ptr<RdmaProvider> provider(new RdmaProvider(options, verbs));
  if (absl::Status status = provider->Listen(); !status.ok()) return status;
  return provider;
}

RdmaProvider::RdmaProvider(const Options& options, Verbs* verbs)
    : options_(options),
      verbs_(verbs),
      spin_ns_max_(int64_t{options.rdma_spin_us_max} * 1000),
      host_memory_(verbs),
      book_(options.rdma_ticket_ms),
      next_deadline_ns_(kNever) {}

RdmaProvider::~RdmaProvider() {
  Shutdown();
  if (wait_fd_ >= 0) close(wait_fd_);
  if (wake_fd_ >= 0) close(wake_fd_);
}

RdmaLinkOptions RdmaProvider::LinkOptions() const {
  RdmaLinkOptions link;
  link.slot_bytes = options_.rdma_slot_bytes;
  link.receive_slots = options_.rdma_receive_slots;
  link.spare_slots = options_.rdma_receive_slots / 8;
  link.send_slots = options_.rdma_receive_slots / 4;
  return link;
}

absl::StatusOr<RdmaDevice*> RdmaProvider::DeviceOf(ibv_context* context) {
  for (const auto& device : devices_) {
    if (device->context() == context) return device.get();
  }
  absl::StatusOr<std::unique_ptr<RdmaDevice>> device = RdmaDevice::Open(verbs_, context);
  if (!device.ok()) return device.status();
  devices_.push_back(*std::move(device));
  host_memory_.AddDevice(devices_.back().get());
  MapDescriptors();
  return devices_.back().get();
}

void RdmaProvider::MapDescriptors() {
  descriptors_ = {wake_fd_, events_->fd};
  for (const auto& device : devices_) {
    descriptors_.push_back(device->channel()->fd);
    descriptors_.push_back(device->context()->async_fd);
  }
  if (wait_fd_ < 0) return;
  for (const int descriptor : descriptors_) {
    epoll_event event{};
    event.events = EPOLLIN;
    // Those that it has already are refused.
    epoll_ctl(wait_fd_, EPOLL_CTL_ADD, descriptor, &event);
  }
}

int RdmaProvider::WaitFd() {
  if (wait_fd_ < 0) {
    wait_fd_ = epoll_create1(EPOLL_CLOEXEC);
    if (wait_fd_ >= 0) MapDescriptors();
  }
  return wait_fd_;
}

void RdmaProvider::Wake() {
  if (woken_.exchange(true)) return;
  const uint64_t one = 1;
  HAWSER_CHECK(write(wake_fd_, &one, sizeof(one)) == sizeof(one));
}

bool RdmaProvider::TakeWake() {
  if (!woken_.load(std::memory_order_relaxed)) return false;
  woken_.store(false);
  DrainWakes();
  return true;
}

void RdmaProvider::DrainWakes() {
  // Whoever wakes says so first and writes then: what is written after this wakes once more, in
  // vain, and is read then.
  uint64_t count;
  while (read(wake_fd_, &count, sizeof(count)) == sizeof(count)) {
  }
}

int RdmaProvider::Poll(int64_t deadline_ns) {
  while (true) {
    if (TakeWake()) return 0;
    int handled = PollOnce();
    if (handled > 0) return handled;
    const int64_t now_ns = verbs_->NowNs();
    if (now_ns >= deadline_ns) return 0;
    if (SpinsOn(now_ns)) continue;
    handled = PrepareSleep();
    if (handled > 0) return handled;
    if (TakeWake()) return 0;
    Slept(verbs_->Wait(descriptors_, std::min(deadline_ns, next_deadline_ns_)));
  }
}

int RdmaProvider::PollOnce() {
  int handled = 0;
  bool over = false;
  for (size_t i = 0; i < links_.size(); ++i) {
    RdmaLink* const link = links_[i].get();
    if (link->up() || link->failed()) handled += link->Poll();
    over = over || (link->over() && link->bury_ns == 0);
  }
  const int64_t now_ns = verbs_->NowNs();
  if (handled > 0) Tempo(now_ns);
  const bool overdue = now_ns - last_look_ns_ >= kLookNs;
  if (overdue) ready_ = kAll;
  // What came is answered first: the system calls of a look can wait until there is nothing to do.
  if (ready_ != 0 && (handled == 0 || overdue)) {
    last_look_ns_ = now_ns;
    handled += LookAt(std::exchange(ready_, 0));
    over = true;
  }
  if (over || now_ns >= next_deadline_ns_) Sweep(now_ns);
  return handled;
}

void RdmaProvider::Tempo(int64_t now_ns) {
  // Spinning pays where the next piece of work comes soon; a pause must not be remembered for long.
  const int64_t gap_ns = std::min(now_ns - last_work_ns_, 4 * spin_ns_max_);
  work_gap_ns_ += (gap_ns - work_gap_ns_) / 8;
  last_work_ns_ = now_ns;
  spin_ns_ = 2 * work_gap_ns_ <= spin_ns_max_ ? 2 * work_gap_ns_ : 0;
}

int RdmaProvider::PrepareSleep() {
  int handled = 0;
  for (size_t i = 0; i < links_.size(); ++i) {
    RdmaLink* const link = links_[i].get();
    if (!link->up()) continue;
    link->Arm();
    // What came before it was armed tells nobody.
    handled += link->Poll();
    if (link->over()) handled = std::max(handled, 1);
  }
  if (handled > 0) Tempo(verbs_->NowNs());
  return handled;
}

int RdmaProvider::LookAt(uint64_t ready) {
  handled_ = 0;
  if (Has(ready, kWakePlace)) DrainWakes();
  for (size_t i = 0; i < devices_.size(); ++i) {
    if (Has(ready, kDevicePlace + 2 * i)) TakeNotifications(devices_[i].get());
    if (Has(ready, kDevicePlace + 2 * i + 1)) TakeAsyncEvents(devices_[i].get());
  }
  if (Has(ready, kCmPlace)) TakeCmEvents();
  return handled_;
}

void RdmaProvider::TakeNotifications(RdmaDevice* device) {
  // Only armed queues tell; one more call, to hear that there is nothing, would be in vain.
  ibv_cq* queue;
  do {
    if (verbs_->GetCqEvent(device->channel(), &queue) != 0) return;
    static_cast<RdmaLink*>(queue->cq_context)->OnNotified();
  } while (AnyArmed(device));
}

bool RdmaProvider::AnyArmed(const RdmaDevice* device) const {
  return std::any_of(links_.begin(), links_.end(), [device](const auto& link) {
    return link->device() == device && link->armed();
  });
}

void RdmaProvider::TakeAsyncEvents(RdmaDevice* device) {
  ibv_async_event event;
  while (verbs_->GetAsyncEvent(device->context(), &event) == 0) {
    OnAsyncEvent(event);
    verbs_->AckAsyncEvent(&event);
  }
}

void RdmaProvider::OnAsyncEvent(const ibv_async_event& event) {
  ++handled_;
  switch (event.event_type) {
    case IBV_EVENT_QP_FATAL:
    case IBV_EVENT_QP_REQ_ERR:
    case IBV_EVENT_QP_ACCESS_ERR:
      return static_cast<RdmaLink*>(event.element.qp->qp_context)
          ->Down(absl::StrCat("the queue pair failed (event ", event.event_type, ")"));
    case IBV_EVENT_COMM_EST: {
      // The last message of the set-up was lost, but frames have come.
      RdmaLink* const link = static_cast<RdmaLink*>(event.element.qp->qp_context);
      if (!link->over()) verbs_->Notify(link->id(), event.event_type);
      return;
    }
    case IBV_EVENT_CQ_ERR:
      return static_cast<RdmaLink*>(event.element.cq->cq_context)
          ->Down("the completion queue failed");
    case IBV_EVENT_DEVICE_FATAL:
      for (size_t i = 0; i < links_.size(); ++i) links_[i]->Down("the device failed");
      return;
    case IBV_EVENT_PORT_ERR:
      // Pings decide whether the peer can still be reached.
      return Log("rdma: a port went down");
    case IBV_EVENT_PORT_ACTIVE:
      return Log("rdma: a port came up");
    default:
      // Changes of addresses and tables: the connection manager tells whom they concern.
      return;
  }
}

void RdmaProvider::Sweep(int64_t now_ns) {
  next_deadline_ns_ = kNever;
  for (const auto& link : links_) {
    if (link->closing() && link->deadline_ns == 0) link->deadline_ns = now_ns + kLingerNs;
    if (link->deadline_ns != 0 && now_ns >= link->deadline_ns) {
      if (link->closing()) {
        link->Release();
      } else if (!link->up()) {
        link->Down("the connection was not established in time");
      }
    }
    const bool waits = !link->over() && link->deadline_ns != 0;
    if (waits) next_deadline_ns_ = std::min(next_deadline_ns_, link->deadline_ns);
  }
  Bury(now_ns);
  if (removed_.empty()) return;
  const auto is_removed = [this](const std::unique_ptr<RdmaDevice>& device) {
    const bool removed = std::count(removed_.begin(), removed_.end(), device->context()) > 0;
    if (removed) host_memory_.RemoveDevice(device.get());
    return removed;
  };
  devices_.erase(std::remove_if(devices_.begin(), devices_.end(), is_removed), devices_.end());
  removed_.clear();
  MapDescriptors();
}

void RdmaProvider::Bury(int64_t now_ns) {
  const auto due = [&](const std::unique_ptr<RdmaLink>& link) {
    return link->over() && now_ns >= link->bury_ns;
  };
  for (const auto& link : links_) {
    if (!link->over()) continue;
    const bool wait = link->connected() && removed_.empty();
    if (link->bury_ns == 0 || !wait) link->bury_ns = wait ? now_ns + kBuryNs : now_ns;
    if (!due(link)) {
      next_deadline_ns_ = std::min(next_deadline_ns_, link->bury_ns);
      continue;
    }
    past_counters_.Add(link->counters());
    ForgetDialling(link.get());
  }
  links_.erase(std::remove_if(links_.begin(), links_.end(), due), links_.end());
}

RdmaCounters RdmaProvider::counters() const {
  RdmaCounters all = past_counters_;
  for (const auto& link : links_) all.Add(link->counters());
  return all;
}

void RdmaProvider::Shutdown() {
  if (shut_down_) return;
  shut_down_ = true;
  // Last words go out if that takes not long.
  const int64_t deadline_ns = verbs_->NowNs() + kLingerNs;
  const auto lingers = [this] {
    return std::any_of(links_.begin(), links_.end(), [](const auto& l) { return l->closing(); });
  };
  // Events that nobody takes any more must not wake it.
  std::vector<int> channels;
  for (const auto& device : devices_) channels.push_back(device->channel()->fd);
  while (lingers() && verbs_->NowNs() < deadline_ns) {
    for (const auto& link : links_) {
      if (link->closing() && link->up()) link->Arm();
      if (link->closing() && link->up()) link->Poll();
    }
    if (!lingers()) break;
    verbs_->Wait(channels, std::min(deadline_ns, verbs_->NowNs() + kLookNs));
    for (const auto& device : devices_) TakeNotifications(device.get());
  }
  dialling_.clear();
  links_.clear();
  for (rdma_cm_id* listener : listeners_) verbs_->DestroyId(listener);
  listeners_.clear();
  for (const auto& device : devices_) host_memory_.RemoveDevice(device.get());
  devices_.clear();
  if (events_ != nullptr) verbs_->DestroyEventChannel(std::exchange(events_, nullptr));
}

}  // namespace hawser
