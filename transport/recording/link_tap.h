#ifndef HAWSER_TRANSPORT_RECORDING_LINK_TAP_H_
#define HAWSER_TRANSPORT_RECORDING_LINK_TAP_H_

// Sees every frame that goes over a transport's links. For tests and diagnosis.

#include <cstdint>

#include "absl/strings/string_view.h"
#include "transport/types.h"

namespace hawser {

// Who listens in. `link` numbers the links of one transport, from 1; frames are whole, as the link
// carries them, and valid inside the call only. Loop thread.
class LinkTap {
 public:
  virtual ~LinkTap() = default;

  // The frame is handed to the link.
  virtual void OnSent(uint64_t link, LinkKind kind, absl::string_view frame) = 0;

  // The frame came; it has not been looked at yet.
  virtual void OnReceived(uint64_t link, LinkKind kind, absl::string_view frame) = 0;

  // No frame of this link comes any more.
  virtual void OnEnd(uint64_t link) = 0;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RECORDING_LINK_TAP_H_
