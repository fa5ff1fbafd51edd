#ifndef HAWSER_TRANSPORT_RECORDING_LINK_RECORDER_H_
#define HAWSER_TRANSPORT_RECORDING_LINK_RECORDER_H_

// Writes what goes over links to files: docs/recordings.md.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "transport/recording/link_tap.h"

namespace hawser {

// A file ends at the last whole frame within this.
inline constexpr uint64_t kRecordingBytesMax = uint64_t{1} << 30;

// Two files for each link, one a direction, in a directory that exists. A file that cannot be
// written is given up, with a line in the log.
//
// One per Transport that records. Writes are buffered and block; files are closed when their link
// ends or the recorder does. Loop thread only.
class LinkRecorder : public LinkTap {
 public:
  explicit LinkRecorder(std::string directory, uint64_t file_bytes_max = kRecordingBytesMax);
  ~LinkRecorder() override;

  void OnSent(uint64_t link, LinkKind kind, absl::string_view frame) override;
  void OnReceived(uint64_t link, LinkKind kind, absl::string_view frame) override;
  void OnEnd(uint64_t link) override;

 private:
  class File;
  struct Link {
    std::unique_ptr<File> sent;
    std::unique_ptr<File> received;
  };

  void Write(uint64_t link, LinkKind kind, const char* direction, absl::string_view frame,
             std::unique_ptr<File>* file);

  const std::string directory_;
  const uint64_t file_bytes_max_;
  absl::flat_hash_map<uint64_t, Link> links_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RECORDING_LINK_RECORDER_H_
