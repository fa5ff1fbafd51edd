#ifndef HAWSER_CODEC_SHORT_FORM_READ_H_
#define HAWSER_CODEC_SHORT_FORM_READ_H_

// The fields of short forms, read. Private to message_decoder.cc.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "codec/decode_error.h"
#include "codec/tag.h"

namespace hawser {

inline constexpr size_t kCheckBytes = 4;

inline Form FormOf(uint8_t tag) { return static_cast<Form>(tag & kFormMask); }

// The first up to eight bytes at `bytes` as a little-endian number.
inline uint64_t LoadWord(absl::string_view bytes) {
  uint64_t word = 0;
  if (bytes.size() >= sizeof(word)) {
    std::memcpy(&word, bytes.data(), sizeof(word));
    return word;
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    word |= uint64_t{static_cast<uint8_t>(bytes[at])} << (8 * at);
  }
  return word;
}

// Takes fields of a short form one after another, lowest byte first, from behind the tag.
class FieldCursor {
 public:
  explicit FieldCursor(uint64_t fields) : rest_(fields >> 8) {}

  uint64_t Unsigned(unsigned bytes) {
    const uint64_t value = rest_ & ((uint64_t{1} << (8 * bytes)) - 1);
    rest_ >>= 8 * bytes;
    return value;
  }

  // `bytes` is 0, 1 or 2.
  uint64_t Signed(unsigned bytes) {
    const uint64_t value = Unsigned(bytes);
    return bytes == 2 ? static_cast<uint64_t>(int64_t{static_cast<int16_t>(value)})
                      : static_cast<uint64_t>(int64_t{static_cast<int8_t>(value)});
  }

 private:
  uint64_t rest_;
};

// The entries of an append in a short form.
struct AppendShape {
  size_t count = 0;
  // Of all entries' data.
  uint64_t total = 0;
  // What is added to the predicted commit index.
  uint64_t commit_delta = 0;
  // The length of each entry where there are no `lengths`.
  size_t one_length = 0;
  // `width` bytes each, or null.
  const char* lengths = nullptr;
  unsigned width = 1;
  // The bytes behind the check that are lengths.
  size_t lengths_bytes = 0;
  char few[8];

  size_t LengthOf(size_t at) const {
    if (lengths == nullptr) {
      return one_length;
    }
    if (width == 1) {
      return static_cast<uint8_t>(lengths[at]);
    }
    uint16_t length;
    std::memcpy(&length, lengths + 2 * at, sizeof(length));
    return length;
  }
};

// Reads the fields of an append; `behind` is what stands behind the check.
DecodeError ReadAppendShape(uint8_t tag, uint64_t fields, absl::string_view behind,
                            AppendShape* shape);

// How many bytes of a message must be read as one, from its first bytes; 0: all of them.
size_t HeadBytes(absl::string_view start);

}  // namespace hawser

#endif  // HAWSER_CODEC_SHORT_FORM_READ_H_
