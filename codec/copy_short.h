#ifndef HAWSER_CODEC_COPY_SHORT_H_
#define HAWSER_CODEC_COPY_SHORT_H_

// Copies of a few bytes, inline: a call of memcpy would cost more than the copy. Private to
// message_encoder.cc.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hawser {

// Copies with whole words that may overlap: for a few bytes faster than a call of memcpy.
template <typename Word>
inline void CopyEnds(const char* from, size_t size, char* out) {
  Word first;
  Word last;
  std::memcpy(&first, from, sizeof(Word));
  std::memcpy(&last, from + size - sizeof(Word), sizeof(Word));
  std::memcpy(out, &first, sizeof(Word));
  std::memcpy(out + size - sizeof(Word), &last, sizeof(Word));
}

// 16 bytes in a register.
using Words16 = uint64_t __attribute__((vector_size(16)));

// 33 to 64 bytes.
inline void CopyTo64(const char* from, size_t size, char* out) {
  Words16 words[4];
  std::memcpy(&words[0], from, 16);
  std::memcpy(&words[1], from + 16, 16);
  std::memcpy(&words[2], from + size - 32, 16);
  std::memcpy(&words[3], from + size - 16, 16);
  std::memcpy(out, &words[0], 16);
  std::memcpy(out + 16, &words[1], 16);
  std::memcpy(out + size - 32, &words[2], 16);
  std::memcpy(out + size - 16, &words[3], 16);
}

// The same bytes as memcpy. REQUIRES: size <= kCopyBytesMax.
inline constexpr size_t kCopyBytesMax = 255;
inline void CopyShort(const char* from, size_t size, char* out) {
  if (size >= 16) {
    if (size <= 32) {
      CopyEnds<Words16>(from, size, out);
      return;
    }
    if (size <= 64) {
      CopyTo64(from, size, out);
      return;
    }
    size_t at = 0;
    for (; at + 64 < size; at += 32) {
      CopyEnds<Words16>(from + at, 32, out + at);
    }
    CopyTo64(from + at, size - at, out + at);
  } else if (size >= 8) {
    CopyEnds<uint64_t>(from, size, out);
  } else if (size >= 4) {
    CopyEnds<uint32_t>(from, size, out);
  } else {
    for (size_t at = 0; at < size; ++at) {
      out[at] = from[at];
    }
  }
}

}  // namespace hawser

#endif  // HAWSER_CODEC_COPY_SHORT_H_
