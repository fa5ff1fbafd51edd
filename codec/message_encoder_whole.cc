#include <cstring>

#include "base/check.h"
#include "codec/message_check.h"
#include "codec/message_codec.h"
#include "codec/varint.h"

namespace hawser {
namespace {

constexpr size_t kCheckBytes = 4;
constexpr size_t kWholeHeadBytesMax = 1 + 2 * kVarintBytesMax + kCheckBytes;

}  // namespace

size_t MessageEncoder::WholeSizeBound(const MessageView& message) {
  return kWholeHeadBytesMax + RaftpbSize(message);
}

size_t MessageEncoder::EncodeWhole(uint64_t group, const MessageView& message, char* out,
                                   size_t capacity) {
  const size_t raftpb_bytes = RaftpbSize(message);
  const bool named = group != (current_ == nullptr ? 0 : current_->group);
  const size_t total =
      1 + (named ? VarintSize(group) : 0) + VarintSize(raftpb_bytes) + kCheckBytes + raftpb_bytes;
  if (total > capacity) {
    return 0;
  }
  char* at = out;
  *at++ = static_cast<char>(SealTag(named ? kGroup : 0));
  if (named) {
    at = WriteVarint(group, at);
  }
  at = WriteVarint(raftpb_bytes, at);
  char* const raftpb = at + kCheckBytes;
  HAWSER_CHECK(WriteRaftpb(message, raftpb) == out + total);
  const uint32_t check =
      MessageCheck(messages_, {out, static_cast<size_t>(at - out)}, {raftpb, raftpb_bytes});
  std::memcpy(at, &check, sizeof(check));
  ++messages_;
  CodecCounters::Kind& kind = counters_.kinds[static_cast<size_t>(message.type)];
  ++kind.missed;
  kind.bytes += total;
  kind.raftpb_bytes += raftpb_bytes;
  return total;
}

}  // namespace hawser
