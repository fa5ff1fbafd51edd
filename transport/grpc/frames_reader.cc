#include "transport/grpc/frames_reader.h"

#include <cstdint>

namespace hawser {
namespace {

constexpr char kFrameTag = 0x0a;

// Reads a length of at most 32 bits; false when there is none.
bool ReadLength(absl::string_view* bytes, uint64_t* length) {
  *length = 0;
  for (int shift = 0; shift <= 28 && !bytes->empty(); shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(bytes->front());
    bytes->remove_prefix(1);
    *length |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

bool FramesReader::Next(absl::string_view* frame) {
  if (!ok_ || rest_.empty()) return false;
  uint64_t length = 0;
  ok_ = rest_.front() == kFrameTag;
  rest_.remove_prefix(1);
  ok_ = ok_ && ReadLength(&rest_, &length) && length <= rest_.size();
  if (!ok_) return false;
  *frame = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

}  // namespace hawser
