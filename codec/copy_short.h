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

struct Words16 {
  uint64_t words[2];
};

struct Words32 {
  uint64_t words[4];
};

// The same bytes as memcpy. REQUIRES: size <= kCopyBytesMax.
inline constexpr size_t kCopyBytesMax = 255;
inline void CopyShort(const char* from, size_t size, char* out) {
  if (size >= 16) {
    if (size <= 32) {
      CopyEnds<Words16>(from, size, out);
      return;
    }
    if (size <= 64) {
      CopyEnds<Words32>(from, size, out);
      return;
    }
    for (size_t at = 0; at + sizeof(Words32) <= size; at += sizeof(Words32)) {
      CopyEnds<Words32>(from + at, sizeof(Words32), out + at);
    }
    CopyEnds<Words32>(from + size - sizeof(Words32), sizeof(Words32), out + size - sizeof(Words32));
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
