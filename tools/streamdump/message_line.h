#ifndef HAWSER_TOOLS_STREAMDUMP_MESSAGE_LINE_H_
#define HAWSER_TOOLS_STREAMDUMP_MESSAGE_LINE_H_

// One message as one line of JSON.
//
// Always there: type, from, to, term, logTerm, index, commit, reject, rejectHint,
// context_base64, entries [{type, term, index, data_base64}]; base64 of bytes, null where they
// are absent. Only where they are not empty: vote, zero_fields, unknown_base64, snapshot
// {data_base64, metadata_base64, unknown_base64}, responses_base64, and zero_fields and
// unknown_base64 of entries.

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "codec/message_view.h"

namespace hawser {

// Where a message stands in its stream. What is not known is left out.
struct LinePlace {
  bool known = false;
  uint64_t seq = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
};

// The members that a stream format adds, as JSON ("\"frame\":1"), or empty.
std::string MessageLine(const LinePlace& place, absl::string_view extra,
                        const MessageView& message);

// A line that was read, with what its message points at.
//
// One for many lines; the message is valid until the next Parse.
class ParsedLine {
 public:
  // False when the line is not such a message; error() says why.
  bool Parse(absl::string_view line);

  const std::string& error() const { return error_; }
  const MessageView& message() const { return message_; }
  const LinePlace& place() const { return place_; }
  uint64_t group() const { return group_; }
  // Link heartbeats of etcd's stream that follow the message.
  uint64_t heartbeats_after() const { return heartbeats_after_; }
  // The bytes of a frame that the message alone would not give back, or empty.
  absl::string_view frame_bytes() const { return frame_bytes_; }

  // What a line of one of our recordings says of frames; each empty where it says nothing.
  struct Frames {
    // A line of a frame, not of a message.
    bool alone = false;
    uint64_t pieces = 0;
    std::string lane;
    absl::string_view header;
    absl::string_view trailer;
    absl::string_view message;
    std::vector<absl::string_view> before;
    std::vector<absl::string_view> after;
  };
  const Frames& frames() const { return frames_; }

 private:
  class Reader;

  std::string error_;
  MessageView message_;
  LinePlace place_;
  uint64_t group_ = 0;
  uint64_t heartbeats_after_ = 0;
  absl::string_view frame_bytes_;
  Frames frames_;
  std::deque<std::string> bytes_;
  std::vector<EntryView> entries_;
  std::vector<absl::string_view> responses_;
  SnapshotView snapshot_;
};

}  // namespace hawser

#endif  // HAWSER_TOOLS_STREAMDUMP_MESSAGE_LINE_H_
