#ifndef HAWSER_TRANSPORT_TYPES_H_
#define HAWSER_TRANSPORT_TYPES_H_

// The few plain types that every part of the transport speaks of.

#include <cstdint>

namespace hawser {

// A member of the cluster, as Hawser addresses it: one process, one id, never 0. The `from` and
// `to` inside a message are the group's replica ids and need not be node ids.
using NodeId = uint64_t;

// A Raft group. Any number, 0 too; a program with one group uses 0.
using GroupId = uint64_t;

// What carries a stream.
enum class LinkKind : uint8_t { kNone, kGrpc, kRdma, kFake };

const char* LinkKindName(LinkKind kind);

// Messages and the bytes of their payload (entry data, context, snapshot).
struct Tally {
  uint64_t messages = 0;
  uint64_t bytes = 0;

  void Add(uint64_t message_bytes) {
    ++messages;
    bytes += message_bytes;
  }
  void Subtract(uint64_t message_bytes) {
    --messages;
    bytes -= message_bytes;
  }
  void Add(Tally other) {
    messages += other.messages;
    bytes += other.bytes;
  }
  void Subtract(Tally other) {
    messages -= other.messages;
    bytes -= other.bytes;
  }
};

inline Tally operator+(Tally a, Tally b) { return {a.messages + b.messages, a.bytes + b.bytes}; }
inline bool operator==(Tally a, Tally b) { return a.messages == b.messages && a.bytes == b.bytes; }

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_TYPES_H_
