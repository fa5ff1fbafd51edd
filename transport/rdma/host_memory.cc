#include "transport/rdma/host_memory.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/log.h"
#include "transport/rdma/rdma_device.h"

namespace hawser {
namespace {

// Read by the NIC, never written.
constexpr int kReadOnly = 0;

}  // namespace

void HostRegions::Set(int place, absl::Span<const char> memory, uint32_t key) {
  version_.fetch_add(1);
  regions_[place].start.store(reinterpret_cast<uintptr_t>(memory.data()));
  regions_[place].bytes.store(memory.size());
  regions_[place].key.store(key);
  places_.store(std::max(places_.load(), place + 1));
  version_.fetch_add(1);
}

HostMemory::~HostMemory() {
  MutexLock lock(&mu_);
  HAWSER_CHECK(devices_.empty());
}

absl::StatusOr<int> HostMemory::Add(absl::Span<char> memory) {
  MutexLock lock(&mu_);
  const auto free = std::find_if(memory_.begin(), memory_.end(),
                                 [](absl::Span<char> region) { return region.empty(); });
  if (free == memory_.end()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are ", kHostRegionsMax, " regions of registered memory already"));
  }
  const int place = static_cast<int>(free - memory_.begin());
  *free = memory;
  int error = 0;
  bool known = devices_.empty();
  for (Device& device : devices_) {
    const int failed = Register(&device, place);
    known = known || failed == 0;
    if (failed != 0) error = failed;
  }
  if (known) return place;
  *free = {};
  return VerbsError(kRegisterMemory, error);
}

void HostMemory::Remove(int place) {
  MutexLock lock(&mu_);
  for (Device& device : devices_) Unregister(&device, place);
  memory_[place] = {};
}

bool HostMemory::Registered(int place) const {
  MutexLock lock(&mu_);
  return std::any_of(devices_.begin(), devices_.end(),
                     [place](const Device& device) { return device.regions[place] != nullptr; });
}

void HostMemory::AddDevice(RdmaDevice* device) {
  MutexLock lock(&mu_);
  devices_.emplace_back();
  devices_.back().device = device;
  for (int place = 0; place < kHostRegionsMax; ++place) {
    if (memory_[place].empty()) continue;
    const int error = Register(&devices_.back(), place);
    if (error == 0) continue;
    // Not what links need: what lies there is copied.
    Log(absl::StrCat("rdma: ", memory_[place].size(), " bytes of the host's memory are not sent ",
                     "from where they are: ", VerbsError(kRegisterMemory, error).message()));
  }
}

void HostMemory::RemoveDevice(RdmaDevice* device) {
  MutexLock lock(&mu_);
  const auto found = std::find_if(devices_.begin(), devices_.end(),
                                  [device](const Device& other) { return other.device == device; });
  HAWSER_CHECK(found != devices_.end());
  for (int place = 0; place < kHostRegionsMax; ++place) Unregister(&*found, place);
  devices_.erase(found);
}

int HostMemory::Register(Device* device, int place) {
  const absl::Span<char> memory = memory_[place];
  ibv_mr* region = verbs_->RegMr(device->device->pd(), memory.data(), memory.size(), kReadOnly);
  if (region == nullptr) return errno;
  device->regions[place] = region;
  device->device->host_regions()->Set(place, memory, region->lkey);
  return 0;
}

void HostMemory::Unregister(Device* device, int place) {
  ibv_mr* const region = std::exchange(device->regions[place], nullptr);
  if (region == nullptr) return;
  device->device->host_regions()->Clear(place);
  verbs_->DeregMr(region);
}

}  // namespace hawser
