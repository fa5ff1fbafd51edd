#ifndef HAWSER_TRANSPORT_PEER_H_
#define HAWSER_TRANSPORT_PEER_H_

// One remote member: its queues, its stream, its ledger.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "codec/message_codec.h"
#include "transport/call_desk.h"
#include "transport/control.h"
#include "transport/dialler.h"
#include "transport/fragment_joiner.h"
#include "transport/frame.h"
#include "transport/lease_account.h"
#include "transport/ledger.h"
#include "transport/link_selector.h"
#include "transport/outage.h"
#include "transport/peer_gate.h"
#include "transport/planted_bug.h"
#include "transport/receive_stream.h"
#include "transport/send_queue.h"
#include "transport/send_stream.h"
#include "transport/session.h"
#include "transport/status.h"

namespace hawser {

class Core;

// The ordered conversation with one member, over whichever sessions are attached: at most one of
// each kind of link.
//
// Made by the Core for each AddPeer, owned by it. It owns the messages in its queues, settles its
// ledger, and dials when nobody else does. Links come and go in peer_links.cc, the choice between
// them is in peer_select.cc, tickets in peer_tickets.cc, epochs in peer_epochs.cc, drains in
// peer_drain.cc, calls in call_desk.h; sending is in peer_send.cc and peer_gather.cc, receiving in
// peer_receive.cc, the rest in peer.cc.
// Threads: loop thread only.
// Invariants (CheckInvariants): the ledger balances; ledger.queued is what the queue holds;
// ledger.in_flight is what the send stream holds.
class Peer {
 public:
  Peer(Core* core, PeerGate* gate);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // --- Sending ---

  void Enqueue(QueuedMessage* message);
  // Sends what lanes, credit and link allow, and what acknowledgement is due.
  void Pump();

  // --- Receiving; CloseReason::kNone or why `session` must be closed ---

  CloseReason OnSequenced(Session* session, const FrameHeader& header, absl::string_view body,
                          absl::string_view frame, ReceiveBuffer* buffer);
  CloseReason OnAck(Session* session, uint32_t ack);
  CloseReason OnFence(Session* session, uint32_t epoch, uint32_t sequence, uint32_t fence);
  CloseReason OnStart(Session* session, uint32_t epoch, uint32_t fence);
  CloseReason OnSwitch(Session* session, uint32_t next_epoch);
  void OnFenceRequest(uint32_t epoch);
  void OnDrain(Session* session, DrainStep step, uint32_t number);
  // About an RDMA link; `session` is a gRPC one.
  void OnTicketControl(Session* session, const Control& control);
  void OnPong(LinkKind kind, int64_t rtt_ns);

  // --- Links ---

  // Dialled at once, or (`wait`) only if the other end does not come first.
  void set_addresses(std::vector<std::string> addresses, bool wait);
  // Keeps what is sent on `kind`, while there is such a link; kNone: the best there is.
  void Pin(LinkKind kind);
  // `session` becomes the link of its kind: one that was attached is replaced.
  void Attach(Session* session);
  // `session` is to be replaced by a newer link of its kind: one is dialled, and what is sent moves
  // there by a switch.
  void Renew(Session* session);
  // The other end says so.
  void OnRenew(Session* session, bool please_dial);
  // There is a link of this kind, and nothing is to take its place.
  bool HasLink(LinkKind kind) const {
    return session(kind) != nullptr && !session(kind)->role.expiring;
  }
  // Messages may travel on links of this kind.
  bool MayCarry(LinkKind kind) const { return kind == LinkKind::kRdma || !rdma_only_; }
  // An attached session is over.
  void Detach(Session* session, CloseReason reason, absl::string_view text);
  // A session that we dialled ended before it was attached.
  void DialFailed(Session* session, CloseReason reason, absl::string_view text);
  // The other end refused us.
  void Refused(CloseReason reason, absl::string_view text);
  Session* session(LinkKind kind) const { return slots_[SlotOf(kind)].session; }

  // The process with `incarnation` is not the one behind the attached links.
  bool IsOtherProcess(uint64_t incarnation) const;
  // `newcomer` waits until it is known whether the process behind the attached links lives.
  void Challenge(Session* newcomer);
  void ForgetChallenger(const Session* newcomer);
  void ForgetAnyChallenger() { challenger_ = nullptr; }

  // --- Life ---

