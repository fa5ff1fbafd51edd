// The fabric, devices, memory, completion queues and their events.

#include "tests/transport/rdma/fake_nic.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "tests/transport/rdma/fake_nic_parts.h"

namespace hawser {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int kFirstFakeDescriptor = 1 << 30;

}  // namespace

int NextFakeDescriptor() {
  static int next = kFirstFakeDescriptor;
  return next++;
}

FakeFabric::FakeFabric(const FakeFabricOptions& fabric_options) : options(fabric_options) {}
FakeFabric::~FakeFabric() { events_.clear(); }

FakeNic* FakeFabric::AddNic(std::vector<std::string> addresses) {
  nics_.push_back(std::make_unique<FakeNic>(this, std::move(addresses)));
  return nics_.back().get();
}

int64_t FakeFabric::NextEventNs() const {
  return events_.empty() ? kNever : events_.begin()->first.first;
}

void FakeFabric::AdvanceTo(int64_t now_ns) {
  while (!events_.empty() && events_.begin()->first.first <= now_ns) {
    auto first = events_.extract(events_.begin());
    now_ns_ = std::max(now_ns_, first.key().first);
    first.mapped()();
  }
  now_ns_ = std::max(now_ns_, now_ns);
}

void FakeFabric::At(int64_t at_ns, std::function<void()> action) {
  events_.emplace(std::make_pair(at_ns, next_order_++), std::move(action));
}

void FakeFabric::Cut(const std::string& a, const std::string& b, bool cut) {
  cuts_[{a, b}] = cuts_[{b, a}] = cut;
}

bool FakeFabric::IsCut(const std::string& a, const std::string& b) const {
  auto found = cuts_.find({a, b});
  return found != cuts_.end() && found->second;
}

FakeNic* FakeFabric::FindNic(const std::string& address) const {
  for (const auto& nic : nics_) {
    if (!nic->dead_ && nic->Owns(address)) return nic.get();
  }
  return nullptr;
}

FakeNic::FakeNic(FakeFabric* fabric, std::vector<std::string> addresses)
    : fabric_(fabric), addresses_(std::move(addresses)) {
  std::strncpy(device_.name, "fake0", sizeof(device_.name) - 1);
  context_.device = &device_;
  context_.async_fd = NextFakeDescriptor();
  context_.ops.post_send = OpPostSend;
  context_.ops.post_recv = OpPostReceive;
  context_.ops.poll_cq = OpPollCq;
  context_.ops.req_notify_cq = OpRequestNotify;
}

FakeNic::~FakeNic() = default;

bool FakeNic::Owns(const std::string& address) const {
  return std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end();
}

bool FakeNic::Fails() {
  if (calls_until_failure_ == 0 || --calls_until_failure_ != 0) return false;
  failed_ = true;
  errno = ENOMEM;
  return true;
}

void FakeNic::ResetCounters() {
  FakeNicCounters counters;
  counters.registered_bytes = counters_.registered_bytes;
  counters.ids = counters_.ids;
  counters.qps = counters_.qps;
  counters.regions = counters_.regions;
  counters.pds = counters_.pds;
  counters.queues = counters_.queues;
  counters.comp_channels = counters_.comp_channels;
  counters.event_channels = counters_.event_channels;
  counters_ = counters;
}

bool FakeNic::Readable(int descriptor) const {
  if (descriptor < kFirstFakeDescriptor) {
    pollfd real = {descriptor, POLLIN, 0};
    return poll(&real, 1, 0) > 0;
  }
  for (const FakeEventChannel* channel : event_channels_) {
    if (channel->channel.fd == descriptor) return !channel->events.empty();
  }
  for (const FakeCompChannel* channel : comp_channels_) {
    if (channel->channel.fd == descriptor) return !channel->events.empty();
  }
  return descriptor == context_.async_fd && !async_events_.empty();
}

