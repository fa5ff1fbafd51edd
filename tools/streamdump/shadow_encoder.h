#ifndef HAWSER_TOOLS_STREAMDUMP_SHADOW_ENCODER_H_
#define HAWSER_TOOLS_STREAMDUMP_SHADOW_ENCODER_H_

// Writes the messages of a recording once more, to tell what a line must say beside its message.

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "codec/message_codec.h"
#include "codec/message_view.h"
#include "transport/lane.h"

namespace hawser {

// The encoders of one direction's lanes. Dump and encode each have one and show it the same
// messages in the same order: so they agree on the bytes of every message, or that a line must
// hold them because another encoder wrote them.
class ShadowEncoder {
 public:
  ShadowEncoder();

  // A START.
  void Reset();

  // The bytes that our encoder writes; empty: none, for the message is not as ours are. Valid
  // until the next call.
  absl::string_view Encode(Lane lane, uint64_t group, const MessageView& message);

 private:
  std::array<MessageEncoder, kLaneCount> encoders_;
  std::string bytes_;
};

}  // namespace hawser

#endif  // HAWSER_TOOLS_STREAMDUMP_SHADOW_ENCODER_H_
