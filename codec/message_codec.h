#ifndef HAWSER_CODEC_MESSAGE_CODEC_H_
#define HAWSER_CODEC_MESSAGE_CODEC_H_

// Messages to bytes and back: the format of docs/codec_format.md.
//
// Messages are self-delimiting: several stand back to back in one frame, and the frame knows no
// lengths. Encoder and decoder count the messages and keep state in step, so the decoder must
// see exactly the encoder's bytes, in order.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codec/decode_error.h"
#include "codec/message_view.h"
#include "codec/raftpb_wire.h"
#include "codec/record.h"
#include "codec/short_form.h"
#include "codec/slot_table.h"
#include "codec/varint.h"

namespace hawser {

class FlatPayload;

// Bounds of one message, alike at both ends.
struct CodecLimits {
  // The whole encoded message.
  size_t message_bytes_max = size_t{64} << 20;
  // Entries of one message.
  size_t entries_max = 64 * 1024;
  // Groups with a slot; at most kSlotsMax. The encoder keeps to the decoder's too (Reset).
  uint32_t groups_max = 16 * 1024;

  // A decoder with these limits takes the message.
  bool Allow(const MessageView& message) const;
};

// What a lane's codec did, by message type.
struct CodecCounters {
  struct Kind {
    uint64_t predicted = 0;     // Messages in a short form.
    uint64_t missed = 0;        // Messages in a record or whole.
    uint64_t bytes = 0;         // As sent.
    uint64_t raftpb_bytes = 0;  // As raftpb: RaftpbSize of each.
  };
  Kind kinds[kWireTypeCount];
};

// An encoded message as runs of bytes in order, to be gathered without a copy.
//
// Reused from message to message. Valid until the next use of it or of its encoder; the borrowed
// runs point into the message that was encoded. A frame may end between any two runs, and inside
// a borrowed one (the decoder then joins that entry).
class EncodedSegments {
 public:
  struct Segment {
    absl::string_view bytes;
    // Entry or snapshot data in the caller's memory; else the encoder's scratch.
    bool borrowed = false;
  };

  absl::Span<const Segment> segments() const { return segments_; }
  size_t total_bytes() const { return total_bytes_; }

 private:
  friend class MessageEncoder;

  std::vector<Segment> segments_;
  std::string scratch_;
  size_t total_bytes_ = 0;
};

// Turns the messages of one direction and lane of one epoch into bytes.
//
// One for each; Reset() begins a new epoch. It allocates nothing in the steady state. Messages
// must be IsEncodable(): a view from a MessageDecoder, a RaftpbDecoder or ViewOf always is.
//
// Threads: none of its own; one at a time.
class MessageEncoder {
 public:
  explicit MessageEncoder(const CodecLimits& limits = CodecLimits());
  MessageEncoder(const MessageEncoder&) = delete;
  MessageEncoder& operator=(const MessageEncoder&) = delete;

  // A new epoch, to a decoder that keeps at most so many groups.
  void Reset(uint32_t decoder_groups_max = kSlotsMax);

  // An upper bound of Encode's bytes for this message, whatever the state; cheap.
  static size_t SizeBound(const MessageView& message);
  // The same for who knows how long all byte strings of the message are together.
  static size_t SizeBound(const MessageView& message, uint64_t payload_bytes) {
    return kRecordBytesMax + message.entries.size() * kEntryBytesMax +
           message.responses.size() * kVarintBytesMax + payload_bytes;
  }

  // True when a decoder with the same limits takes the message.
  bool WithinLimits(const MessageView& message) const { return limits_.Allow(message); }

  // Writes the message to [out, out + capacity) and returns its bytes; or returns 0, having
  // changed nothing, when it does not fit. It always fits SizeBound(message).
  size_t Encode(uint64_t group, const MessageView& message, char* out, size_t capacity);

  // As Encode, for a message that belongs to the call of this number, which is not 0: the decoder's
  // TakeCall() will say it. It costs nothing when numbers of a group follow one another.
  // REQUIRES: kCallBit in its zero_fields.
  size_t EncodeOfCall(uint64_t group, const MessageView& message, uint64_t call, char* out,
                      size_t capacity);

  // The same bytes as runs that refer to the entries' data, for a message larger than a frame.
  // `call` is 0 but for a message of a call.
  void EncodeSegments(uint64_t group, const MessageView& message, uint64_t call,
                      EncodedSegments* out);

