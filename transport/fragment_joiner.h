#ifndef HAWSER_TRANSPORT_FRAGMENT_JOINER_H_
#define HAWSER_TRANSPORT_FRAGMENT_JOINER_H_

// Joins the fragments of a message that is larger than a frame.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "transport/close_reason.h"
#include "transport/frame.h"
#include "transport/ownership.h"
#include "transport/receive_block.h"

namespace hawser {

// Collects one message at a time into a block of its own, which is then leased out.
//
// One per peer and lane. The first fragment says how long the message is; memory for that is taken
// once, if the limit allows, and untouched pages of it cost nothing before bytes arrive.
// Loop thread only; the finished block is released from any.
class FragmentJoiner {
 public:
  FragmentJoiner() = default;
  ~FragmentJoiner() { Reset(); }
  FragmentJoiner(const FragmentJoiner&) = delete;
  FragmentJoiner& operator=(const FragmentJoiner&) = delete;

  // Takes one fragment. kNone; or kMessageTooLarge, kBadFrame (a piece that does not follow the
  // last, or does not fit its message), kResourceExhausted.
  CloseReason Add(const FrameHeader& header, absl::string_view body, size_t message_bytes_max);

  // After the last fragment: the message, and the block with one reference for the caller.
  bool complete() const { return complete_; }
  ReceiveBuffer* Take(absl::string_view* message);

  // A DATA frame may not come now.
  bool busy() const { return block_ != nullptr; }
  void Reset();

 private:
  ReceiveBlock* block_ = nullptr;
  size_t filled_ = 0;
  uint16_t next_ = 0;
  bool complete_ = false;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_FRAGMENT_JOINER_H_
