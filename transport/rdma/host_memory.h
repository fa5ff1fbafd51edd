#ifndef HAWSER_TRANSPORT_RDMA_HOST_MEMORY_H_
#define HAWSER_TRANSPORT_RDMA_HOST_MEMORY_H_

// Memory of the host's that NICs may read, so that payload is sent from where it is.

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "transport/rdma/verbs.h"

namespace hawser {

class RdmaDevice;

// At most so many regions are known at a time: they are searched one after the other.
inline constexpr int kHostRegionsMax = 64;

// Where the host's registered memory is, and under which keys one device knows it.
//
// One per RdmaDevice. Threads: Find on any, without a lock; Set and Clear by the HostMemory, one at
// a time. Who looks while something changes finds nothing.
class HostRegions {
 public:
  // False: not all of `bytes` lies in one region.
  bool Find(absl::string_view bytes, uint32_t* key) const {
    const uint32_t version = version_.load();
    const auto from = reinterpret_cast<uintptr_t>(bytes.data());
    const int places = places_.load();
    for (int i = 0; i < places; ++i) {
      const uintptr_t behind_start = from - regions_[i].start.load();
      const size_t size = regions_[i].bytes.load();
      if (behind_start >= size || bytes.size() > size - behind_start) continue;
      *key = regions_[i].key.load();
      return version % 2 == 0 && version_.load() == version;
    }
    return false;
  }

  void Set(int place, absl::Span<const char> memory, uint32_t key);
  void Clear(int place) { Set(place, {}, 0); }

 private:
  struct Region {
    std::atomic<uintptr_t> start{0};
    std::atomic<size_t> bytes{0};  // 0: none
    std::atomic<uint32_t> key{0};
  };

  std::atomic<uint32_t> version_{0};  // Odd while something changes.
  std::atomic<int> places_{0};        // Those behind were never used.
  std::array<Region, kHostRegionsMax> regions_;
};

// The regions that the host gave, registered with every device in use.
//
// One per RdmaProvider, owned by it. A device that is used later learns of them then. Registration
// takes milliseconds: it is done by whoever adds, and where a device is opened, never on the way of
// a message.
// Threads: Add, Remove and Registered from any; the rest on the loop thread.
class HostMemory {
 public:
  explicit HostMemory(Verbs* verbs) : verbs_(verbs) {}
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  // Returns a number for Remove. An error when there are devices and none takes it: why.
  absl::StatusOr<int> Add(absl::Span<char> memory);
  // No link reads it any more: the Holds of all that was sent from it were released.
  void Remove(int place);
  // A device knows it.
  bool Registered(int place) const;

  void AddDevice(RdmaDevice* device);
  // After the last of its links.
  void RemoveDevice(RdmaDevice* device);

 private:
  struct Device {
    RdmaDevice* device = nullptr;
    std::array<ibv_mr*, kHostRegionsMax> regions{};  // nullptr: not registered
  };

  // 0 or an errno.
  int Register(Device* device, int place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Unregister(Device* device, int place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Verbs* const verbs_;
  mutable Mutex mu_;
  std::array<absl::Span<char>, kHostRegionsMax> memory_ ABSL_GUARDED_BY(mu_);
  std::vector<Device> devices_ ABSL_GUARDED_BY(mu_);
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_HOST_MEMORY_H_
