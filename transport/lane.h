#ifndef HAWSER_TRANSPORT_LANE_H_
#define HAWSER_TRANSPORT_LANE_H_

// The three lanes of a stream, and which message goes into which.

#include <cstddef>
#include <cstdint>

#include "codec/message_view.h"

namespace hawser {

// Strict priority: URGENT before APPEND before BULK. Within a lane messages of a group keep their
// order; across lanes an urgent one may overtake (docs/wire_format.md says for each pair of types
// why Raft tolerates it). The numbers are on the wire.
enum class Lane : uint8_t { kUrgent = 0, kAppend = 1, kBulk = 2 };

inline constexpr int kLaneCount = 3;

// An urgent type that encodes to more than this travels in APPEND.
inline constexpr size_t kUrgentMessageBytesMax = 1024;

const char* LaneName(Lane lane);

// The lane of each type; local-only types have none and are refused before.
//
//   URGENT  MsgHeartbeat, MsgHeartbeatResp, MsgVote, MsgVoteResp, MsgPreVote, MsgPreVoteResp,
//           MsgAppResp, MsgTimeoutNow, MsgReadIndex, MsgReadIndexResp
//   APPEND  MsgApp (empty and of any size), MsgProp, MsgTransferLeader, MsgForgetLeader
//   BULK    MsgSnap
constexpr Lane LaneOfType(MessageType type) {
  switch (type) {
    case MessageType::kHeartbeat:
    case MessageType::kHeartbeatResp:
    case MessageType::kVote:
    case MessageType::kVoteResp:
    case MessageType::kPreVote:
    case MessageType::kPreVoteResp:
    case MessageType::kAppResp:
    case MessageType::kTimeoutNow:
    case MessageType::kReadIndex:
    case MessageType::kReadIndexResp:
      return Lane::kUrgent;
    case MessageType::kSnap:
      return Lane::kBulk;
    default:
      return Lane::kAppend;
  }
}

// `lane`, or the one that a message meant for it travels in when it encodes to at most
// `encoded_bytes`, and that is too much for it.
constexpr Lane LaneForBytes(Lane lane, size_t encoded_bytes) {
  return lane == Lane::kUrgent && encoded_bytes > kUrgentMessageBytesMax ? Lane::kAppend : lane;
}

// The lane of a message of `type` that encodes to at most `encoded_bytes`.
constexpr Lane LaneOf(MessageType type, size_t encoded_bytes) {
  return LaneForBytes(LaneOfType(type), encoded_bytes);
}

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_LANE_H_
