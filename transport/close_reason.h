#ifndef HAWSER_TRANSPORT_CLOSE_REASON_H_
#define HAWSER_TRANSPORT_CLOSE_REASON_H_

// Why a stream or a link ended.

#include <cstdint>

namespace hawser {

// The numbers are on the wire (GOAWAY): do not renumber. docs/wire_format.md says of each what
// the other end should do.
enum class CloseReason : uint8_t {
  kNone = 0,
  kLocalStop = 1,               // This transport stops.
  kPeerStop = 2,                // The other one does.
  kPeerRemoved = 3,             // The member was removed from the cluster.
  kWrongCluster = 4,            // The cluster ids differ.
  kWrongNode = 5,               // Another member answers at this address.
  kUnknownPeer = 6,             // A node that is not a peer here.
  kOwnId = 7,                   // A node that claims to be us.
  kDuplicateNode = 8,           // A second process with a live peer's id.
  kVersionMismatch = 9,         // No wire version that both speak.
  kBadHello = 10,               // A hello that does not parse or breaks a limit.
  kHelloTimeout = 11,           // No hello in time.
  kBadFrame = 12,               // A frame header or fixed body that makes no sense.
  kBadSequence = 13,            // A gap or a repeat.
  kBadAck = 14,                 // An acknowledgement of what was never sent.
  kBadEpoch = 15,               // An epoch out of order.
  kCreditOverrun = 16,          // The peer sent more than it was granted.
  kFrameTooLarge = 17,          // A frame over frame_bytes_max.
  kMessageTooLarge = 18,        // A message over message_bytes_max.
  kBadMessage = 19,             // Bytes that the codec refuses.
  kLocalOnlyType = 20,          // A message type that never travels.
  kLinkError = 21,              // The network or the other process failed.
  kPeerSilent = 22,             // Nothing heard for too long.
  kReplaced = 23,               // A newer stream of the same incarnation.
  kTieLost = 24,                // Both ends dialled; this stream lost.
  kNotBuilt = 25,               // Asked for a part that this version does not have.
  kResourceExhausted = 26,      // No memory, descriptors or slots.
  kUnauthenticated = 27,        // The identity was not proven.
  kInternal = 28,               // Our own error.
  kLeaseLimit = 29,             // Leases pin what several windows brought.
  kSupersededIncarnation = 30,  // The peer was restarted.
  kDrained = 31,                // By DrainPeer, at either end.
  kCallLimit = 32,              // More calls unanswered than four times calls_max.
};

inline constexpr int kCloseReasonCount = 33;

// The other end refused us: its Raft, or somebody, must change something first.
bool IsRefusal(CloseReason reason);
// Dialling again at once is in vain (docs/wire_format.md, "Closing", "slowly").
bool IsSlow(CloseReason reason);

// The name used in logs, metrics and docs ("bad_frame"); "unknown" for numbers not listed.
const char* CloseReasonName(CloseReason reason);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_CLOSE_REASON_H_
