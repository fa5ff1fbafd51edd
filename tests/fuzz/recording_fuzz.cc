// Any bytes as the records of a recording. What streamdump prints of it, --encode gives back.
//
// Fuzzing builds do not look at the codec's checks (codec/message_check.h).

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "tools/streamdump/hawser_dump.h"
#include "transport/recording/recording.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string file = absl::StrCat(
      hawser::kRecordingMagic, absl::string_view(reinterpret_cast<const char*>(data), size));
  for (const bool frames : {false, true}) {
    std::string lines;
    const hawser::DumpResult dumped = hawser::DumpHawser(
        file, frames, [&lines](absl::string_view line) { absl::StrAppend(&lines, line, "\n"); });
    if (!dumped.error.empty() || lines.empty()) {
      continue;
    }
    std::string again;
    const hawser::DumpResult encoded = hawser::EncodeHawser(
        lines, [&again](absl::string_view bytes) { again.append(bytes.data(), bytes.size()); });
    HAWSER_CHECK(encoded.error.empty());
    HAWSER_CHECK(again == file);
  }
  return 0;
}
