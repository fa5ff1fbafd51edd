#include "tests/sim/sim_message.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/check.h"
#include "codec/message_codec.h"
#include "transport/message_pool.h"

namespace hawser {
namespace {

constexpr size_t kPoolOffsets = size_t{256} * 1024;
constexpr size_t kPieceBytesMax = size_t{1024} * 1024;

// Bytes without a pattern; every piece of a message is a slice of them.
const std::string& Pool() {
  static const auto* const pool = [] {
    auto* bytes = new std::string(kPoolOffsets + kPieceBytesMax, '\0');
    SimRandom random(1);
    for (size_t at = 0; at < bytes->size(); at += sizeof(uint64_t)) {
      const uint64_t next = random.Next();
      std::memcpy(&(*bytes)[at], &next, sizeof(next));
    }
    return bytes;
  }();
  return *pool;
}

// Piece `piece` of message `number`: no two are alike if they are long enough to tell.
absl::string_view Piece(uint64_t number, uint64_t piece, size_t bytes) {
  HAWSER_CHECK(bytes <= kPieceBytesMax);
  const uint64_t offset = MixBits(number * 0x10001 + piece) % kPoolOffsets;
  return absl::string_view(Pool()).substr(offset, bytes);
}

constexpr uint64_t kContextPiece = 1u << 20;
constexpr uint64_t kSnapshotPiece = kContextPiece + 1;
constexpr uint64_t kMetadataPiece = kContextPiece + 2;
constexpr size_t kMetadataBytes = 20;

size_t EntryBytes(const SimMessage& message, uint32_t entry) {
  if (message.equal_entries) return message.entry_bytes;
  return MixBits(message.number ^ (uint64_t{entry} << 40)) % (message.entry_bytes + 1);
}

struct Shape {
  MessageType type;
  uint32_t entries_max;
  uint32_t entry_bytes_max;
};

Shape ShapeOf(SimKind kind, SimRandom* random) {
  switch (kind) {
    case SimKind::kHeartbeat:
    case SimKind::kHeartbeatWithContext:
      return {MessageType::kHeartbeat, 0, 0};
    case SimKind::kHeartbeatResponse:
      return {MessageType::kHeartbeatResp, 0, 0};
    case SimKind::kVote: {
      const MessageType types[] = {MessageType::kVote, MessageType::kVoteResp,
                                   MessageType::kPreVote, MessageType::kPreVoteResp};
      return {types[random->Below(4)], 0, 0};
    }
    case SimKind::kAppendResponse:
      return {MessageType::kAppResp, 0, 0};
    case SimKind::kReadIndex:
      return {random->Percent(50) ? MessageType::kReadIndex : MessageType::kReadIndexResp, 1, 8};
    case SimKind::kOtherUrgent:
      return {MessageType::kTimeoutNow, 0, 0};
    case SimKind::kLongUrgent:
      return {MessageType::kReadIndexResp, 0, 0};
    case SimKind::kAppendEmpty:
      return {MessageType::kApp, 0, 0};
    case SimKind::kAppendSmall:
      return {MessageType::kApp, 4, 100};
    case SimKind::kAppendMedium:
      return {MessageType::kApp, 16, 1000};
    case SimKind::kAppendLarge:
      return {MessageType::kApp, 6, 12000};
    case SimKind::kAppendHuge:
      return {MessageType::kApp, 4, 100000};
    case SimKind::kProposal:
      return {random->Percent(80) ? MessageType::kProp : MessageType::kTransferLeader, 2, 200};
    case SimKind::kSnapshot:
      return {MessageType::kSnap, 0, 0};
  }
  return {MessageType::kApp, 0, 0};
}

bool NumberIsCommit(MessageType type) {
  return type == MessageType::kApp || type == MessageType::kHeartbeat;
}

}  // namespace

const char* SimKindName(SimKind kind) {
  static const char* const kNames[kSimKindCount] = {
      "heartbeat", "heartbeat+context", "heartbeat-response", "vote",         "append-response",
      "read",      "timeout-now",       "long-urgent",        "append-empty", "append-small",
      "append",    "append-large",      "append-huge",        "proposal",     "snapshot"};
  return kNames[static_cast<int>(kind)];
}

uint64_t NumberIn(const MessageView& message) {
  return NumberIsCommit(message.type) ? message.commit : message.index;
}

MessageView ViewOf(const SimMessage& message, bool own, SimViewRoom* room) {
  const char* at = own ? message.block.get() : nullptr;
  // Where the piece lies: one after the other in the block, or anywhere in the pool.
  auto take = [&](uint64_t piece, size_t bytes) {
    if (at == nullptr) return Piece(message.number, piece, bytes);
    const absl::string_view taken(at, bytes);
    at += bytes;
    return taken;
  };
  MessageView view;
  view.type = message.type;
  view.reject = message.reject;
  view.from = message.from_node * 1000 + message.group;
  view.to = message.to_node * 1000 + message.group;
  view.term = message.term;
  view.log_term = message.log_term;
  view.index = message.index;
  view.commit = message.commit;
  room->entries.resize(message.entries);
  for (uint32_t i = 0; i < message.entries; ++i) {
    EntryView& entry = room->entries[i];
    entry = EntryView();
    entry.term = message.term;
    entry.index = message.index + 1 + i;
    entry.type =
        MixBits(message.number + i) % 64 == 0 ? EntryType::kConfChange : EntryType::kNormal;
    const size_t bytes = EntryBytes(message, i);
    if (bytes > 0 || message.number % 2 == 0) entry.data = take(i, bytes);
  }
  view.entries = room->entries;
  if (message.has_context) view.context = take(kContextPiece, message.context_bytes);
  if (message.type == MessageType::kSnap) {
    room->snapshot = SnapshotView();
    room->snapshot.data = take(kSnapshotPiece, message.snapshot_bytes);
    room->snapshot.metadata = take(kMetadataPiece, kMetadataBytes);
    view.snapshot = &room->snapshot;
  }
  return view;
}

void FillBlock(SimMessage* message) {
  // One byte more, so that empty pieces have a place too.
  message->block = std::make_unique<char[]>(message->payload_bytes + 1);
  char* at = message->block.get();
  auto put = [&](uint64_t piece, size_t bytes) {
    Piece(message->number, piece, bytes).copy(at, bytes);
    at += bytes;
  };
  for (uint32_t i = 0; i < message->entries; ++i) put(i, EntryBytes(*message, i));
  if (message->has_context) put(kContextPiece, message->context_bytes);
  if (message->type == MessageType::kSnap) {
    put(kSnapshotPiece, message->snapshot_bytes);
    put(kMetadataPiece, kMetadataBytes);
  }
}

void SimStream::Draw(SimRandom* random, SimMessage* message) {
  if (random->Below(200) == 0) {
    term_ += 1 + random->Below(3);
    log_term_ = term_;
  }
  const Shape shape = ShapeOf(message->kind, random);
  message->type = shape.type;
  message->term = term_;
  message->entries = static_cast<uint32_t>(
      shape.entries_max == 0 ? 0 : random->Between(1, static_cast<int64_t>(shape.entries_max)));
  message->entry_bytes =
      static_cast<uint32_t>(random->Skewed(0, static_cast<int64_t>(shape.entry_bytes_max)));
  message->equal_entries = random->Percent(60);
  if (NumberIsCommit(message->type)) {
    message->commit = message->number;
  } else {
    message->index = message->number;
  }
  if (message->type == MessageType::kApp) {
    if (random->Below(50) == 0) next_index_ -= random->Below(50);
    message->log_term = log_term_;
    message->index = next_index_;
    next_index_ += message->entries;
  }
  if (message->type == MessageType::kVote) message->log_term = log_term_;
  if (message->kind == SimKind::kAppendResponse) message->reject = random->Below(10) == 0;
  message->has_context = message->kind == SimKind::kHeartbeatWithContext ||
                         message->kind == SimKind::kLongUrgent ||
                         (message->kind == SimKind::kHeartbeatResponse && random->Percent(30));
  if (message->has_context) {
    message->context_bytes =
        static_cast<uint32_t>(message->kind == SimKind::kLongUrgent ? random->Between(1100, 3000)
                                                                    : random->Skewed(0, 60));
  }
  if (message->type == MessageType::kSnap) {
    message->snapshot_bytes = static_cast<uint32_t>(random->Skewed(0, 200000));
  }
  SimViewRoom room;
  const MessageView view = ViewOf(*message, /*own=*/false, &room);
  message->lane = LaneOf(message->type, MessageEncoder::SizeBound(view));
  message->payload_bytes = PayloadBytes(view);
}

}  // namespace hawser
