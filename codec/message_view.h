#ifndef HAWSER_CODEC_MESSAGE_VIEW_H_
#define HAWSER_CODEC_MESSAGE_VIEW_H_

// A Raft message as plain values and views: what Send takes and the handler sees.

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace hawser {

// The kinds of message, numbered as etcd's raftpb.MessageType. The numbers are on the wire:
// do not renumber. IsLocalOnly() tells those that never travel.
enum class MessageType : uint8_t {
  kHup = 0,
  kBeat = 1,
  kProp = 2,
  kApp = 3,
  kAppResp = 4,
  kVote = 5,
  kVoteResp = 6,
  kSnap = 7,
  kHeartbeat = 8,
  kHeartbeatResp = 9,
  kUnreachable = 10,
  kSnapStatus = 11,
  kCheckQuorum = 12,
  kTransferLeader = 13,
  kTimeoutNow = 14,
  kReadIndex = 15,
  kReadIndexResp = 16,
  kPreVote = 17,
  kPreVoteResp = 18,
  kStorageAppend = 19,
  kStorageAppendResp = 20,
  kStorageApply = 21,
  kStorageApplyResp = 22,
  kForgetLeader = 23,
};

inline constexpr int kMessageTypeCount = 24;

// Hawser's own: a call to an endpoint and its answer (transport/call_message.h). Not in raftpb, and
// not for Send.
inline constexpr MessageType kCallType = static_cast<MessageType>(24);
inline constexpr MessageType kCallAnswerType = static_cast<MessageType>(25);
// All that there are on the wire.
inline constexpr int kWireTypeCount = 26;

// In MessageView::zero_fields: this is one of CallAppend's appends, or the answer to one. Set and
// taken away by the transport.
inline constexpr uint16_t kCallBit = 1 << 15;

// The name in raftpb ("MsgApp"; also "Call", "CallAnswer"), or "unknown".
const char* MessageTypeName(MessageType type);

// True for the types that a Raft node says only to itself (etcd: isLocalMsg). They are refused
// at Send, and a peer that sends one is closed.
constexpr bool IsLocalOnly(MessageType type) {
  constexpr auto bit = [](MessageType local) { return uint32_t{1} << static_cast<int>(local); };
  constexpr uint32_t kLocalOnly =
      bit(MessageType::kHup) | bit(MessageType::kBeat) | bit(MessageType::kUnreachable) |
      bit(MessageType::kSnapStatus) | bit(MessageType::kCheckQuorum) |
      bit(MessageType::kStorageAppend) | bit(MessageType::kStorageAppendResp) |
      bit(MessageType::kStorageApply) | bit(MessageType::kStorageApplyResp);
  return static_cast<int>(type) < kMessageTypeCount && (kLocalOnly & bit(type)) != 0;
}

// What an entry is, numbered as raftpb.EntryType. On the wire: do not renumber. A Raft with more
// kinds of entry carries its own in the data.
enum class EntryType : uint8_t { kNormal = 0, kConfChange = 1, kConfChangeV2 = 2 };

// One log entry.
//
// `data` tells absent (data() == nullptr) from present and empty.
// `zero_fields` has bit n set when raftpb field n (1 type, 2 term, 3 index) is present though
// zero, as etcd's raft up to 3.6 writes them; Raft does not care, exactness does.
struct EntryView {
  uint64_t term = 0;
  uint64_t index = 0;
  EntryType type = EntryType::kNormal;
  uint8_t zero_fields = 0;
  absl::string_view data;
  // Unknown fields as raftpb bytes, or empty.
  absl::string_view unknown_fields;
};

// A snapshot. `metadata` is a serialized raftpb.SnapshotMetadata (or, for a Raft that is not
// etcd's, any bytes: Hawser does not look inside). Both tell absent from empty as EntryView does.
struct SnapshotView {
  absl::string_view data;
  absl::string_view metadata;
  absl::string_view unknown_fields;
};

// One Raft message: every field of raftpb.Message, with views where bytes are meant.
//
// A plain value that owns nothing: what it points at belongs to the caller (on Send, until the
// Hold is released) or to the receive buffers (in OnMessage, as long as the Lease is kept).
// An append is {type, to, from, term, log_term, index, commit, entries}; all else may stay unset.
struct MessageView {
  MessageType type = MessageType::kHup;
  bool reject = false;
  // Bit n set: raftpb field n is present though zero (1 to 6, 8, 10, 11, 13).
  uint16_t zero_fields = 0;
  uint64_t to = 0;
  uint64_t from = 0;
  uint64_t term = 0;
  uint64_t log_term = 0;
  uint64_t index = 0;
  uint64_t commit = 0;
  uint64_t reject_hint = 0;
  uint64_t vote = 0;
  absl::Span<const EntryView> entries;
  // Absent (data() == nullptr) or present, also empty.
  absl::string_view context;
  // nullptr: no snapshot.
  const SnapshotView* snapshot = nullptr;
  // Nested messages, each a serialized raftpb.Message; only between a node's own threads.
  absl::Span<const absl::string_view> responses;
  absl::string_view unknown_fields;
};

// True when the two are the same message, field for field: presence of zeros, absent against
// empty, and unknown fields included.
bool operator==(const EntryView& a, const EntryView& b);
bool operator==(const SnapshotView& a, const SnapshotView& b);
bool operator==(const MessageView& a, const MessageView& b);
inline bool operator!=(const MessageView& a, const MessageView& b) { return !(a == b); }

}  // namespace hawser

#endif  // HAWSER_CODEC_MESSAGE_VIEW_H_
