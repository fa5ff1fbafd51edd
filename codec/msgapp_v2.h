#ifndef HAWSER_CODEC_MSGAPP_V2_H_
#define HAWSER_CODEC_MSGAPP_V2_H_

// etcd's own append stream ("msgappv2" of its rafthttp), byte for byte: the yardstick of the
// codec benchmarks. Nothing of Hawser's transport uses it.
//
// A stream is frames back to back; numbers are big-endian u64:
//   00                                              link heartbeat
//   01 count, count x (length, Entry), commit       append that the receiver can complete
//   02 length, Message                              append in full
// Both ends keep (term, index), 0 at first. Frame 01 is used when the message's index is that of
// the state and its term and log term are the state's term.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "codec/decode_error.h"
#include "codec/message_view.h"
#include "codec/raftpb_wire.h"

namespace hawser {

enum class MsgAppV2Frame : uint8_t { kLinkHeartbeat = 0, kAppEntries = 1, kMsgApp = 2 };

// What both ends of a stream keep.
struct MsgAppV2State {
  uint64_t term = 0;
  uint64_t index = 0;

  // Takes over what a frame tells.
  void Advance(MsgAppV2Frame frame, const MessageView& message);
};

// Writes messages as an etcd member of version 3.4 does.
//
// One for each connection. A message of type MsgHeartbeat from and to nobody is a link
// heartbeat; every other is taken for an append, whatever its type says. As in etcd, frame 01
// loses what the receiver does not know (ids, context, reject and its hint), and zero numbers
// are always written in full; vote and responses, which 3.4 does not have, only if set.
class MsgAppV2Encoder {
 public:
  // The frame that the next Encode of `message` will use.
  MsgAppV2Frame FrameOf(const MessageView& message) const;

  // The exact bytes of the next Encode of `message`.
  size_t Size(const MessageView& message);

  // Writes Size() bytes to `out` and returns what follows them.
  char* Encode(const MessageView& message, char* out);

  // Goes on as if `message` had been written in such a frame by somebody else.
  void Advance(MsgAppV2Frame frame, const MessageView& message) { state_.Advance(frame, message); }

  void Reset() { state_ = MsgAppV2State(); }

 private:
  // The message with every zero present and a snapshot, as 3.4 writes it.
  MessageView InFull(const MessageView& message);

  MsgAppV2State state_;
  std::vector<EntryView> entries_;
};

// Reads frames as an etcd member does, as views over the input.
//
// One for each connection; `local` and `remote` are the members' ids, which frame 01 leaves out.
// Its arrays are reused and valid until the next Decode. Any bytes are safe.
class MsgAppV2Decoder {
 public:
  struct Frame {
    MsgAppV2Frame kind = MsgAppV2Frame::kLinkHeartbeat;
    MessageView message;
    size_t bytes = 0;
  };

  MsgAppV2Decoder(uint64_t local, uint64_t remote, const RaftpbLimits& limits = RaftpbLimits())
      : local_(local), remote_(remote), limits_(limits), raftpb_(limits) {}
  MsgAppV2Decoder(const MsgAppV2Decoder&) = delete;
  MsgAppV2Decoder& operator=(const MsgAppV2Decoder&) = delete;

  // Decodes the frame at the start of `bytes`. kTruncated: it does not end there, nothing has
  // changed. After any other error the state has no meaning.
  DecodeError Decode(absl::string_view bytes, Frame* frame);

  void Reset() { state_ = MsgAppV2State(); }

 private:
  DecodeError DecodeAppEntries(absl::string_view bytes, Frame* frame);
  DecodeError DecodeMsgApp(absl::string_view bytes, Frame* frame);

  const uint64_t local_;
  const uint64_t remote_;
  const RaftpbLimits limits_;
  MsgAppV2State state_;
  std::vector<EntryView> entries_;
  RaftpbDecoder raftpb_;
};

}  // namespace hawser

#endif  // HAWSER_CODEC_MSGAPP_V2_H_
