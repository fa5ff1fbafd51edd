#ifndef HAWSER_TRANSPORT_SEND_RESULT_H_
#define HAWSER_TRANSPORT_SEND_RESULT_H_

// The answer of Transport::Send.

#include <cstdint>

namespace hawser {

// What became of a Send. All but kAccepted refuse: nothing was taken, the Hold is not called.
enum class SendResult : uint8_t {
  kAccepted,
  kUnknownPeer,    // Not a peer: never added, removed, this node itself, or 0.
  kNotConnected,   // No link for longer than no_link_append_ms.
  kQueueMessages,  // The lane's queue is full by count; OnWritable tells when it has drained.
  kQueueBytes,     // The same, by bytes.
  kDraining,       // DrainPeer was called, or was at the other end and the stream is not over yet.
  kStopped,        // Stop was called, or Start not yet.
  kLocalOnlyType,  // A type that a node only says to itself, or no type of raftpb at all.
  kTooLarge,       // Over message_bytes_max or message_entries_max.
  kMalformed,      // A view that no raftpb message matches: an entry type or a zero_fields bit.
};

const char* SendResultName(SendResult result);

// Those that say that a peer could not take a message now: they are counted.
inline constexpr int kSendRefusalCount = 4;

constexpr SendResult SendRefusal(int number) {
  return static_cast<SendResult>(static_cast<int>(SendResult::kNotConnected) + number);
}
static_assert(SendRefusal(kSendRefusalCount - 1) == SendResult::kDraining, "in this order");

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SEND_RESULT_H_
