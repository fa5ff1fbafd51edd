#ifndef HAWSER_TRANSPORT_GRPC_FRAMES_READER_H_
#define HAWSER_TRANSPORT_GRPC_FRAMES_READER_H_

// Takes the frames out of one gRPC message (`Frames` in transport.proto). Pure.

#include "absl/strings/string_view.h"

namespace hawser {

// Walks over the fields of a serialized Frames.
//
//   FramesReader reader(bytes);
//   while (reader.Next(&frame)) ...
//   if (!reader.ok()) ...
class FramesReader {
 public:
  explicit FramesReader(absl::string_view bytes) : rest_(bytes), ok_(!bytes.empty()) {}

  // The next frame, or false at the end or at bytes that are no Frames.
  bool Next(absl::string_view* frame);

  // False when the bytes are not a Frames with at least one frame and nothing else.
  bool ok() const { return ok_; }

 private:
  absl::string_view rest_;
  bool ok_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_FRAMES_READER_H_
