#ifndef HAWSER_TOOLS_STREAMDUMP_STREAM_WALKER_H_
#define HAWSER_TOOLS_STREAMDUMP_STREAM_WALKER_H_

// One direction of a recorded link, frame by frame, as its receiver would read it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "codec/message_codec.h"
#include "transport/fragment_joiner.h"
#include "transport/frame.h"
#include "transport/hello.h"
#include "transport/lane.h"

namespace hawser {

// The largest limits that docs/wire_format.md allows.
CodecLimits WalkerLimits();

// Keeps the rules of docs/wire_format.md that hold without the other direction: hello first,
// sequence, epochs, fragments, the codec, checksums.
//
// One for each recording; after an error it must not be used. Acks and credit are not judged, and
// an epoch that its receiver discarded is read like any other.
class StreamWalker {
 public:
  struct Message {
    const DecodedMessage* decoded;
    absl::string_view bytes;
    // Where it begins, from the start of the frame (of the last piece: 0).
    size_t offset;
    // 0: it came whole.
    int pieces;
  };
  using Sink = absl::FunctionRef<void(const Message&)>;

  StreamWalker();

  // Takes the next frame, and gives `sink` the messages that end in it. Empty, or what is wrong
  // with it; what came before is right then.
  std::string Take(absl::string_view frame, Sink sink);

  // Of the frame last taken.
  const FrameHeader& header() const { return header_; }
  uint32_t epoch() const { return epoch_; }
  const Hello& hello() const { return hello_; }

 private:
  enum class State : uint8_t { kHello, kOpen, kStarted, kSealed, kClosed };

  std::string Open(absl::string_view frame, absl::string_view* body);
  std::string TakeControl(absl::string_view body);
  std::string TakeStart(absl::string_view body);
  std::string TakeSequenced(absl::string_view body, size_t body_at, Sink sink);
  std::string TakeData(absl::string_view body, size_t body_at, Sink sink);
  std::string TakeFragment(absl::string_view body, Sink sink);

  State state_ = State::kHello;
  FrameHeader header_;
  Hello hello_;
  bool trailer_decided_ = false;
  bool trailer_ = false;
  uint32_t checksum_seed_ = 0;
  uint32_t sequence_ = 0;
  uint32_t epoch_ = 0;
  // By lane.
  std::array<MessageDecoder, kLaneCount> decoders_;
  std::array<FragmentJoiner, kLaneCount> joiners_;
};

}  // namespace hawser

#endif  // HAWSER_TOOLS_STREAMDUMP_STREAM_WALKER_H_
