#include "transport/grpc/frames_reader.h"

#include <algorithm>
#include <cstring>

namespace hawser {
namespace {

constexpr char kFrameTag = 0x0a;

}  // namespace

FramesReader::FramesReader(absl::Span<const absl::string_view> chunks) : chunks_(chunks) {
  for (const absl::string_view chunk : chunks) total_bytes_ += chunk.size();
  left_ = total_bytes_;
  ok_ = left_ > 0;
}

void FramesReader::SkipEmpty() {
  while (at_ == chunks_[chunk_].size() && chunk_ + 1 < chunks_.size()) {
    ++chunk_;
    at_ = 0;
  }
}

bool FramesReader::ReadByte(uint8_t* byte) {
  if (left_ == 0) return false;
  SkipEmpty();
  *byte = static_cast<uint8_t>(chunks_[chunk_][at_++]);
  --left_;
  return true;
}

bool FramesReader::ReadLength(uint64_t* length) {
  *length = 0;
  uint8_t byte;
  for (int shift = 0; shift <= 28 && ReadByte(&byte); shift += 7) {
    *length |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

void FramesReader::Advance(size_t bytes) {
  left_ -= bytes;
  while (bytes > chunks_[chunk_].size() - at_) {
    bytes -= chunks_[chunk_].size() - at_;
    ++chunk_;
    at_ = 0;
  }
  at_ += bytes;
}

bool FramesReader::Next(Place* place) {
  if (!ok_ || left_ == 0) return false;
  uint8_t tag;
  uint64_t length;
  ok_ = ReadByte(&tag) && tag == kFrameTag && ReadLength(&length) && length <= left_;
  if (!ok_) return false;
  if (length > 0) SkipEmpty();
  *place = {chunk_, at_, static_cast<size_t>(length)};
  Advance(place->bytes);
  return true;
}

void FramesReader::Copy(const Place& place, char* out) const {
  size_t left = place.bytes;
  size_t at = place.at;
  for (size_t chunk = place.chunk; left > 0; ++chunk, at = 0) {
    const size_t piece = std::min(left, chunks_[chunk].size() - at);
    std::memcpy(out, chunks_[chunk].data() + at, piece);
    out += piece;
    left -= piece;
  }
}

}  // namespace hawser
