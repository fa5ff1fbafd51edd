#ifndef HAWSER_CODEC_TAG_H_
#define HAWSER_CODEC_TAG_H_

// The first byte of a message and the slot number: docs/codec_format.md, "Tag".

#include <cstddef>
#include <cstdint>

namespace hawser {

// How a message is laid out. On the wire: do not renumber.
enum class Form : uint8_t {
  kWhole = 0,
  kRecord = 1,
  kEmpty = 2,
  kOne = 3,
  kTwo = 4,
  kMany = 5,
  kMixed = 6,
  kFewTwo = 7,   // Two entries, with WIDE three.
  kFewFour = 8,  // Four entries, with WIDE five.
  kAppendResponse = 9,
  kHeartbeat = 10,
  kHeartbeatResponse = 11,
};

inline constexpr uint8_t kFormMask = 0x0f;
inline constexpr uint8_t kWide = 0x10;
inline constexpr uint8_t kExtra = 0x20;
inline constexpr uint8_t kGroup = 0x40;
inline constexpr uint8_t kTagParity = 0x80;

// ONE without and with EXTRA, narrow and without GROUP, which also turns the parity.
inline constexpr uint8_t kTagOne = 0x83;
inline constexpr uint8_t kTagOneExtra = 0x23;

inline constexpr size_t kSlotBytes = 2;
inline constexpr uint32_t kSlotsMax = 1 << 15;

// `bits` (form and flags) with the parity bit that makes the number of set bits odd.
inline uint8_t SealTag(uint8_t bits) {
  return __builtin_parity(bits) != 0 ? bits : static_cast<uint8_t>(bits | kTagParity);
}

inline bool IsSealedTag(uint8_t tag) { return __builtin_parity(tag) != 0; }

// A slot number as it travels; `slot` < kSlotsMax.
inline uint16_t SealSlot(uint32_t slot) {
  return static_cast<uint16_t>(__builtin_parity(slot) != 0 ? slot : slot | kSlotsMax);
}

inline bool IsSealedSlot(uint16_t slot) { return __builtin_parity(slot) != 0; }

}  // namespace hawser

#endif  // HAWSER_CODEC_TAG_H_
