#ifndef HAWSER_TRANSPORT_SEND_STREAM_H_
#define HAWSER_TRANSPORT_SEND_STREAM_H_

// The sending direction of a peer: its epochs, and what is on its way in them.

#include <array>
#include <cstdint>
#include <string>

#include "codec/message_codec.h"
#include "transport/lane.h"
#include "transport/send_queue.h"
#include "transport/transitions.h"

namespace hawser {

class Session;

// Where the sending direction stands. docs/wire_format.md, "Epochs".
enum class SendState : uint8_t {
  kClosed,     // No epoch is open: a FENCE of the peer must come first.
  kOpen,       // One epoch, on one link.
  kSwitching,  // The same, and the epoch before it, sealed on another link, is not settled yet.
};

// Which link carries the frames now, with the codec's state, and the messages not acknowledged.
//
// One per Peer, owned by it. It knows links only as names for who acknowledges what. Pure; loop
// thread only.
// Invariants: a sealed epoch has messages only in kSwitching; sequence numbers of one epoch rise.
class SendStream {
 public:
  // An epoch, its link, and what is on its way in it.
  struct Epoch {
    uint32_t number = 0;  // 0: none yet
    Session* session = nullptr;
    // Numbers of its link: the last one sent in the epoch and the last one acknowledged.
    uint32_t sent = 0;
    uint32_t acked = 0;
    std::array<InFlightLane, kLaneCount> in_flight;  // by lane

    bool empty() const;
  };

  // A message that is cut: where its bytes are, and how far they were sent. Its payload stays where
  // the message has it, so the message stays in its queue until the end.
  struct Fragments {
    EncodedSegments segments;
    std::string whole;  // In their stead, for a peer that takes no short forms.
    size_t left = 0;    // Bytes that were not sent; 0: none is under way.
    uint16_t next = 0;

    // Its `bytes` bytes are in `segments` or in `whole`.
    void Begin(size_t bytes);
    // Moves the next `bytes` to `out`.
    void Take(size_t bytes, char* out);
    void Skip(size_t bytes);
    // Where the next `bytes` are: first `*codec_bytes` of the codec's, then so many runs of the
    // message's own as are returned, in `runs`. 0: they are not like that.
    size_t Runs(size_t bytes, size_t* codec_bytes, absl::Span<absl::string_view> runs) const;
    void End();

   private:
    // All from the next byte on to the end of what lies together.
    absl::string_view Rest() const {
      return (whole.empty() ? segments.segments()[segment_].bytes : absl::string_view(whole))
          .substr(at_);
    }

    size_t segment_ = 0;
    size_t at_ = 0;
  };

  SendStream(const CodecLimits& limits, TransitionCounts* transitions);

  // Begins epoch `number` on `session`, whose last sequence number is `sent`, after a fence:
  // nothing is on its way. The peer keeps the codec's state of `groups_max` groups.
  void Open(uint32_t number, Session* session, uint32_t sent, uint32_t groups_max);
  // Seals the epoch and goes on with `number` on `session`. REQUIRES: MaySwitch().
  void Switch(uint32_t number, Session* session, uint32_t sent, uint32_t groups_max);
  // The sealed epoch is settled.
  void SwitchDone();
  // The link failed, or the peer fenced the epoch. What is on its way stays until it is settled.
  void Fail();

  // No message is half sent, and the last switch is through.
  bool MaySwitch() const { return state_ == SendState::kOpen && !fragmenting(); }
  bool fragmenting() const;

  // `take` gets each message that `session` acknowledges up to `ack`, in order by lane.
  template <typename Take>
  void Acknowledge(Session* session, uint32_t ack, Take take) {
    if (session == sealed_.session) AcknowledgeIn(&sealed_, ack, take);
    if (session == current_.session) AcknowledgeIn(&current_, ack, take);
  }
  // A frame of the current epoch goes out.
  void AddFrame(Lane lane, uint32_t sequence, uint32_t frame_bytes) {
    current_.sent = sequence;
    current_.in_flight[static_cast<int>(lane)].AddFrame(sequence, frame_bytes);
  }
  // Takes the messages of such frames.
  InFlightLane* way(Lane lane) { return &current_.in_flight[static_cast<int>(lane)]; }

  // The peer's FENCE says that of `epoch` all up to `sequence` was consumed, and all before that
  // epoch. `take` gets each message that this acknowledges. False: the position cannot be.
  template <typename Take>
  bool Settle(uint32_t epoch, uint32_t sequence, Take take) {
    Epoch* fenced = epoch == current_.number  ? &current_
                    : epoch == sealed_.number ? &sealed_
                                              : nullptr;
    // An older epoch: of ours nothing was consumed.
    if (fenced == nullptr || epoch == 0) return true;
    if (SequenceAfter(sequence, fenced->sent) || SequenceAfter(fenced->acked, sequence)) {
      return false;
    }
    if (fenced == &current_) AcknowledgeIn(&sealed_, sealed_.sent, take);
    AcknowledgeIn(fenced, sequence, take);
    return true;
  }
  // `take` gets all that is on its way.
  template <typename Take>
  void Drain(Take take) {
    for (Epoch* epoch : {&sealed_, &current_}) {
      for (InFlightLane& lane : epoch->in_flight) lane.Drain(take);
    }
  }

  SendState state() const { return state_; }
  bool closed() const { return state_ == SendState::kClosed; }
  const Epoch& current() const { return current_; }
  const Epoch& sealed() const { return sealed_; }
  MessageEncoder& encoder(Lane lane) { return encoders_[static_cast<int>(lane)]; }
  const CodecCounters& codec_counters(Lane lane) const {
    return encoders_[static_cast<int>(lane)].counters();
  }
  Fragments& fragments(Lane lane) { return fragments_[static_cast<int>(lane)]; }
  const Fragments& fragments(Lane lane) const { return fragments_[static_cast<int>(lane)]; }

  Tally in_flight(Lane lane) const;
  // Frames' bytes of `lane` that the peer has not acknowledged.
  uint64_t unacked_bytes(Lane lane) const;

 private:
  template <typename Take>
  static void AcknowledgeIn(Epoch* epoch, uint32_t ack, Take take) {
    epoch->acked = ack;
    for (InFlightLane& lane : epoch->in_flight) lane.Acknowledge(ack, take);
  }
  void SetState(SendState state);
  void BeginEpoch(uint32_t number, Session* session, uint32_t sent, uint32_t groups_max);

  TransitionCounts* const transitions_;
  SendState state_ = SendState::kClosed;
  Epoch current_;
  Epoch sealed_;
  std::array<MessageEncoder, kLaneCount> encoders_;  // by lane
  std::array<Fragments, kLaneCount> fragments_;      // by lane
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SEND_STREAM_H_
