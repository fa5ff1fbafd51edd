#include "transport/control.h"

#include "transport/wire.pb.h"

namespace hawser {

std::string EncodeFenceRequest(uint32_t epoch) {
  transport::v1::Control proto;
  proto.mutable_fence_request()->set_epoch(epoch);
  return proto.SerializeAsString();
}

std::string EncodeRenew(bool please_dial) {
  transport::v1::Control proto;
  proto.mutable_renew()->set_please_dial(please_dial);
  return proto.SerializeAsString();
}

bool DecodeControl(absl::string_view body, Control* control) {
  transport::v1::Control proto;
  if (!proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) return false;
  *control = Control();
  if (proto.has_fence_request()) {
    control->kind = Control::Kind::kFenceRequest;
    control->epoch = proto.fence_request().epoch();
  } else if (proto.has_renew()) {
    control->kind = Control::Kind::kRenew;
    control->please_dial = proto.renew().please_dial();
  }
  return true;
}

}  // namespace hawser
