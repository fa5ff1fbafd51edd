#ifndef HAWSER_TESTS_TOOLS_STREAMDUMP_RECORDING_MAKER_H_
#define HAWSER_TESTS_TOOLS_STREAMDUMP_RECORDING_MAKER_H_

// Recordings of one direction of a link, with all that may stand in one.

#include <array>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/strings/string_view.h"
#include "codec/message_codec.h"
#include "tests/codec/message_maker.h"
#include "tools/streamdump/message_line.h"
#include "transport/frame.h"
#include "transport/lane.h"

namespace hawser {

// Puts a recording together frame by frame, and keeps the messages in the order in which they are
// complete. The same seed gives the same recording.
class RecordingMaker {
 public:
  RecordingMaker(uint64_t seed, bool checksums);

  // HELLO, FENCE, START, messages whole, in pieces, between pieces, of several groups and lanes,
  // pings, a half message and another epoch, SWITCH, GOAWAY.
  void MakeAll();

  void Open();
  void StartEpoch();
  // `count` messages of a lane in one frame.
  void Data(Lane lane, int count);
  // One message as frames of one piece each; between them one of URGENT. `last`: to its end.
  void Pieces(bool last);
  void Control(FrameType type, absl::string_view body);

  const std::string& file() const { return file_; }
  const std::deque<ParsedLine>& messages() const { return messages_; }
  // True for a byte of the file that is entry or snapshot data.
  bool IsPayload(size_t at) const { return payload_[at] != 0; }

 private:
  // Encoded messages, and for each byte whether it is entry or snapshot data.
  struct Bytes {
    std::string bytes;
    std::string payload;
  };

  void Frame(FrameHeader header, const Bytes& body);
  Bytes Encode(Lane lane, uint64_t group, const MessageView& message);
  MessageView Small(Lane lane, uint64_t group);
  void Keep(uint64_t group, const MessageView& message);

  const bool checksums_;
  MessageMaker maker_;
  std::array<MessageEncoder, kLaneCount> encoders_;
  std::string file_;
  std::string payload_;
  std::deque<ParsedLine> messages_;
  uint32_t seed_ = 0;
  uint32_t sequence_ = 0;
  uint32_t epoch_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_TOOLS_STREAMDUMP_RECORDING_MAKER_H_
