#ifndef HAWSER_CODEC_RECORD_FIELDS_H_
#define HAWSER_CODEC_RECORD_FIELDS_H_

// The bits of a record's head. Private to record_write.cc and record_read.cc.

#include <cstdint>

namespace hawser {
namespace record_fields {

// In the byte of the type: the message belongs to a call, whose number follows.
inline constexpr uint8_t kOfCall = 1 << 7;

// The mask of fields that are present.
inline constexpr uint32_t kTo = 1 << 0;
inline constexpr uint32_t kFrom = 1 << 1;
inline constexpr uint32_t kTerm = 1 << 2;
inline constexpr uint32_t kLogTerm = 1 << 3;
inline constexpr uint32_t kIndex = 1 << 4;
inline constexpr uint32_t kCommit = 1 << 5;
inline constexpr uint32_t kReject = 1 << 6;
inline constexpr uint32_t kRejectHint = 1 << 7;
inline constexpr uint32_t kVote = 1 << 8;
inline constexpr uint32_t kZeroFields = 1 << 9;
inline constexpr uint32_t kContext = 1 << 10;
inline constexpr uint32_t kUnknown = 1 << 11;
inline constexpr uint32_t kResponses = 1 << 12;
inline constexpr uint32_t kSnapshot = 1 << 13;
inline constexpr uint32_t kEntries = 1 << 14;
inline constexpr uint32_t kReserved = 1 << 15;

inline constexpr uint8_t kSnapshotData = 1;
inline constexpr uint8_t kSnapshotMetadata = 2;
inline constexpr uint8_t kSnapshotUnknown = 4;
inline constexpr uint8_t kSnapshotReserved = 0xf8;

// The mode of the entries. Bits 2 to 4 are the common zero_fields >> 1.
inline constexpr uint8_t kRegular = 1;
inline constexpr uint8_t kOneLength = 2;
inline constexpr int kModeZerosShift = 1;
inline constexpr uint8_t kModeZeros = 0x1c;
inline constexpr uint8_t kModeReserved = 0xe0;
inline constexpr uint8_t kEntryZeroFields = 0x0e;

// The flags of an irregular entry.
inline constexpr uint8_t kEntryTerm = 1 << 0;
inline constexpr uint8_t kEntryIndex = 1 << 1;
inline constexpr int kEntryTypeShift = 2;
inline constexpr uint8_t kEntryTypeMask = 3;
inline constexpr uint8_t kEntryAbsentData = 1 << 4;
inline constexpr uint8_t kEntryZeros = 1 << 5;
inline constexpr uint8_t kEntryUnknown = 1 << 6;
inline constexpr uint8_t kEntryReserved = 1 << 7;

}  // namespace record_fields
}  // namespace hawser

#endif  // HAWSER_CODEC_RECORD_FIELDS_H_
