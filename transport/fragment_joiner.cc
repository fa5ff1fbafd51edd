#include "transport/fragment_joiner.h"

#include <cstring>

#include "base/check.h"
#include "base/little_endian.h"

namespace hawser {

CloseReason FragmentJoiner::Add(const FrameHeader& header, absl::string_view body,
                                size_t message_bytes_max) {
  if (header.first != (block_ == nullptr)) return CloseReason::kBadFrame;
  if (header.first) {
    const uint32_t total = LoadLittle<uint32_t>(body.data());
    body.remove_prefix(sizeof(total));
    if (total > message_bytes_max) return CloseReason::kMessageTooLarge;
    if (total == 0) return CloseReason::kBadFrame;
    block_ = ReceiveBlock::Make(total);
    if (block_ == nullptr) return CloseReason::kResourceExhausted;
    filled_ = 0;
    next_ = 0;
  }
  if (header.count != next_ || body.size() > block_->size() - filled_) {
    return CloseReason::kBadFrame;
  }
  std::memcpy(block_->data() + filled_, body.data(), body.size());
  filled_ += body.size();
  ++next_;
  // The last fragment and the last byte must come together.
  if (header.last != (filled_ == block_->size())) return CloseReason::kBadFrame;
  complete_ = header.last;
  return CloseReason::kNone;
}

ReceiveBuffer* FragmentJoiner::Take(absl::string_view* message) {
  HAWSER_CHECK(complete_);
  ReceiveBlock* block = block_;
  *message = absl::string_view(block->data(), block->size());
  block_ = nullptr;
  complete_ = false;
  return block;
}

void FragmentJoiner::Reset() {
  if (block_ != nullptr) block_->Unref();
  block_ = nullptr;
  complete_ = false;
}

}  // namespace hawser
