#ifndef HAWSER_CODEC_BYTE_READER_H_
#define HAWSER_CODEC_BYTE_READER_H_

// A cursor over bytes from outside: every step is checked, and one bad read fails it for good.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "codec/varint.h"

namespace hawser {

// Reads values one after another from bytes that it does not own.
//
// A value, made for each run of bytes. After a read that does not fit, failed() stays true,
// nothing is left to read, and every read gives zero or an empty view: callers may read a whole
// structure and ask once at the end.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool failed() const { return failed_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  // Where the next read starts; pointers of two reads tell the bytes between them.
  const char* at() const { return at_; }

  uint64_t Varint() {
    uint64_t value = 0;
    const char* next = ReadVarint(at_, end_, &value);
    if (next == nullptr) {
      Fail();
      return 0;
    }
    at_ = next;
    return value;
  }

  uint8_t U8() { return Fixed<uint8_t>(); }
  // Little-endian.
  uint16_t U16() { return Fixed<uint16_t>(); }
  uint32_t U32() { return Fixed<uint32_t>(); }

  // The next `size` bytes where they lie; never a null view unless it fails.
  absl::string_view Bytes(uint64_t size) {
    if (size > left()) {
      Fail();
      return absl::string_view();
    }
    const absl::string_view result(at_, static_cast<size_t>(size));
    at_ += size;
    return result;
  }

  // A varint length and so many bytes.
  absl::string_view Sized() { return Bytes(Varint()); }

  void Fail() {
    failed_ = true;
    at_ = end_;
  }

 private:
  template <typename T>
  T Fixed() {
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire is little-endian");
    T value = 0;
    if (left() < sizeof(T)) {
      Fail();
      return 0;
    }
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  const char* at_;
  const char* end_;
  bool failed_ = false;
};

}  // namespace hawser

#endif  // HAWSER_CODEC_BYTE_READER_H_
