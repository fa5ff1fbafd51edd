#ifndef HAWSER_TRANSPORT_FRAME_H_
#define HAWSER_TRANSPORT_FRAME_H_

// Frames: what one link operation carries. Layout: docs/wire_format.md, "Frame header".

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "transport/close_reason.h"
#include "transport/lane.h"

namespace hawser {

inline constexpr uint8_t kWireVersion = 1;
inline constexpr size_t kFrameHeaderBytes = 16;
// The trailer of every frame but HELLO, where both ends agreed on checksums.
inline constexpr size_t kChecksumBytes = 4;

// On the wire: do not renumber.
enum class FrameType : uint8_t {
  kData = 1,
  kFragment = 2,
  kAck = 3,
  kPing = 4,
  kPong = 5,
  kHello = 6,
  kStart = 7,
  kFence = 8,
  kSwitch = 9,
  kGoaway = 10,
  kBulkOffer = 11,
  kBulkGrant = 12,
  kBulkChunk = 13,
  kBulkAck = 14,
  kControl = 15,
};

const char* FrameTypeName(FrameType type);

// True for the types that take a sequence number, credit of their lane, and an acknowledgement.
constexpr bool IsSequenced(FrameType type) {
  return type == FrameType::kData || type == FrameType::kFragment || type == FrameType::kBulkChunk;
}

// Bytes of the body of the types whose body is fixed; -1 for the others.
constexpr int FixedBodyBytes(FrameType type) {
  switch (type) {
    case FrameType::kAck:
      return 0;
    case FrameType::kSwitch:
      return 4;
    case FrameType::kPing:
    case FrameType::kPong:
    case FrameType::kStart:
      return 8;
    case FrameType::kFence:
      return 12;
    case FrameType::kBulkAck:
      return 20;
    case FrameType::kBulkGrant:
      return 36;
    default:
      return -1;
  }
}

struct FrameHeader {
  FrameType type = FrameType::kAck;
  // Of sequenced frames; the wire has 3 for the others.
  Lane lane = Lane::kUrgent;
  bool first = false;    // FRAGMENT: begins a message.
  bool last = false;     // FRAGMENT: ends it.
  bool solicit = false;  // RDMA: the receiver should wake for it.
  // DATA: messages; FRAGMENT: number of the piece, from 0.
  uint16_t count = 0;
  uint32_t sequence = 0;
  uint32_t ack = 0;
  uint32_t credit = 0;
};

// Writes the 16 bytes of `header` to `out`.
void EncodeFrameHeader(const FrameHeader& header, char* out);

// What the checksums of one direction of a link begin with: that of the sender's HELLO frame.
uint32_t ChecksumSeed(absl::string_view hello_frame);

// Seals the frame of `bytes` bytes: sets the TRAILER flag and writes kChecksumBytes behind it.
void SealChecksum(uint32_t seed, char* frame, size_t bytes);

// Reads a whole frame. kNone, or kBadFrame for anything that the format does not allow: too short,
// another version, an unknown type or lane, reserved bits, a body that is too short or too long,
// a count that cannot be, a trailer where none was agreed. `*body` points into `frame`.
CloseReason DecodeFrame(absl::string_view frame, FrameHeader* header, absl::string_view* body);

// The same for a link with checksums; kBadFrame also when the frame's is not right.
CloseReason DecodeSealedFrame(uint32_t seed, absl::string_view frame, FrameHeader* header,
                              absl::string_view* body);

// True when the frame says that it has a trailer.
bool HasTrailer(absl::string_view frame);

// True when sequence number `a` is after `b`: arithmetic modulo 2^32, distance under 2^31.
constexpr bool SequenceAfter(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) > 0; }

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_FRAME_H_
