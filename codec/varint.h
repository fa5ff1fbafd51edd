#ifndef HAWSER_CODEC_VARINT_H_
#define HAWSER_CODEC_VARINT_H_

// Variable-length integers: seven bits a byte, least significant first, as protobuf's.

#include <cstddef>
#include <cstdint>

namespace hawser {

inline constexpr size_t kVarintBytesMax = 10;

// How many bytes `value` takes.
inline size_t VarintSize(uint64_t value) {
  const int bits = 64 - __builtin_clzll(value | 1);
  return static_cast<size_t>((bits * 9 + 64) / 64);
}

// Writes `value` at `out`, which has room for it, and returns what follows.
inline char* WriteVarint(uint64_t value, char* out) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

// Reads a varint from [in, end) and returns what follows it, or nullptr when it does not end
// there or does not fit 64 bits.
inline const char* ReadVarint(const char* in, const char* end, uint64_t* value) {
  uint64_t result = 0;
  for (int shift = 0; in < end; shift += 7) {
    const uint64_t byte = static_cast<uint8_t>(*in++);
    if (shift == 63 && byte > 1) {
      return nullptr;
    }
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      return in;
    }
  }
  return nullptr;
}

}  // namespace hawser

#endif  // HAWSER_CODEC_VARINT_H_
