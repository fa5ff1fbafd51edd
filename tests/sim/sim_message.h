#ifndef HAWSER_TESTS_SIM_SIM_MESSAGE_H_
#define HAWSER_TESTS_SIM_SIM_MESSAGE_H_

// Messages of a simulation: each is told from all others by a number that travels in it, and every
// byte of it follows from that number.

#include <cstdint>
#include <memory>
#include <vector>

#include "codec/message_view.h"
#include "tests/sim/sim_random.h"
#include "transport/lane.h"
#include "transport/types.h"

namespace hawser {

// What Raft might want to say; a scenario says how often.
enum class SimKind : uint8_t {
  kHeartbeat,
  kHeartbeatWithContext,
  kHeartbeatResponse,
  kVote,
  kAppendResponse,
  kReadIndex,
  kOtherUrgent,
  kLongUrgent,  // An urgent type, too large for the lane.
  kAppendEmpty,
  kAppendSmall,
  kAppendMedium,
  kAppendLarge,
  kAppendHuge,  // Many frames.
  kProposal,
  kSnapshot,
};
inline constexpr int kSimKindCount = 15;
// The payload of the largest.
inline constexpr uint64_t kSimMessageBytesMax = 4 * 100000 + 200000;

const char* SimKindName(SimKind kind);

// One message that a process sent, or tried to: enough to make it again, and what became of it.
struct SimMessage {
  uint64_t number = 0;  // Of all messages of the simulation; rises.
  SimKind kind = SimKind::kHeartbeat;

  // Who sent it to whom.
  uint32_t process = 0;
  uint32_t account = 0;
  NodeId from_node = 0;
  NodeId to_node = 0;
  GroupId group = 0;

  // Its fields.
  MessageType type = MessageType::kApp;
  Lane lane = Lane::kAppend;
  bool reject = false;
  uint64_t term = 0;
  uint64_t log_term = 0;
  uint64_t index = 0;
  uint64_t commit = 0;
  uint32_t entries = 0;
  uint32_t entry_bytes = 0;
  bool equal_entries = true;
  bool has_context = false;
  uint32_t context_bytes = 0;
  uint32_t snapshot_bytes = 0;
  uint64_t payload_bytes = 0;

  // What became of it.
  int64_t sent_ns = 0;
  bool accepted = false;
  bool delivered = false;
  bool with_hold = false;
  bool released = false;
  bool released_twice = false;
  // With a Hold: the sender's own copy, made unreadable by its release.
  std::unique_ptr<char[]> block;
};

// The arrays that a view of a SimMessage points at.
struct SimViewRoom {
  std::vector<EntryView> entries;
  SnapshotView snapshot;
};

// The message as Send takes it and OnMessage should see it. Its bytes lie in a pool of the process,
// or in `message.block` if there is one and `own` is asked for.
MessageView ViewOf(const SimMessage& message, bool own, SimViewRoom* room);

// The number in a message that arrived.
uint64_t NumberIn(const MessageView& message);

// The bytes of the message's own block, copied there.
void FillBlock(SimMessage* message);

// Draws the messages of one sender to one receiver in one group: terms that rise now and then,
// indexes that go on where the last append ended, or jump as after a rejection.
class SimStream {
 public:
  // Fills in the fields of `message`, whose kind and number are set.
  void Draw(SimRandom* random, SimMessage* message);

 private:
  uint64_t term_ = 5;
  uint64_t log_term_ = 5;
  uint64_t next_index_ = 100;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_SIM_MESSAGE_H_
