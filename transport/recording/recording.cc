#include "transport/recording/recording.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/little_endian.h"

namespace hawser {

void EncodeRecordHead(size_t frame_bytes, char* out) {
  StoreLittle<uint32_t>(static_cast<uint32_t>(frame_bytes), out);
}

RecordingReader::RecordingReader(absl::string_view file) : file_(file) {
  if (absl::StartsWith(file, kRecordingMagic)) {
    at_ = kRecordingMagic.size();
  } else {
    error_ = absl::StrCat("no recording: it does not begin with \"", kRecordingMagic, "\"");
  }
}

bool RecordingReader::Next(absl::string_view* frame) {
  record_at_ = at_;
  if (!error_.empty() || at_ == file_.size()) return false;
  const size_t left = file_.size() - at_;
  if (left < kRecordHeadBytes) {
    error_ = absl::StrCat("truncated: ", left, " bytes are left, a record's length takes ",
                          kRecordHeadBytes);
    return false;
  }
  const uint32_t frame_bytes = LoadLittle<uint32_t>(file_.data() + at_);
  if (frame_bytes > left - kRecordHeadBytes) {
    error_ = absl::StrCat("truncated: a frame of ", frame_bytes, " bytes, of which ",
                          left - kRecordHeadBytes, " are there");
    return false;
  }
  *frame = file_.substr(at_ + kRecordHeadBytes, frame_bytes);
  at_ += kRecordHeadBytes + frame_bytes;
  return true;
}

}  // namespace hawser
