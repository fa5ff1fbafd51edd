#ifndef HAWSER_TRANSPORT_RECORDING_RECORDING_H_
#define HAWSER_TRANSPORT_RECORDING_RECORDING_H_

// Recorded frames: what went over one link in one direction. Format: docs/recordings.md.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace hawser {

// A recording begins with this; records follow to its end.
inline constexpr absl::string_view kRecordingMagic = "hawser01";
// A record: u32 length of the frame, the whole frame.
inline constexpr size_t kRecordHeadBytes = 4;

// Writes the kRecordHeadBytes before a frame of `frame_bytes`.
void EncodeRecordHead(size_t frame_bytes, char* out);

// Reads the frames of a recording in order.
//
// A cursor over a file's bytes, which must outlive it. After the end, or after what is no record,
// Next gives nothing more; error() tells the two apart.
class RecordingReader {
 public:
  explicit RecordingReader(absl::string_view file);

  bool Next(absl::string_view* frame);

  // Where the record that Next gave, or could not read, begins.
  size_t record_at() const { return record_at_; }
  // Empty: all was read.
  const std::string& error() const { return error_; }

 private:
  const absl::string_view file_;
  size_t at_ = 0;
  size_t record_at_ = 0;
  std::string error_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RECORDING_RECORDING_H_
