#ifndef HAWSER_TRANSPORT_GRPC_FRAMES_READER_H_
#define HAWSER_TRANSPORT_GRPC_FRAMES_READER_H_

// Finds the frames in one gRPC message (`Frames` in transport.proto). Pure.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace hawser {

// Walks over the fields of a serialized Frames, which may lie in several chunks.
//
//   FramesReader reader(chunks);
//   while (reader.Next(&place)) ...
//   if (!reader.ok()) ...
class FramesReader {
 public:
  // Where a frame's bytes are; it may go on in the chunks after `chunk`.
  struct Place {
    size_t chunk = 0;
    size_t at = 0;
    size_t bytes = 0;
  };

  // `chunks` must outlive the reader.
  explicit FramesReader(absl::Span<const absl::string_view> chunks);

  // The next frame, or false at the end or at bytes that are no Frames.
  bool Next(Place* place);

  bool InOneChunk(const Place& place) const {
    return place.bytes <= chunks_[place.chunk].size() - place.at;
  }

  // Copies the frame's bytes to `out`.
  void Copy(const Place& place, char* out) const;

  // False when the bytes are not a Frames with at least one frame and nothing else.
  bool ok() const { return ok_; }
  // Of the whole message.
  size_t total_bytes() const { return total_bytes_; }

 private:
  bool ReadByte(uint8_t* byte);
  // Reads a length of at most 32 bits; false when there is none.
  bool ReadLength(uint64_t* length);
  // Goes on to the next byte that there is.
  void SkipEmpty();
  void Advance(size_t bytes);

  const absl::Span<const absl::string_view> chunks_;
  size_t chunk_ = 0;
  size_t at_ = 0;
  size_t total_bytes_ = 0;
  size_t left_ = 0;
  bool ok_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_FRAMES_READER_H_
