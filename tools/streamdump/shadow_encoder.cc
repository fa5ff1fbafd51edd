#include "tools/streamdump/shadow_encoder.h"

#include "codec/raftpb_wire.h"
#include "tools/streamdump/stream_walker.h"

namespace hawser {

ShadowEncoder::ShadowEncoder()
    : encoders_{MessageEncoder(WalkerLimits()), MessageEncoder(WalkerLimits()),
                MessageEncoder(WalkerLimits())} {}

void ShadowEncoder::Reset() {
  for (MessageEncoder& encoder : encoders_) encoder.Reset();
}

absl::string_view ShadowEncoder::Encode(Lane lane, uint64_t group, const MessageView& message) {
  MessageEncoder& encoder = encoders_[static_cast<size_t>(lane)];
  if (!IsEncodable(message) || !encoder.WithinLimits(message)) return absl::string_view();
  bytes_.resize(MessageEncoder::SizeBound(message));
  return {bytes_.data(), encoder.Encode(group, message, &bytes_[0], bytes_.size())};
}

}  // namespace hawser
