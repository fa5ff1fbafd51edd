// Any bytes as a raftpb message: what is accepted must be written and read back equal.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "codec/raftpb_wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static hawser::RaftpbDecoder* const decoder = new hawser::RaftpbDecoder();
  static hawser::RaftpbDecoder* const second = new hawser::RaftpbDecoder();
  hawser::MessageView message;
  if (decoder->Decode({reinterpret_cast<const char*>(data), size}, &message) !=
      hawser::DecodeError::kNone) {
    return 0;
  }
  HAWSER_CHECK(hawser::IsEncodable(message));
  std::string bytes(hawser::RaftpbSize(message), '\0');
  HAWSER_CHECK(hawser::WriteRaftpb(message, &bytes[0]) == bytes.data() + bytes.size());
  hawser::MessageView back;
  HAWSER_CHECK(second->Decode(bytes, &back) == hawser::DecodeError::kNone);
  HAWSER_CHECK(back == message);
  return 0;
}
