#ifndef HAWSER_CODEC_BYTE_WRITER_H_
#define HAWSER_CODEC_BYTE_WRITER_H_

// A cursor that writes into a given buffer: one write that does not fit fails it for good.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "codec/varint.h"

namespace hawser {

// Writes values one after another into [out, out + capacity), which it does not own.
//
// A value, made for each run of bytes. After a write that does not fit, failed() stays true and
// nothing more is written.
class ByteWriter {
 public:
  ByteWriter(char* out, size_t capacity) : begin_(out), at_(out), end_(out + capacity) {}

  bool failed() const { return failed_; }
  size_t size() const { return static_cast<size_t>(at_ - begin_); }

  void Varint(uint64_t value) {
    if (Fits(VarintSize(value))) {
      at_ = WriteVarint(value, at_);
    }
  }

  // Little-endian.
  void U8(uint8_t value) { Raw(&value, sizeof(value)); }
  void U16(uint16_t value) { Raw(&value, sizeof(value)); }
  void U32(uint32_t value) { Raw(&value, sizeof(value)); }

  void Bytes(absl::string_view bytes) { Raw(bytes.data(), bytes.size()); }

  // A varint length and the bytes.
  void Sized(absl::string_view bytes) {
    Varint(bytes.size());
    Bytes(bytes);
  }

 private:
  bool Fits(size_t size) {
    failed_ = failed_ || static_cast<size_t>(end_ - at_) < size;
    return !failed_;
  }

  void Raw(const void* bytes, size_t size) {
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire is little-endian");
    if (Fits(size) && size > 0) {
      std::memcpy(at_, bytes, size);
      at_ += size;
    }
  }

  char* const begin_;
  char* at_;
  char* const end_;
  bool failed_ = false;
};

}  // namespace hawser

#endif  // HAWSER_CODEC_BYTE_WRITER_H_
