#include "transport/frame.h"

#include "base/little_endian.h"
#include "codec/crc32c.h"

namespace hawser {
namespace {

constexpr uint8_t kLaneMask = 0x03;
constexpr uint8_t kNoLane = 0x03;
constexpr uint8_t kFlagFirst = 0x04;
constexpr uint8_t kFlagLast = 0x08;
constexpr uint8_t kFlagTrailer = 0x10;
constexpr uint8_t kFlagSolicit = 0x20;
constexpr uint8_t kReservedBits = 0xc0;

bool FlagsAllowed(FrameType type, uint8_t flags, uint16_t count) {
  if ((flags & kReservedBits) != 0) return false;
  const bool first = (flags & kFlagFirst) != 0;
  const bool last = (flags & kFlagLast) != 0;
  if (IsSequenced(type)) {
    if ((flags & kLaneMask) == kNoLane) return false;
    if (type == FrameType::kFragment) {
      return first == (count == 0) && (flags & kLaneMask) != static_cast<uint8_t>(Lane::kUrgent);
    }
    if (type == FrameType::kData) return !first && !last && count > 0;
    return (flags & kLaneMask) == static_cast<uint8_t>(Lane::kBulk) && !first && !last &&
           count == 0;
  }
  return (flags & kLaneMask) == kNoLane && !first && !last && count == 0;
}

bool BodyAllowed(const FrameHeader& header, size_t body_bytes) {
  const int fixed = FixedBodyBytes(header.type);
  if (fixed >= 0) return body_bytes == static_cast<size_t>(fixed);
  // The first fragment begins with the message's length; every piece has at least a byte.
  if (header.type == FrameType::kFragment && header.first) return body_bytes > sizeof(uint32_t);
  return body_bytes > 0;
}

// A frame without its trailer; the flag is not looked at.
CloseReason DecodeUnsealed(absl::string_view frame, FrameHeader* header, absl::string_view* body) {
  if (frame.size() < kFrameHeaderBytes) return CloseReason::kBadFrame;
  const char* in = frame.data();
  const uint8_t version = static_cast<uint8_t>(in[0]) >> 4;
  const uint8_t type = static_cast<uint8_t>(in[0]) & 0x0f;
  const uint8_t flags = static_cast<uint8_t>(in[1]);
  if (version != kWireVersion || type == 0) return CloseReason::kBadFrame;
  header->type = static_cast<FrameType>(type);
  header->count = LoadLittle<uint16_t>(in + 2);
  if (!FlagsAllowed(header->type, flags, header->count)) return CloseReason::kBadFrame;
  header->lane = IsSequenced(header->type) ? static_cast<Lane>(flags & kLaneMask) : Lane::kUrgent;
  header->first = (flags & kFlagFirst) != 0;
  header->last = (flags & kFlagLast) != 0;
  header->solicit = (flags & kFlagSolicit) != 0;
  header->sequence = LoadLittle<uint32_t>(in + 4);
  header->ack = LoadLittle<uint32_t>(in + 8);
  header->credit = LoadLittle<uint32_t>(in + 12);
  *body = frame.substr(kFrameHeaderBytes);
  return BodyAllowed(*header, body->size()) ? CloseReason::kNone : CloseReason::kBadFrame;
}

}  // namespace

const char* FrameTypeName(FrameType type) {
  constexpr const char* kNames[16] = {"invalid",    "data",       "fragment", "ack",
                                      "ping",       "pong",       "hello",    "start",
                                      "fence",      "switch",     "goaway",   "bulk_offer",
                                      "bulk_grant", "bulk_chunk", "bulk_ack", "control"};
  return kNames[static_cast<int>(type) & 0x0f];
}

void EncodeFrameHeader(const FrameHeader& header, char* out) {
  uint8_t flags = IsSequenced(header.type) ? static_cast<uint8_t>(header.lane) : kNoLane;
  if (header.first) flags |= kFlagFirst;
  if (header.last) flags |= kFlagLast;
  if (header.solicit) flags |= kFlagSolicit;
  out[0] = static_cast<char>(kWireVersion << 4 | static_cast<uint8_t>(header.type));
  out[1] = static_cast<char>(flags);
  StoreLittle<uint16_t>(header.count, out + 2);
  StoreLittle<uint32_t>(header.sequence, out + 4);
  StoreLittle<uint32_t>(header.ack, out + 8);
  StoreLittle<uint32_t>(header.credit, out + 12);
}

bool HasTrailer(absl::string_view frame) {
  return frame.size() > 1 && (static_cast<uint8_t>(frame[1]) & kFlagTrailer) != 0;
}

uint32_t ChecksumSeed(absl::string_view hello_frame) { return Crc32c(hello_frame); }

void SealChecksum(uint32_t seed, char* frame, size_t bytes) {
  frame[1] = static_cast<char>(frame[1] | kFlagTrailer);
  StoreLittle<uint32_t>(Crc32cExtend(seed, absl::string_view(frame, bytes)), frame + bytes);
}

CloseReason DecodeSealedFrame(uint32_t seed, absl::string_view frame, FrameHeader* header,
                              absl::string_view* body) {
  if (frame.size() < kFrameHeaderBytes + kChecksumBytes || !HasTrailer(frame)) {
    return CloseReason::kBadFrame;
  }
  const absl::string_view sealed = frame.substr(0, frame.size() - kChecksumBytes);
  if (LoadLittle<uint32_t>(sealed.data() + sealed.size()) != Crc32cExtend(seed, sealed)) {
    return CloseReason::kBadFrame;
  }
  return DecodeUnsealed(sealed, header, body);
}

CloseReason DecodeFrame(absl::string_view frame, FrameHeader* header, absl::string_view* body) {
  return HasTrailer(frame) ? CloseReason::kBadFrame : DecodeUnsealed(frame, header, body);
}

}  // namespace hawser
