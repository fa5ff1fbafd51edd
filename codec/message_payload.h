#ifndef HAWSER_CODEC_MESSAGE_PAYLOAD_H_
#define HAWSER_CODEC_MESSAGE_PAYLOAD_H_

// Where a message's payload lies: behind its head, or in several buffers. Private to
// message_decoder.cc.

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codec/message_codec.h"

namespace hawser {

// Head and payload in one buffer.
class FlatPayload {
 public:
  explicit FlatPayload(absl::string_view bytes) : end_(bytes.data() + bytes.size()) {}

  // The head ends here.
  void Start(const char* at) { at_ = at; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  // The next `size` bytes. REQUIRES: size <= left().
  bool Take(size_t size, absl::string_view* run) {
    *run = absl::string_view(at_, size);
    at_ += size;
    return true;
  }

  // The next `size` bytes, which lie together. REQUIRES: size <= left().
  const char* Skip(size_t size) {
    at_ += size;
    return at_ - size;
  }

 private:
  const char* at_ = nullptr;
  const char* const end_;
};

// A payload in several buffers; a run that crosses from one to the next is joined.
class PiecePayload {
 public:
  PiecePayload(absl::Span<const absl::string_view> pieces, PieceJoiner* joiner)
      : pieces_(pieces), joiner_(joiner) {
    for (const absl::string_view piece : pieces) {
      left_ += piece.size();
    }
    Skip(0);
  }

  // The head was taken already.
  void Start(const char* at) {}
  size_t left() const { return left_; }

  // The next `size` bytes; false when they have to be joined and the joiner refuses.
  // REQUIRES: size <= left().
  bool Take(size_t size, absl::string_view* run) {
    left_ -= size;
    if (size <= Here().size() - offset_) {
      *run = absl::string_view(Here().data() + offset_, size);
      Skip(size);
      return true;
    }
    char* const block = joiner_->Join(size);
    if (block == nullptr) {
      return false;
    }
    for (size_t done = 0; done < size;) {
      const size_t part = std::min(size - done, Here().size() - offset_);
      std::memcpy(block + done, Here().data() + offset_, part);
      done += part;
      Skip(part);
    }
    *run = absl::string_view(block, size);
    return true;
  }

 private:
  absl::string_view Here() const {
    return piece_ < pieces_.size() ? pieces_[piece_] : absl::string_view("", 0);
  }

  void Skip(size_t size) {
    offset_ += size;
    while (piece_ < pieces_.size() && offset_ >= pieces_[piece_].size()) {
      offset_ -= pieces_[piece_].size();
      ++piece_;
    }
  }

  const absl::Span<const absl::string_view> pieces_;
  PieceJoiner* const joiner_;
  size_t piece_ = 0;
  size_t offset_ = 0;
  size_t left_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_CODEC_MESSAGE_PAYLOAD_H_