uint64_t FakeNic::Wait(absl::Span<const int> descriptors, int64_t deadline_ns) {
  InsideNic inside(this);
  ++counters_.system_calls;
  while (true) {
    uint64_t ready = 0;
    for (size_t i = 0; i < descriptors.size(); ++i) {
      ready |= uint64_t{Readable(descriptors[i])} << i;
    }
    const int64_t until_ns = std::min(deadline_ns, fabric_->NextEventNs());
    if (ready != 0 || fabric_->now_ns() >= deadline_ns) return ready;
    // It would sleep for ever.
    HAWSER_CHECK(until_ns != kNever);
    fabric_->AdvanceTo(until_ns);
  }
}

int FakeNic::PrepareDevice(ibv_context* device) { return Fails() ? ENOMEM : 0; }

int FakeNic::QueryDevice(ibv_context* device, ibv_device_attr* attributes) {
  if (Fails()) return ENOMEM;
  *attributes = ibv_device_attr();
  attributes->max_qp_wr = 4096;
  attributes->max_cqe = 65536;
  attributes->max_sge = 4;
  return 0;
}

void FakeNic::RaiseAsync(ibv_event_type type, ibv_qp* qp) {
  ibv_async_event event{};
  event.event_type = type;
  event.element.qp = qp;
  async_events_.push_back(event);
}

int FakeNic::GetAsyncEvent(ibv_context* device, ibv_async_event* event) {
  InsideNic inside(this);
  ++counters_.system_calls;
  if (async_events_.empty()) return EAGAIN;
  *event = async_events_.front();
  async_events_.erase(async_events_.begin());
  return 0;
}

void FakeNic::AckAsyncEvent(ibv_async_event* event) {}

ibv_pd* FakeNic::AllocPd(ibv_context* device) {
  if (Fails()) return nullptr;
  ++counters_.pds;
  auto* pd = new ibv_pd();
  pd->context = device;
  return pd;
}

int FakeNic::DeallocPd(ibv_pd* pd) {
  for (const auto& [key, region] : regions_) HAWSER_CHECK(region->pd != pd);
  --counters_.pds;
  delete pd;
  return 0;
}

ibv_mr* FakeNic::RegMr(ibv_pd* pd, void* memory, size_t bytes, int access) {
  if (Fails()) return nullptr;
  auto region = std::make_unique<ibv_mr>();
  region->context = &context_;
  region->pd = pd;
  region->addr = memory;
  region->length = bytes;
  region->lkey = region->rkey = next_key_;
  region_access_[next_key_] = access;
  ++counters_.regions;
  ++counters_.registrations;
  counters_.registered_bytes += bytes;
  counters_.registered_bytes_max =
      std::max(counters_.registered_bytes_max, counters_.registered_bytes);
  ibv_mr* handle = region.get();
  regions_[next_key_++] = std::move(region);
  return handle;
}

int FakeNic::DeregMr(ibv_mr* region) {
  --counters_.regions;
  counters_.registered_bytes -= region->length;
  region_access_.erase(region->lkey);
  HAWSER_CHECK(regions_.erase(region->lkey) == 1);
  return 0;
}

bool FakeNic::MayUse(const ibv_pd* pd, uint64_t address, uint64_t bytes, uint32_t key,
                     int access) const {
  auto found = regions_.find(key);
  if (found == regions_.end() || found->second->pd != pd) return false;
  if ((region_access_.at(key) & access) != access) return false;
  const auto start = reinterpret_cast<uint64_t>(found->second->addr);
  return address >= start && bytes <= found->second->length &&
         address - start <= found->second->length - bytes;
}

bool FakeNic::IsRegistered(const void* byte) const {
  return std::any_of(regions_.begin(), regions_.end(), [&](const auto& region) {
    return MayUse(region.second->pd, reinterpret_cast<uint64_t>(byte), 1, region.first, 0);
  });
}

ibv_comp_channel* FakeNic::CreateCompChannel(ibv_context* device) {
  if (Fails()) return nullptr;
  ++counters_.comp_channels;
  auto* fake = new FakeCompChannel();
  fake->channel.context = device;
  fake->channel.fd = NextFakeDescriptor();
  fake->nic = this;
  comp_channels_.push_back(fake);
  return &fake->channel;
}

