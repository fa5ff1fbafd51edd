// Any bytes as a stream of etcd's: as JSON lines and back it must be the same bytes, up to where
// it is damaged.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "tools/streamdump/msgapp_v2_dump.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view stream(reinterpret_cast<const char*>(data), size);
  std::string lines;
  const hawser::DumpResult dumped =
      hawser::DumpMsgAppV2(stream, 1, 2, [&lines](absl::string_view line) {
        lines.append(line.data(), line.size());
        lines.push_back('\n');
      });
  std::string again;
  const hawser::DumpResult encoded = hawser::EncodeMsgAppV2(
      lines, [&again](absl::string_view bytes) { again.append(bytes.data(), bytes.size()); });
  HAWSER_CHECK(encoded.error.empty());
  HAWSER_CHECK(stream.substr(0, again.size()) == again);
  HAWSER_CHECK(!dumped.error.empty() || dumped.messages == 0 || again.size() == stream.size());
  // Any text as lines.
  hawser::EncodeMsgAppV2(stream, [](absl::string_view) {});
  return 0;
}
