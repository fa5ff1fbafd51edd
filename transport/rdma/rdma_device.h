#ifndef HAWSER_TRANSPORT_RDMA_RDMA_DEVICE_H_
#define HAWSER_TRANSPORT_RDMA_RDMA_DEVICE_H_

// What all links on one RDMA device share.

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "transport/rdma/host_memory.h"
#include "transport/rdma/verbs.h"

namespace hawser {

// The protection domain and the completion channel on one device.
//
// One per device that a link of the provider uses, owned by the provider; it outlives the links.
class RdmaDevice {
 public:
  static absl::StatusOr<std::unique_ptr<RdmaDevice>> Open(Verbs* verbs, ibv_context* context);
  ~RdmaDevice();
  RdmaDevice(const RdmaDevice&) = delete;
  RdmaDevice& operator=(const RdmaDevice&) = delete;

  ibv_context* context() const { return context_; }
  ibv_pd* pd() const { return pd_; }
  ibv_comp_channel* channel() const { return channel_; }
  int requests_max() const { return requests_max_; }
  // Runs of memory that one request may have.
  uint32_t pieces_max() const { return pieces_max_; }
  HostRegions* host_regions() { return &host_regions_; }
  std::string name() const;

 private:
  RdmaDevice(Verbs* verbs, ibv_context* context) : verbs_(verbs), context_(context) {}

  Verbs* const verbs_;
  ibv_context* const context_;
  ibv_pd* pd_ = nullptr;
  ibv_comp_channel* channel_ = nullptr;
  int requests_max_ = 0;
  uint32_t pieces_max_ = 1;
  HostRegions host_regions_;
};

inline constexpr char kRegisterMemory[] = "register memory";

// "cannot NAME: what errno means", with what mends it where that is known.
absl::Status VerbsError(absl::string_view name, int error);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_RDMA_DEVICE_H_
