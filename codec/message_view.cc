#include "codec/message_view.h"

#include <algorithm>

namespace hawser {
namespace {

// Indexed by MessageType; the order is the wire's.
constexpr const char* kNames[kWireTypeCount] = {
    "MsgHup",
    "MsgBeat",
    "MsgProp",
    "MsgApp",
    "MsgAppResp",
    "MsgVote",
    "MsgVoteResp",
    "MsgSnap",
    "MsgHeartbeat",
    "MsgHeartbeatResp",
    "MsgUnreachable",
    "MsgSnapStatus",
    "MsgCheckQuorum",
    "MsgTransferLeader",
    "MsgTimeoutNow",
    "MsgReadIndex",
    "MsgReadIndexResp",
    "MsgPreVote",
    "MsgPreVoteResp",
    "MsgStorageAppend",
    "MsgStorageAppendResp",
    "MsgStorageApply",
    "MsgStorageApplyResp",
    "MsgForgetLeader",
    "Call",
    "CallAnswer",
};

bool SameBytes(absl::string_view a, absl::string_view b) {
  return (a.data() == nullptr) == (b.data() == nullptr) && a == b;
}

}  // namespace

const char* MessageTypeName(MessageType type) {
  const int number = static_cast<int>(type);
  return number < kWireTypeCount ? kNames[number] : "unknown";
}

bool operator==(const EntryView& a, const EntryView& b) {
  return a.term == b.term && a.index == b.index && a.type == b.type &&
         a.zero_fields == b.zero_fields && SameBytes(a.data, b.data) &&
         a.unknown_fields == b.unknown_fields;
}

bool operator==(const SnapshotView& a, const SnapshotView& b) {
  return SameBytes(a.data, b.data) && SameBytes(a.metadata, b.metadata) &&
         a.unknown_fields == b.unknown_fields;
}

bool operator==(const MessageView& a, const MessageView& b) {
  const bool same_snapshot = a.snapshot == nullptr || b.snapshot == nullptr
                                 ? a.snapshot == b.snapshot
                                 : *a.snapshot == *b.snapshot;
  return a.type == b.type && a.reject == b.reject && a.zero_fields == b.zero_fields &&
         a.to == b.to && a.from == b.from && a.term == b.term && a.log_term == b.log_term &&
         a.index == b.index && a.commit == b.commit && a.reject_hint == b.reject_hint &&
         a.vote == b.vote && SameBytes(a.context, b.context) && same_snapshot &&
         a.unknown_fields == b.unknown_fields && a.responses == b.responses &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end());
}

}  // namespace hawser
