#ifndef HAWSER_CODEC_CRC32C_H_
#define HAWSER_CODEC_CRC32C_H_

// CRC-32C (Castagnoli), with the processor's instruction where it has one.

#include <cstdint>

#include "absl/strings/string_view.h"

namespace hawser {

// The CRC-32C of what `crc` stands for followed by `bytes`. Crc32c("123456789") is 0xe3069283.
uint32_t Crc32cExtend(uint32_t crc, absl::string_view bytes);

inline uint32_t Crc32c(absl::string_view bytes) { return Crc32cExtend(0, bytes); }

// The same without the processor's instruction, for tests.
uint32_t Crc32cExtendPortable(uint32_t crc, absl::string_view bytes);

}  // namespace hawser

#endif  // HAWSER_CODEC_CRC32C_H_