  // The gate lets nobody in any more: the links close once nothing is left, and none is made.
  void Drain();
  // It does again.
  void Resume();
  bool drained() const { return drain_ == DrainState::kDrained; }
  // Timers: dials, expires, gives up an outage.
  void Tick();
  // When Tick has something to do.
  int64_t NextDeadline() const;
  // All that is left is lost for `reason`; `tell`: the handler hears of it.
  void LoseAll(LossReason reason, bool tell);
  // Leases have gone below their limit: credit goes on. False: not yet.
  bool ReleaseCredit();

  NodeId node() const { return gate_->node(); }
  PeerGate* gate() const { return gate_; }
  CallDesk& calls() { return calls_; }
  // A link is attached, and one of the two directions has not begun.
  bool settling() const { return state_ == PeerState::kSettling; }
  // Since then nothing more went wrong: the newest fence of either end.
  int64_t settling_since_ns() const { return settling_since_ns_; }
  // Nothing waits for the other end.
  bool quiet() const {
    return queue_.empty() && ledger_.in_flight.messages == 0 && calls_.waiting() == 0;
  }
  // A node that is no peer yet: it goes at this time. 0: it stays.
  int64_t provisional_until_ns = 0;
  bool dirty = false;  // In the Core's list of those to pump.

  PeerStatus Describe() const;
  void CheckInvariants() const;

 private:
  // Kinds of links, and the one whose place a newer one has taken.
  static constexpr int kSlots = 3;
  static constexpr int kRetiring = 2;
  static constexpr int kLinkKindsMax = 2;

  // One kind of link.
  struct Slot {
    explicit Slot(const Backoff& backoff) : dialler(backoff) {}

    Session* session = nullptr;  // attached
    Dialler dialler;
    LinkMeasure measure;  // Since the choice asked for it.
    uint64_t measuring_ping = 0;
  };

  // Payload of at least this is sent from where it lies, if the link can: for less, a frame of its
  // own and the bookkeeping take longer than a copy.
  static constexpr size_t kGatherBytesMin = 4096;

  // A frame with a piece of a message: its head and what had to be copied in the link's memory, and
  // runs of the message's own bytes that the link reads where they are.
  struct PieceFrame {
    FrameBuffer memory;
    size_t bytes = 0;  // in `memory`
    size_t codec_bytes = 0;
    size_t pieces_count = 0;  // 0: all was copied
    std::array<GatherPiece, kGatherPiecesMax> pieces;
    Hold done;
  };

  // The frame that a lane could send.
  struct NextFrame {
    bool cut = false;      // It carries a piece of a message.
    size_t bytes_min = 0;  // The first message, or a piece that is worth a frame.
    size_t bytes_max = 0;  // May be less: then there is no room for it.
  };

  static constexpr int SlotOf(LinkKind kind) { return kind == LinkKind::kRdma ? 1 : 0; }
  static constexpr LinkKind KindOf(int slot) {
    return slot == 1 ? LinkKind::kRdma : LinkKind::kGrpc;
  }

  // peer.cc
  void SetState(PeerState state, CloseReason reason, absl::string_view text);
  // A link in use failed, says this end or the other, and there is another one.
  void CountFallback();
  void LoseInFlight(LossReason reason);
  void LoseQueued(Lane lane, LossReason reason, int64_t accepted_before_ns);
  void LoseQueuedMessage(QueuedMessage* message, LossReason reason);
  // Those that `which(message)` names.
  template <typename Which>
  void LoseQueuedIf(Lane lane, Which which, LossReason reason);
  void LoseBehindGap();
  void LoseOlderUrgent(const QueuedMessage& newest);
  void KeepNewestUrgent();
  void TellOutage();
  void TickWithoutLink();
  // It leaves the queue for good; its Hold is released now, or at the end of the turn.
  void Forget(QueuedMessage* message);
  void ForgetLater(QueuedMessage* message);
  void Left(Lane lane, Tally messages);

