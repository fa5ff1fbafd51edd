#ifndef HAWSER_TRANSPORT_PEER_H_
#define HAWSER_TRANSPORT_PEER_H_

// One remote member: its queues, its stream, its ledger.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "codec/message_codec.h"
#include "transport/backoff.h"
#include "transport/fragment_joiner.h"
#include "transport/frame.h"
#include "transport/ledger.h"
#include "transport/peer_gate.h"
#include "transport/send_queue.h"
#include "transport/sequence.h"
#include "transport/session.h"
#include "transport/status.h"

namespace hawser {

class Core;

// The ordered conversation with one member, over whichever session is attached.
//
// Made by the Core for each AddPeer, owned by it. It owns the messages in its queues, settles its
// ledger, and dials when nobody else does. Sending is in peer_send.cc, receiving in
// peer_receive.cc, the life of the stream in peer.cc.
// Threads: loop thread only.
// Invariants (CheckInvariants): the ledger balances; ledger.queued is what the queue holds;
// ledger.in_flight is what the lanes in flight hold.
class Peer {
 public:
  Peer(Core* core, PeerGate* gate, std::vector<std::string> addresses);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // --- Sending ---

  void Enqueue(QueuedMessage* message);
  // Sends what lanes, credit and link allow, and what acknowledgement is due.
  void Pump();

  // --- Receiving; CloseReason::kNone or why the session must be closed ---

  CloseReason OnSequenced(const FrameHeader& header, absl::string_view body,
                          absl::string_view frame, ReceiveBuffer* buffer);
  CloseReason OnAck(uint32_t ack);
  CloseReason OnFence(uint32_t epoch, uint32_t sequence, uint32_t fence);
  CloseReason OnStart(uint32_t epoch, uint32_t fence);
  // A control frame names the last sequence number sent: what we received must agree.
  bool SequenceAgrees(uint32_t sequence) const { return sequence == receive_.received(); }
  // What the next frame tells of receiving, and of sending.
  uint32_t TellAck() { return receive_.Tell(); }
  uint32_t sequence_sent() const { return started_ ? send_.sent() : 0; }

  // --- Life ---

  void set_addresses(std::vector<std::string> addresses);
  // `session` becomes the stream: whatever was attached is replaced, the old epoch fenced, and the
  // other end told what was consumed of it.
  void Attach(Session* session);
  // The attached session is over.
  void Detach(CloseReason reason, absl::string_view text);
  // A session that we dialled ended before it was attached.
  void DialFailed(CloseReason reason, absl::string_view text);
  // The other end refused us.
  void Refused(CloseReason reason, absl::string_view text);
  // Timers: dials, expires, gives up an outage.
  void Tick();
  // When Tick has something to do.
  int64_t NextDeadline() const;
  // All that is left is lost for `reason`; `tell`: the handler hears of it.
  void LoseAll(LossReason reason, bool tell);

  NodeId node() const { return gate_->node(); }
  Session* session() const { return session_; }
  // Its stream is attached, and one of the two directions was not started yet.
  bool settling() const { return state_ == PeerState::kSettling; }
  bool quiet() const { return queue_.empty() && ledger_.in_flight.messages == 0; }
  bool dirty = false;  // In the Core's list of those to pump.

  PeerStatus Describe() const;
  void CheckInvariants() const;

 private:
  // What was lost in one outage, until it is told.
  struct Outage {
    std::array<Tally, kLossReasonCount> by_reason;
    absl::flat_hash_map<GroupId, GroupLoss> groups;
    bool open = false;  // An outage is under way and was not told yet.

    void Add(GroupId group, uint64_t bytes, bool snapshot, LossReason reason);
  };

  // peer.cc
  void SetState(PeerState state, CloseReason reason, absl::string_view text);
  void LoseInFlight(LossReason reason);
  void LoseQueued(Lane lane, LossReason reason, int64_t accepted_before_ns);
  void LoseBehindGap();
  void TellOutage();
  void StartSending();
  void MaybeUp();
  void DialNow();
  void ScheduleDial();
  void Forget(QueuedMessage* message);

  // peer_send.cc
  bool LaneOpen(Lane lane) const;
  bool OverPeerLimit(const QueuedMessage& message) const;
  // Gives up messages at the front that the peer would refuse; true when there is one to send.
  bool FrontIsSendable(Lane lane);
  size_t FrameCapacity(Lane lane) const;
  bool SendDataFrame(Lane lane);
  size_t FillFrame(Lane lane, char* frame, size_t capacity, FrameHeader* header);
  bool SendFragment(Lane lane, size_t capacity);
  void Posted(QueuedMessage* message, uint32_t last_sequence);
  void SendSequenced(const FrameHeader& header, FrameBuffer frame, size_t bytes);

  // peer_receive.cc
  CloseReason Acknowledge(uint32_t ack);
  CloseReason OnData(const FrameHeader& header, absl::string_view body, ReceiveBuffer* buffer);
  CloseReason OnFragment(const FrameHeader& header, absl::string_view body);
  CloseReason Deliver(const DecodedMessage& decoded, ReceiveBuffer* buffer);
  CloseReason DeliverWith(const DecodedMessage& decoded, Lease lease);

  Core* const core_;
  PeerGate* const gate_;
  std::vector<std::string> addresses_;

  // Where the conversation stands.
  PeerState state_ = PeerState::kIdle;
  CloseReason reason_ = CloseReason::kNone;
  std::string reason_text_;
  int64_t since_ns_ = 0;
  Session* session_ = nullptr;
  uint64_t remote_incarnation_ = 0;
  uint32_t fence_seen_ = 0;       // The newest of the peer's fences.
  uint32_t fence_sent_ = 0;       // The newest of ours.
  bool started_by_peer_ = false;  // On this session.
  bool discarding_ = false;       // The peer's START was older than our fence.
  bool started_ = false;          // By us, on this session.
  bool writable_due_ = false;
  // Dialling.
  Session* dialling_ = nullptr;
  size_t next_address_ = 0;
  int64_t dial_at_ns_ = 0;
  uint64_t dial_failures_ = 0;
  Backoff backoff_;
  // Without a link.
  int64_t down_since_ns_ = 0;
  Outage outage_;

  // Sending.
  SendQueue queue_;
  std::array<InFlightLane, kLaneCount> in_flight_;
  SendSequence send_;
  std::array<MessageEncoder, kLaneCount> encoders_;  // by lane
  struct Fragments {
    std::string bytes;  // The encoded message; empty when none is under way.
    size_t sent = 0;
    uint16_t next = 0;
  };
  std::array<Fragments, kLaneCount> fragments_;

  // Receiving.
  ReceiveSequence receive_;
  // How far the peer's frames were consumed, over all links: what a FENCE says.
  struct Position {
    uint32_t epoch = 0;
    uint32_t sequence = 0;
  };
  Position consumed_;
  std::array<MessageDecoder, kLaneCount> decoders_;  // by lane
  std::array<FragmentJoiner, kLaneCount> joiners_;

  Ledger ledger_;
  PeerStatus counters_;  // Only its counters are used.
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_PEER_H_
