#ifndef HAWSER_BASE_LITTLE_ENDIAN_H_
#define HAWSER_BASE_LITTLE_ENDIAN_H_

// Fixed-width integers in the wire's byte order, at any alignment.

#include <cstdint>
#include <cstring>

namespace hawser {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the wire is little-endian; a big-endian host needs swaps here");

template <typename Integer>
Integer LoadLittle(const char* in) {
  Integer value;
  std::memcpy(&value, in, sizeof(value));
  return value;
}

template <typename Integer>
void StoreLittle(Integer value, char* out) {
  std::memcpy(out, &value, sizeof(value));
}

}  // namespace hawser

#endif  // HAWSER_BASE_LITTLE_ENDIAN_H_