  // peer_links.cc
  bool attached() const;
  // A link is attached that messages may travel on.
  bool has_way() const {
    return slots_[SlotOf(LinkKind::kRdma)].session != nullptr ||
           (!rdma_only_ && (slots_[SlotOf(LinkKind::kGrpc)].session != nullptr ||
                            slots_[kRetiring].session != nullptr));
  }
  bool both_attached() const {
    return slots_[0].session != nullptr && slots_[1].session != nullptr;
  }
  // Calls that are queued, when there are more than the other end takes.
  void LoseQueuedCalls();
  // Answers that are queued, when nobody waits for them any more. Another process of the node, or
  // one that has us anew, would take them for answers to calls of its own.
  void LoseQueuedAnswers();
  void Retire(Slot* slot);
  void CheckRetired();
  void OfferRdma(const Session* grpc);
  // When a link for `slot` is dialled; never while it has one that stays.
  int64_t DialNs(const Slot& slot) const;
  void DialDue(int slot);
  void OnOtherProcess(const Session* session, uint64_t incarnation);
  void OnLastLinkGone();
  void OnWayLost();

  // peer_select.cc
  Session* Preferred() const {
    return selection_.link == LinkKind::kNone ? nullptr : session(selection_.link);
  }
  LinkReason Obstacle() const;
  bool RdmaInUse() const;
  // Something that the choice of a link depends on has changed.
  void Choose(bool rdma_not_made = false);
  void BeginMeasure();
  void Measure();

  // peer_tickets.cc
  void AskForTicket();
  void NoTicket(absl::string_view text);
  void OnTicketRequest(Session* session, const TicketRequest& request);
  void OnTicket(const Ticket& ticket);

  // peer_epochs.cc
  void SendDue(Session* session);
  void Fence();
  void DropHeld();
  void TryStart();
  void TrySwitch();
  void CheckSwitchDone();
  void Acknowledged(const InFlightMessage& message);
  void MaybeUp();
  void CloseFenced(const Session* survivor);
  void CheckSwitchDeadline();
  bool send_switch_wanted() const {
    Session* const preferred = Preferred();
    return !send_.closed() && preferred != nullptr && preferred != sending();
  }

  // peer_drain.cc
  // Of what was accepted, also of what other threads hand over.
  bool NothingLeft() const;
  void AskToDrain();
  bool SendDrain(Session* session);
  // Whether the other end drains.
  void CheckAsked();
  void CheckDrain();

  // peer_send.cc
  // `switching`: send_switch_wanted().
  bool LaneOpen(Lane lane, bool switching) const;
  // The bytes of a frame of `lane` that may become unacknowledged now.
  size_t LaneRoom(Lane lane) const;
  // REQUIRES: a message at the front.
  NextFrame NextFrameOf(Lane lane) const;
  bool OverPeerLimit(const QueuedMessage& message) const;
  // Gives up messages at the front that the peer would refuse; true when there is one to send.
  bool FrontIsSendable(Lane lane);
  size_t FrameCapacity(Lane lane, const NextFrame& next, size_t write_bytes_left) const;
  bool PumpLanes();
  bool PumpAck(Session* session);
  int64_t AckWakeNs(Session* session) const;
  // The peer takes the codec's short forms.
  bool Predicts() const { return (sending()->remote_hello().features & kFeaturePredicted) != 0; }
  // A frame of about `write_bytes_left` at most, if the first message is not larger.
  bool SendDataFrame(Lane lane, const NextFrame& next, size_t write_bytes_left);
  size_t FillFrame(Lane lane, char* frame, size_t capacity, FrameHeader* header);
  // These, linked by `next`, were taken out of the queue and are on their way: the accounts follow,
  // and their Holds are released.
  void Posted(Lane lane, Tally tally, QueuedMessage* messages);
  // The front of `lane` is on its way, all of it by the frame `last_sequence`.
  void PostFront(Lane lane, uint32_t last_sequence);
  void CountSequenced(const FrameHeader& header, size_t whole);
  void SendSequenced(const FrameHeader& header, FrameBuffer frame, size_t bytes);
  Session* sending() const { return send_.current().session; }

  // peer_gather.cc
  bool GoesByItself(const QueuedMessage& message) const {
    return message.payload_bytes >= kGatherBytesMin && LiesWhereTheLinkReads(message);
  }
  bool LiesWhereTheLinkReads(const QueuedMessage& message) const;
  // Where the next `bytes` of the message under way can be read; false: they are to be copied.
  bool FindPieces(const QueuedMessage& message, size_t bytes, PieceFrame* frame) const;
  // The next `piece` bytes of the message under way, behind a head of `head` bytes.
  PieceFrame MakePieceFrame(QueuedMessage* message, size_t head, size_t piece);
  void SendPieceFrame(const FrameHeader& header, const PieceFrame& frame);
  void SendByItself(QueuedMessage* message);
  void BeginFragments(const QueuedMessage& message, SendStream::Fragments* fragments);
  bool SendFragment(Lane lane, size_t capacity);

