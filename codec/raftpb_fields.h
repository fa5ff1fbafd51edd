#ifndef HAWSER_CODEC_RAFTPB_FIELDS_H_
#define HAWSER_CODEC_RAFTPB_FIELDS_H_

// raftpb's field numbers as protobuf tags, and the walk over a message's fields. Private to
// raftpb_read.cc and raftpb_write.cc.

#include <cstdint>

#include "absl/strings/string_view.h"
#include "codec/byte_reader.h"

namespace hawser {
namespace raftpb_fields {

enum WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kGroupBegin = 3,
  kGroupEnd = 4,
  kFixed32 = 5,
};

constexpr uint32_t Tag(uint32_t number, WireType type) { return number << 3 | type; }

namespace entry {
inline constexpr uint32_t kType = Tag(1, kVarint);
inline constexpr uint32_t kTerm = Tag(2, kVarint);
inline constexpr uint32_t kIndex = Tag(3, kVarint);
inline constexpr uint32_t kData = Tag(4, kBytes);
}  // namespace entry

namespace snapshot {
inline constexpr uint32_t kData = Tag(1, kBytes);
inline constexpr uint32_t kMetadata = Tag(2, kBytes);
}  // namespace snapshot

namespace message {
inline constexpr uint32_t kType = Tag(1, kVarint);
inline constexpr uint32_t kTo = Tag(2, kVarint);
inline constexpr uint32_t kFrom = Tag(3, kVarint);
inline constexpr uint32_t kTerm = Tag(4, kVarint);
inline constexpr uint32_t kLogTerm = Tag(5, kVarint);
inline constexpr uint32_t kIndex = Tag(6, kVarint);
inline constexpr uint32_t kEntries = Tag(7, kBytes);
inline constexpr uint32_t kCommit = Tag(8, kVarint);
inline constexpr uint32_t kSnapshot = Tag(9, kBytes);
inline constexpr uint32_t kReject = Tag(10, kVarint);
inline constexpr uint32_t kRejectHint = Tag(11, kVarint);
inline constexpr uint32_t kContext = Tag(12, kBytes);
inline constexpr uint32_t kVote = Tag(13, kVarint);
inline constexpr uint32_t kResponses = Tag(14, kBytes);
}  // namespace message

// Every tag above is one byte, so a tag's field number is also its bit in zero_fields.
constexpr uint32_t ZeroBit(uint32_t tag) { return 1u << (tag >> 3); }

// One field as it lies in the input.
struct Field {
  uint32_t tag = 0;
  uint64_t number = 0;      // The value of a varint field.
  absl::string_view bytes;  // The value of a bytes field.
  absl::string_view whole;  // Tag and value.
};

// Reads the next field; false at the end of the input, and when `in` has failed.
bool NextField(ByteReader* in, Field* field);

}  // namespace raftpb_fields
}  // namespace hawser

#endif  // HAWSER_CODEC_RAFTPB_FIELDS_H_