int FakeNic::DestroyCompChannel(ibv_comp_channel* channel) {
  HAWSER_CHECK(FakeOf(channel)->queues == 0);
  --counters_.comp_channels;
  comp_channels_.erase(std::find(comp_channels_.begin(), comp_channels_.end(), FakeOf(channel)));
  delete FakeOf(channel);
  return 0;
}

ibv_cq* FakeNic::CreateCq(ibv_context* device, int entries, void* user, ibv_comp_channel* channel) {
  if (Fails()) return nullptr;
  ++counters_.queues;
  auto* fake = new FakeCq();
  fake->queue.context = device;
  fake->queue.channel = channel;
  fake->queue.cq_context = user;
  fake->queue.cqe = entries;
  fake->nic = this;
  fake->capacity = entries;
  if (channel != nullptr) ++FakeOf(channel)->queues;
  return &fake->queue;
}

int FakeNic::DestroyCq(ibv_cq* queue) {
  FakeCq* fake = FakeOf(queue);
  // A real one would wait for ever.
  HAWSER_CHECK(fake->unacknowledged == 0 && fake->qps == 0);
  if (queue->channel != nullptr) {
    FakeCompChannel* channel = FakeOf(queue->channel);
    --channel->queues;
    channel->events.erase(std::remove(channel->events.begin(), channel->events.end(), queue),
                          channel->events.end());
  }
  --counters_.queues;
  delete fake;
  return 0;
}

int FakeNic::GetCqEvent(ibv_comp_channel* channel, ibv_cq** queue) {
  InsideNic inside(this);
  ++counters_.system_calls;
  FakeCompChannel* fake = FakeOf(channel);
  if (fake->events.empty()) return EAGAIN;
  *queue = fake->events.front();
  fake->events.pop_front();
  ++FakeOf(*queue)->unacknowledged;
  return 0;
}

void FakeNic::AckCqEvents(ibv_cq* queue, unsigned events) {
  HAWSER_CHECK(FakeOf(queue)->unacknowledged >= events);
  FakeOf(queue)->unacknowledged -= events;
}

void FakeCq::Push(Entry entry, bool solicited) {
  entries.push_back(std::move(entry));
  // A real one loses completions silently.
  HAWSER_CHECK(static_cast<int>(entries.size()) <= capacity);
  const bool wakes = armed && (!armed_solicited || solicited ||
                               entries.back().completion.status != IBV_WC_SUCCESS);
  if (!wakes || queue.channel == nullptr) return;
  armed = false;
  ++nic->counters_.notifications;
  FakeOf(queue.channel)->events.push_back(&queue);
}

int FakeNic::OpPollCq(ibv_cq* queue, int count, ibv_wc* completions) {
  FakeCq* fake = FakeOf(queue);
  InsideNic inside(fake->nic);
  if (fake->nic->Fails()) return -1;
  ++fake->nic->counters_.polls;
  int taken = 0;
  for (; taken < count && !fake->entries.empty(); ++taken) {
    FakeCq::Entry entry = std::move(fake->entries.front());
    fake->entries.pop_front();
    if (entry.fetched) entry.fetched();
    completions[taken] = entry.completion;
  }
  return taken;
}

int FakeNic::OpRequestNotify(ibv_cq* queue, int solicited_only) {
  FakeCq* fake = FakeOf(queue);
  InsideNic inside(fake->nic);
  FakeNic* nic = fake->nic;
  if (nic->Fails()) return ENOMEM;
  ++nic->counters_.notify_requests;
  if (nic->fabric_->options.land_before_arm_ns > 0) {
    nic->fabric_->RunFor(nic->fabric_->options.land_before_arm_ns);
  }
  fake->armed_solicited = solicited_only != 0 && (!fake->armed || fake->armed_solicited);
  fake->armed = true;
  return 0;
}

}  // namespace hawser