  // peer_receive.cc
  // What one link may bring before it is consumed.
  uint64_t WindowBytes() const;
  CloseReason Consume(Session* session, const FrameHeader& header, absl::string_view body,
                      size_t frame_bytes, ReceiveBuffer* buffer);
  void ConsumeHeld();
  CloseReason OnData(const FrameHeader& header, absl::string_view body, ReceiveBuffer* buffer);
  CloseReason OnFragment(const FrameHeader& header, absl::string_view body);
  CloseReason DeliverBlock(DecodedMessage* decoded, Lane lane, ReceiveBuffer* block);
  CloseReason DeliverCopy(const DecodedMessage& decoded, Lane lane);
  CloseReason Deliver(DecodedMessage* decoded, Lane lane, ReceiveBuffer* buffer);
  // Of a call, or of no type that travels.
  CloseReason DeliverSpecial(DecodedMessage* decoded, Lane lane, ReceiveBuffer* buffer);
  void BeginReceiveEpoch();
  bool HasBug(PlantedBug bug) const;

  Core* const core_;
  PeerGate* const gate_;

  // Where the conversation stands.
  PeerState state_ = PeerState::kIdle;
  CloseReason reason_ = CloseReason::kNone;
  std::string reason_text_;
  int64_t since_ns_ = 0;
  int64_t settling_since_ns_ = 0;
  int64_t down_since_ns_ = 0;  // There is no way since then.
  uint64_t remote_incarnation_ = 0;
  Outage outage_;
  bool outage_told_ = false;  // While there is no way: the rest is told when there is one.
  bool writable_due_ = false;
  uint64_t fallback_at_ = 0;  // counters_.connects then: one link fails once
  bool told_up_ = false;      // The handler knows it as up.

  // The drain by our host, and the other end's.
  DrainState drain_ = DrainState::kNone;
  uint32_t drain_number_ = 0;
  bool drained_there_ = false;     // The other end has nothing left for us either,
  int64_t drain_deadline_ns_ = 0;  // or is not waited for any longer; 0: we are not done.
  bool drain_answer_due_ = false;  // `drain_asked_` waits until we have nothing left.
  uint32_t drain_asked_ = 0;

  // Links.
  std::array<Slot, kSlots> slots_;
  int64_t retired_ns_ = 0;  // Since then nothing goes over slots_[kRetiring]; 0: it is in use.
  int64_t renewal_ns_ = 0;  // When we dial for the expiring gRPC link; 0: the other end does.
  LinkKind pinned_ = LinkKind::kNone;
  bool rdma_only_;  // One of the two ends asks for it.
  LinkSelection selection_;
  Session* challenger_ = nullptr;
  std::array<uint64_t, kSlots> challenge_pings_{};  // 0: none was sent

  // The ticket for an RDMA link.
  TicketRequest asked_;
  bool asking_ = false;    // `asked_` waits for its answer.
  std::string rdma_text_;  // Why there is no RDMA link.

  // Sending.
  SendQueue queue_;
  SendStream send_;
  bool passed_over_ = false;   // A message that did not fit the last write; it begins the next.
  uint32_t fence_seen_ = 0;    // The newest of the peer's fences.
  bool start_due_ = false;     // It is to be answered by a START.
  uint32_t failed_epoch_ = 0;  // Its link has failed, the peer is to fence it; 0: none.
  uint64_t start_ping_ = 0;    // Sent behind START, on the link of the epoch.
  uint64_t switch_ping_ = 0;   // Sent behind SWITCH, on the sealed link.

  // Receiving.
  ReceiveStream receive_;
  uint32_t fence_sent_ = 0;                          // The newest of our fences.
  uint32_t fenced_up_to_ = 0;                        // The newest epoch of the peer that it fences.
  std::array<MessageDecoder, kLaneCount> decoders_;  // by lane
  std::array<FragmentJoiner, kLaneCount> joiners_;   // by lane
  const std::shared_ptr<LeaseAccount> leases_;
  std::vector<char> structs_;  // of the message that is copied out

  CallDesk calls_;
  Ledger ledger_;
  PeerStatus counters_;  // Only its counters are used.
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_PEER_H_
