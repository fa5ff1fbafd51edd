#ifndef HAWSER_CODEC_RAFTPB_WIRE_H_
#define HAWSER_CODEC_RAFTPB_WIRE_H_

// raftpb messages as protobuf bytes, read and written over views without a protobuf library.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "codec/decode_error.h"
#include "codec/message_view.h"

namespace hawser {

// The exact number of bytes of a message or entry, in the order and with the presence that a
// protobuf library would give them: by field number, unknown fields last.
size_t RaftpbSize(const MessageView& message);
size_t RaftpbSize(const EntryView& entry);

// Writes exactly RaftpbSize() bytes and returns what follows them.
char* WriteRaftpb(const MessageView& message, char* out);
char* WriteRaftpb(const EntryView& entry, char* out);

// True when the bytes can be read back to the same message: every unknown field is whole and
// unknown, every zero_fields bit stands at a zero, types are among those named. A program that
// fills in a MessageView by itself can ask; views from a decoder are always so.
bool IsEncodable(const MessageView& message);

// The same for all that the message codec carries: what belongs to calls may be there.
bool IsOnTheWire(const MessageView& message);

// Bounds for bytes from outside.
struct RaftpbLimits {
  // Of one message; nested responses are bounded by the same number.
  size_t entries_max = 64 * 1024;
};

// Reads raftpb messages as views over the input.
//
// One per stream; it owns the array of entries and the few joined bytes, reused by every Decode:
// no allocation in the steady state. What Decode gives is valid until the next Decode and while
// the input lives. As a protobuf library does: of a scalar that comes twice the last counts,
// snapshots that come twice are merged, unknown fields are kept in their order, and an
// enumeration value that raftpb does not name is an unknown field. Snapshot metadata and nested
// responses stay bytes and are not looked into. Unlike it: a varint of more than 64 bits is
// refused, and unknown groups nest at most 64 deep.
//
// Threads: none of its own; one at a time.
class RaftpbDecoder {
 public:
  explicit RaftpbDecoder(const RaftpbLimits& limits = RaftpbLimits()) : limits_(limits) {}
  RaftpbDecoder(const RaftpbDecoder&) = delete;
  RaftpbDecoder& operator=(const RaftpbDecoder&) = delete;

  // kNone, kBadRaftpb or kTooManyEntries; `message` is meaningful only with kNone.
  DecodeError Decode(absl::string_view bytes, MessageView* message);

  // One entry; its views are valid until the next Decode or ResetEntries.
  DecodeError DecodeEntry(absl::string_view bytes, EntryView* entry);
  // Begins a new series of DecodeEntry calls over inputs of at most `bytes` bytes in total.
  void ResetEntries(size_t bytes);

 private:
  struct Runs;

  DecodeError AddEntry(absl::string_view bytes);
  DecodeError AddSnapshot(absl::string_view bytes, Runs* metadata, Runs* unknown);

  const RaftpbLimits limits_;
  std::vector<EntryView> entries_;
  std::vector<absl::string_view> responses_;
  SnapshotView snapshot_;
  // Where bytes that stand scattered in the input are joined; rarely used.
  size_t joined_bytes_max_ = 0;
  std::string entry_unknown_;
  std::string message_unknown_;
  std::string snapshot_unknown_;
  std::string snapshot_metadata_;
};

}  // namespace hawser

#endif  // HAWSER_CODEC_RAFTPB_WIRE_H_