  // As Encode, in the form that needs no state: raftpb bytes. It always fits WholeSizeBound().
  static size_t WholeSizeBound(const MessageView& message);
  size_t EncodeWhole(uint64_t group, const MessageView& message, char* out, size_t capacity);

  // Brings what Encode needs of `group` into the cache: for who knows the next messages' groups
  // while it encodes another's.
  void Prefetch(uint64_t group) const { index_.Prefetch(group); }

  const CodecCounters& counters() const { return counters_; }

 private:
  // Of a record, without entries and what is sized: tag, slot, length, check, group, and each field
  // or length of the head at its longest.
  static constexpr size_t kRecordBytesMax =
      1 + kSlotBytes + kVarintBytesMax + 4 + kVarintBytesMax + 3 + 19 * kVarintBytesMax + 4;
  static constexpr size_t kEntryBytesMax = 2 + 4 * kVarintBytesMax;

  // The slot a message will use, or none.
  struct Target {
    SlotState* state = nullptr;
    uint32_t slot = 0;
    bool named = false;  // GROUP: it is not the current one.
    bool none = false;   // It takes none, and opens none.
  };

  template <bool kNamed, bool kWideForm, bool kExtraForm>
  size_t FinishOne(SlotState* slot, uint32_t number, const MessageView& message, uint64_t delta,
                   char* out);
  template <bool kNamed, bool kWideForm>
  size_t EncodeOne(SlotState* slot, uint32_t number, const MessageView& message, char* out,
                   size_t capacity);
  size_t EncodeOneNamed(uint64_t group, const MessageView& message, char* out, size_t capacity);
  size_t CountAndCopy(SlotState* slot, const MessageView& message, char* data, size_t bytes);
  size_t EncodeOneWide(const MessageView& message, char* out, size_t capacity);
  size_t EncodeAny(uint64_t group, const MessageView& message, char* out, size_t capacity);
  Target TargetOf(uint64_t group, MessageType type);
  bool PredictsCall(const Target& target, uint64_t call) const;
  bool Opens(const Target& target) const {
    return target.state == nullptr && !target.none && slots_.size() < groups_max_;
  }
  bool TakesSlot(const Target& target) const { return target.state != nullptr || Opens(target); }
  size_t EncodeRecord(uint64_t group, const MessageView& message, uint64_t call,
                      const Target& target, char* out, size_t capacity);
  size_t WriteShortHead(const ShortPlan& plan, const Target& target, const MessageView& message,
                        char* out);
  // Builds tag, check and head in head_; the payload follows it.
  void BuildRecord(uint64_t group, const MessageView& message, uint64_t call, const Target& target);
  void Advance(uint64_t group, const MessageView& message, const Target& target);
  void CountMissed(const MessageView& message, size_t bytes);
  // Before the slot is brought up to date.
  static uint64_t RaftpbSizeOf(const MessageView& message, const ShortPlan& plan,
                               const Target& target);
  void AdvanceShort(const MessageView& message, const Target& target, size_t bytes,
                    uint64_t raftpb_bytes);

  const CodecLimits limits_;
  uint32_t groups_max_;  // Of this epoch.
  uint64_t messages_ = 0;
  SlotState* current_ = nullptr;
  uint32_t current_slot_ = 0;
  SlotTable slots_;
  GroupIndex index_;
  absl::flat_hash_map<uint32_t, uint64_t> last_calls_;  // by slot
  std::string head_;
  CodecCounters counters_;
};

struct DecodedMessage {
  uint64_t group = 0;
  // Its arrays are the decoder's, valid until its next use; the bytes lie in the input (or in
  // joined blocks) and live as long as those.
  MessageView message;
  // How many bytes of the input the message took.
  size_t bytes = 0;
};

// Gives memory for parts of a message that lie in several buffers and must be read as one.
class PieceJoiner {
 public:
  virtual ~PieceJoiner() = default;

  // A block that lives as long as the message's views, or nullptr to refuse. `bytes` is never
  // more than the pieces hold.
  virtual char* Join(size_t bytes) = 0;
};

// Turns the bytes of one direction and lane of one epoch back into messages.
//
// One for each; Reset() begins a new epoch. Any bytes are safe. After any error but kNone its
// state has no meaning: close the stream, Reset() for the next epoch. It allocates nothing in
// the steady state, and never more than the limits allow.
//
// Threads: none of its own; one at a time.
class MessageDecoder {
 public:
  explicit MessageDecoder(const CodecLimits& limits = CodecLimits());
  MessageDecoder(const MessageDecoder&) = delete;
  MessageDecoder& operator=(const MessageDecoder&) = delete;

