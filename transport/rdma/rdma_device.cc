#include "transport/rdma/rdma_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace hawser {

absl::Status VerbsError(absl::string_view name, int error) {
  const bool locked = name == kRegisterMemory && (error == ENOMEM || error == EAGAIN);
  return absl::ResourceExhaustedError(absl::StrCat(
      "cannot ", name, ": ", std::strerror(error),
      locked ? "; raise the limit of locked memory (ulimit -l), or lower rdma_receive_slots" : ""));
}

absl::StatusOr<std::unique_ptr<RdmaDevice>> RdmaDevice::Open(Verbs* verbs, ibv_context* context) {
  std::unique_ptr<RdmaDevice> device(new RdmaDevice(verbs, context));
  if (const int error = verbs->PrepareDevice(context); error != 0) {
    return VerbsError("prepare the device", error);
  }
  ibv_device_attr attributes{};
  if (const int error = verbs->QueryDevice(context, &attributes); error != 0) {
    return VerbsError("query the device", error);
  }
  device->requests_max_ = attributes.max_qp_wr;
  device->pieces_max_ = static_cast<uint32_t>(std::max(attributes.max_sge, 1));
  device->pd_ = verbs->AllocPd(context);
  if (device->pd_ == nullptr) return VerbsError("allocate a protection domain", errno);
  device->channel_ = verbs->CreateCompChannel(context);
  if (device->channel_ == nullptr) return VerbsError("create a completion channel", errno);
  return device;
}

RdmaDevice::~RdmaDevice() {
  if (channel_ != nullptr) verbs_->DestroyCompChannel(channel_);
  if (pd_ != nullptr) verbs_->DeallocPd(pd_);
}

std::string RdmaDevice::name() const { return context_->device->name; }

}  // namespace hawser
