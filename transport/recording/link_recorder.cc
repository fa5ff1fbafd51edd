#include "transport/recording/link_recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "transport/recording/recording.h"

namespace hawser {

// One direction of one link. After a failure it takes frames and writes none.
class LinkRecorder::File {
 public:
  File(std::string path, uint64_t bytes_max) : path_(std::move(path)), bytes_max_(bytes_max) {
    // Messages are in it: nobody else's business.
    const int fd = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    file_ = fd < 0 ? nullptr : fdopen(fd, "wb");
    if (file_ == nullptr) {
      if (fd >= 0) close(fd);
      GiveUp();
    } else {
      Put(kRecordingMagic);
    }
  }
  ~File() {
    if (file_ != nullptr && std::fclose(std::exchange(file_, nullptr)) != 0) GiveUp();
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void Write(absl::string_view frame) {
    if (file_ == nullptr) return;
    if (bytes_ + kRecordHeadBytes + frame.size() > bytes_max_) {
      Log(absl::StrCat("recording ", path_, " ends: it has ", bytes_, " bytes"));
      std::fclose(std::exchange(file_, nullptr));
      return;
    }
    char head[kRecordHeadBytes];
    EncodeRecordHead(frame.size(), head);
    Put(absl::string_view(head, sizeof(head)));
    Put(frame);
  }

 private:
  void Put(absl::string_view bytes) {
    bytes_ += bytes.size();
    if (file_ == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size()) {
      return;
    }
    GiveUp();
    std::fclose(std::exchange(file_, nullptr));
  }

  void GiveUp() const {
    Log(absl::StrCat("recording ", path_, " is given up: ", std::strerror(errno)));
  }

  const std::string path_;
  const uint64_t bytes_max_;
  std::FILE* file_ = nullptr;
  uint64_t bytes_ = 0;
};

LinkRecorder::LinkRecorder(std::string directory, uint64_t file_bytes_max)
    : directory_(std::move(directory)), file_bytes_max_(file_bytes_max) {}

LinkRecorder::~LinkRecorder() = default;

void LinkRecorder::OnSent(uint64_t link, LinkKind kind, absl::string_view frame) {
  Write(link, kind, "sent", frame, &links_[link].sent);
}

void LinkRecorder::OnReceived(uint64_t link, LinkKind kind, absl::string_view frame) {
  Write(link, kind, "received", frame, &links_[link].received);
}

void LinkRecorder::OnEnd(uint64_t link) { links_.erase(link); }

void LinkRecorder::Write(uint64_t link, LinkKind kind, const char* direction,
                         absl::string_view frame, std::unique_ptr<File>* file) {
  if (*file == nullptr) {
    *file = std::make_unique<File>(
        absl::StrCat(directory_, "/link", link, "-", LinkKindName(kind), ".", direction),
        file_bytes_max_);
  }
  (*file)->Write(frame);
}

}  // namespace hawser