  void Reset();

  // Decodes the message at the start of `bytes`.
  DecodeError Decode(absl::string_view bytes, DecodedMessage* out);

  // Decodes the message at the start of `pieces`, taken one after another. What lies within one
  // piece is viewed there; an entry that crosses pieces is joined.
  DecodeError DecodePieces(absl::Span<const absl::string_view> pieces, PieceJoiner* joiner,
                           DecodedMessage* out);

  // The number of the call that the last message belongs to, which it then no longer says itself
  // (kCallBit). To be called once for each message that has the bit, and for no other.
  uint64_t TakeCall(MessageView* message);

  const CodecCounters& counters() const { return counters_; }

 private:
  // What the first bytes say of the message's slot.
  struct Target {
    SlotState* state = nullptr;
    uint32_t slot = 0;
  };

  template <bool kNamed, bool kWideForm, bool kExtraForm>
  DecodeError DecodeOne(uint64_t word, SlotState* state, uint32_t number, absl::string_view bytes,
                        DecodedMessage* out);
  DecodeError DecodeOneNamed(uint64_t word, absl::string_view bytes, DecodedMessage* out);
  DecodeError DecodeOneRare(uint64_t word, absl::string_view bytes, DecodedMessage* out);
  DecodeError CountOne(const MessageView& message, SlotState* slot);
  void PrefetchNext(absl::string_view rest) const;
  DecodeError DecodeAny(absl::string_view bytes, DecodedMessage* out);
  DecodeError DecodeWhole(uint8_t tag, absl::string_view bytes, FlatPayload* payload,
                          DecodedMessage* out);
  template <typename Payload>
  DecodeError DecodeFrom(absl::string_view head, Payload* payload, DecodedMessage* out);
  template <typename Payload>
  DecodeError DecodeShort(uint8_t tag, absl::string_view head, Payload* payload,
                          DecodedMessage* out);
  template <typename Payload>
  DecodeError DecodeAppend(uint8_t tag, uint64_t fields, absl::string_view behind, Payload* payload,
                           const SlotState& state, MessageView* message);
  template <typename Payload>
  DecodeError DecodeControl(uint8_t tag, uint64_t fields, absl::string_view behind,
                            Payload* payload, const SlotState& state, MessageView* message);
  static DecodeError ReadContext(size_t bytes, absl::string_view* behind, MessageView* message);
  template <typename Payload>
  DecodeError DecodeRecord(uint8_t tag, absl::string_view bytes, Payload* payload,
                           DecodedMessage* out);
  template <typename Payload>
  DecodeError PlaceRecord(Payload* payload);
  // Finds a record's slot and head, and checks it.
  DecodeError CheckRecord(uint8_t tag, absl::string_view bytes, Target* target,
                          absl::string_view* head);
  DecodeError FindTarget(uint8_t tag, absl::string_view bytes, Target* target);
  void CountDecoded(const DecodedMessage& decoded, bool predicted, uint64_t raftpb_bytes);
  EntryView* EntriesFor(size_t count);

  const CodecLimits limits_;
  uint64_t messages_ = 0;
  SlotState* current_ = nullptr;
  uint32_t current_slot_ = 0;
  SlotTable slots_;
  absl::flat_hash_map<uint32_t, uint64_t> last_calls_;  // by slot
  RecordScratch record_;
  bool record_has_slot_ = false;
  // The entries of a short form.
  std::unique_ptr<EntryView[]> entries_;
  size_t entries_capacity_ = 0;
  RaftpbDecoder raftpb_;
  // Of the message being decoded; 0: not known.
  uint64_t raftpb_bytes_ = 0;
  CodecCounters counters_;
};

// Who sends for one group after another goes on so: the next one's slot comes into the cache while
// the message before it is delivered.
inline void MessageDecoder::PrefetchNext(absl::string_view rest) const {
  if (rest.size() > kSlotBytes && (static_cast<uint8_t>(rest[0]) & kGroup) != 0) {
    uint16_t slot;
    std::memcpy(&slot, rest.data() + 1, sizeof(slot));
    const uint32_t number = slot & (kSlotsMax - 1);
    if (number < slots_.size()) {
      slots_.Prefetch(number);
    }
  }
}

}  // namespace hawser

#endif  // HAWSER_CODEC_MESSAGE_CODEC_H_
