// Any bytes as a lane of messages. What is accepted must be the same message in one buffer and
// in pieces, and come back equal through another encoder.
//
// Fuzzing builds do not look at the checks (codec/message_check.h).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "codec/message_codec.h"
#include "codec/raftpb_wire.h"

namespace {

class Blocks : public hawser::PieceJoiner {
 public:
  char* Join(size_t bytes) override {
    blocks_.emplace_back(new char[bytes]);
    return blocks_.back().get();
  }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
};

hawser::CodecLimits Limits() {
  hawser::CodecLimits limits;
  limits.message_bytes_max = 1 << 20;
  limits.entries_max = 1000;
  limits.groups_max = 4;
  return limits;
}

// Cuts `bytes` into pieces of 1 to 16 bytes, each in memory of its own.
std::vector<std::string> Cut(absl::string_view bytes, size_t step) {
  std::vector<std::string> pieces;
  for (size_t at = 0; at < bytes.size(); at += step) {
    pieces.emplace_back(bytes.substr(at, step));
  }
  return pieces;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const size_t step = 1 + data[0] % 16;
  absl::string_view left(reinterpret_cast<const char*>(data) + 1, size - 1);
  hawser::MessageDecoder flat(Limits());
  hawser::MessageDecoder pieced(Limits());
  hawser::MessageEncoder encoder(Limits());
  hawser::MessageDecoder again(Limits());
  while (!left.empty()) {
    hawser::DecodedMessage message;
    hawser::DecodedMessage other;
    const hawser::DecodeError error = flat.Decode(left, &message);
    const std::vector<std::string> cut = Cut(left, step);
    const std::vector<absl::string_view> pieces(cut.begin(), cut.end());
    Blocks blocks;
    const hawser::DecodeError pieces_error = pieced.DecodePieces(pieces, &blocks, &other);
    if (error != hawser::DecodeError::kNone) {
      HAWSER_CHECK(pieces_error != hawser::DecodeError::kNone);
      return 0;
    }
    HAWSER_CHECK(pieces_error == hawser::DecodeError::kNone);
    uint64_t call = 0;
    if ((message.message.zero_fields & hawser::kCallBit) != 0) {
      call = flat.TakeCall(&message.message);
      HAWSER_CHECK(pieced.TakeCall(&other.message) == call);
    }
    HAWSER_CHECK(message.message == other.message && message.group == other.group &&
                 message.bytes == other.bytes);
    // A peer may predict a zero where there is none; no encoder of ours would.
    if (hawser::IsEncodable(message.message) && encoder.WithinLimits(message.message)) {
      std::string bytes(hawser::MessageEncoder::SizeBound(message.message), '\0');
      hawser::MessageView view = message.message;
      view.zero_fields |= call != 0 ? hawser::kCallBit : 0;
      bytes.resize(call == 0
                       ? encoder.Encode(message.group, view, &bytes[0], bytes.size())
                       : encoder.EncodeOfCall(message.group, view, call, &bytes[0], bytes.size()));
      HAWSER_CHECK(again.Decode(bytes, &other) == hawser::DecodeError::kNone);
      HAWSER_CHECK(call == 0 || again.TakeCall(&other.message) == call);
      HAWSER_CHECK(message.message == other.message && message.group == other.group);
    }
    left.remove_prefix(message.bytes);
  }
  return 0;
}
