#ifndef HAWSER_TESTS_CODEC_CODEC_TEST_UTIL_H_
#define HAWSER_TESTS_CODEC_CODEC_TEST_UTIL_H_

// What the tests of the message codec share.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "codec/message_codec.h"
#include "gtest/gtest.h"
#include "tests/codec/message_maker.h"

namespace hawser {

class HeapJoiner : public PieceJoiner {
 public:
  char* Join(size_t bytes) override {
    if (refuse) {
      return nullptr;
    }
    blocks_.emplace_back(new char[bytes]);
    return blocks_.back().get();
  }

  bool refuse = false;

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
};

inline std::string Encoded(uint64_t group, const MessageView& message, MessageEncoder* encoder) {
  std::string out(MessageEncoder::SizeBound(message), '\0');
  out.resize(encoder->Encode(group, message, &out[0], out.size()));
  EXPECT_FALSE(out.empty());
  return out;
}

// A number that a test varies, from three.
inline uint64_t OneOf(MessageMaker* maker, uint64_t a, uint64_t b, uint64_t c) {
  const uint64_t all[] = {a, b, c};
  return all[maker->Below(3)];
}

// Both ends of a lane.
struct CodecPair {
  explicit CodecPair(const CodecLimits& limits = CodecLimits())
      : encoder(limits), decoder(limits) {}

  // Sends a message and expects it to arrive as it was.
  bool RoundTrip(uint64_t group, const MessageView& message) {
    const std::string bytes = Encoded(group, message, &encoder);
    // On the heap without a byte to spare, so that AddressSanitizer sees a read past the end.
    const std::unique_ptr<char[]> exact(new char[bytes.size()]);
    bytes.copy(exact.get(), bytes.size());
    DecodedMessage decoded;
    const DecodeError error = decoder.Decode({exact.get(), bytes.size()}, &decoded);
    EXPECT_STREQ(DecodeErrorName(error), "none");
    return error == DecodeError::kNone && decoded.group == group && decoded.message == message &&
           decoded.bytes == bytes.size();
  }

  MessageEncoder encoder;
  MessageDecoder decoder;
};

inline size_t PayloadBytes(const MessageView& message) {
  size_t bytes = message.snapshot == nullptr ? 0 : message.snapshot->data.size();
  for (const EntryView& entry : message.entries) {
    bytes += entry.data.size();
  }
  return bytes;
}

inline int BitsThatDiffer(absl::string_view a, absl::string_view b) {
  int bits = 0;
  for (size_t at = 0; at < a.size() && at < b.size(); ++at) {
    bits += __builtin_popcount(static_cast<uint8_t>(a[at] ^ b[at]));
  }
  return bits;
}

// True when the two are the same but for one bit of entry or snapshot data.
inline bool DiffersInOneBit(MessageView a, MessageView b) {
  int bits = 0;
  if (a.entries.size() != b.entries.size() || (a.snapshot == nullptr) != (b.snapshot == nullptr)) {
    return false;
  }
  for (size_t at = 0; at < a.entries.size(); ++at) {
    EntryView mine = a.entries[at];
    bits += BitsThatDiffer(mine.data, b.entries[at].data);
    if (mine.data.size() != b.entries[at].data.size()) {
      return false;
    }
    mine.data = b.entries[at].data;
    if (!(mine == b.entries[at])) {
      return false;
    }
  }
  if (a.snapshot != nullptr) {
    bits += BitsThatDiffer(a.snapshot->data, b.snapshot->data);
  }
  a.entries = b.entries = {};
  a.snapshot = b.snapshot = nullptr;
  return bits == 1 && a == b;
}

}  // namespace hawser

#endif  // HAWSER_TESTS_CODEC_CODEC_TEST_UTIL_H_
