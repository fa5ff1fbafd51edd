#ifndef HAWSER_TRANSPORT_SESSION_H_
#define HAWSER_TRANSPORT_SESSION_H_

// One link's conversation: hello, credit, control frames.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "transport/credit.h"
#include "transport/frame.h"
#include "transport/hello.h"
#include "transport/link.h"
#include "transport/sequence.h"

namespace hawser {

class Core;
class Peer;

// How far a session got; only forwards. docs/wire_format.md, "Opening a link".
enum class SessionState : uint8_t {
  kDialling,  // The link is being made.
  kHello,     // The link is up; the other end's HELLO has not come.
  kDoubting,  // Acceptor only: another process has this node's id; it is asked whether it lives.
  kDeciding,  // Acceptor only: HELLOs are done; the dialler's first frame commits both ends.
  kAttached,  // It is one of its peer's links.
  kClosed,    // Over; it is taken away at the end of the turn.
};

// Carries frames between one Link and one Peer.
//
// Made by the Core for each link that is dialled or accepted, owned by it. It checks what comes
// (header, credit, sequence), answers pings, and passes on the rest to the Peer once they are
// attached. Opening is in session_open.cc, sending in session_send.cc.
// Threads: loop thread only.
class Session : public LinkEvents {
 public:
  // `dialled` is the node that we dial; 0 when the other end dialled us.
  Session(Core* core, LinkKind kind, NodeId dialled);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The link that the provider made for this session; up already when it was accepted.
  void SetLink(Link* link, bool up);

  // LinkEvents.
  void OnLinkUp() override;
  void OnFrame(ReceiveBuffer* buffer, absl::string_view frame) override;
  void OnGarbage(absl::string_view what) override;
  void OnLinkWritable() override;
  void OnLinkExpiring() override;
  void OnLinkDown(absl::string_view text) override;
  void OnLinkUnauthenticated(absl::string_view text) override;

  // Ends the session for `reason`: tells the other end (GOAWAY) and the peer, if attached.
  void Close(CloseReason reason, absl::string_view text);

  // The hello timeout and pings; the peer's own timers are the peer's.
  void Tick();

  // The old process of this node does not live (any more): the newcomer takes its place.
  void DoubtResolved();

  // --- For the attached peer ---

  // The largest frame that may be sent, trailer included.
  uint32_t frame_bytes_max() const;
  // What stands behind each frame's body. `bytes` and Allocate below are without it.
  size_t trailer_bytes() const { return checksums_ ? kChecksumBytes : 0; }
  // Link and credit allow a sequenced frame of `bytes` in `lane`.
  bool MaySend(Lane lane, size_t bytes) const;
  bool MaySendControl(FrameType type, size_t body_bytes) const;
  bool writable() const { return link_->writable(); }
  FrameBuffer Allocate(size_t bytes) { return link_->Allocate(bytes + trailer_bytes()); }
  // Sends a frame whose body is written; fills in the header's ack and credit, and the trailer.
  void SendFrame(FrameHeader header, FrameBuffer frame, size_t bytes);
  // The same for a frame of which `bytes` bytes are written, that goes on with `pieces`; `done` is
  // released when they are no longer read. REQUIRES: gather_max() pieces at most.
  void SendGathered(FrameHeader header, FrameBuffer frame, size_t bytes,
                    absl::Span<const GatherPiece> pieces, Hold done);
  // How many runs of the host's bytes may follow; 0 also where something looks at each whole frame.
  size_t gather_max() const;
  bool MayGather(GatherPiece* piece) const { return link_->MayGather(piece); }
  // Sends a control frame. False: there is too little credit for one of its kind.
  bool SendControl(FrameType type, absl::string_view body);
  void Flush() { link_->Flush(); }

  SendSequence& send() { return send_; }
  const SendSequence& send() const { return send_; }
  ReceiveSequence& receive() { return receive_; }
  // The memory of a frame that was held is free.
  void Free(size_t frame_bytes) { receive_credit_.OnFreed(frame_bytes, /*sequenced=*/true); }
  void Withhold(size_t frame_bytes) { receive_credit_.Withhold(frame_bytes); }
  void ReleaseWithheld() { receive_credit_.ReleaseWithheld(); }
  bool grant_due() const { return receive_credit_.GrantDue(); }

  // Asks the other end for a sign of life; returns a number for Answered. At once, or when the
  // PING under way is answered.
  uint64_t RequestPing();
  // The PING of that number, or a later one, was answered.
  bool Answered(uint64_t ping) const { return pings_answered_ >= ping; }

  // What the peer keeps of each link.
  struct Role {
    bool started = false;        // The other end has begun an epoch here.
    bool discarding = false;     // It is fenced, or older than our newest fence.
    bool fence_due = false;      // Our newest FENCE is to be sent here.
    uint32_t fence_carried = 0;  // The newest FENCE that was.
    bool fence_request_due = false;
    bool expiring = false;     // A newer link of its kind is to take its place, in order.
    bool renew_due = false;    // The other end is to be told so,
    bool please_dial = false;  // and asked to dial.
    bool drain_due = false;    // How our host's drain stands is to be told.
    bool drain_asked = false;  // The other end drains.

    // Something of this is to be sent.
    bool due() const { return fence_due || fence_request_due || renew_due || drain_due; }
  };
  Role role;

  SessionState state() const { return state_; }
  NodeId node() const { return node_; }
  bool dialled_by_us() const { return dialled_ != 0; }
  const Hello& remote_hello() const { return remote_hello_; }
  LinkKind kind() const { return kind_; }
  int64_t rtt_ns() const { return rtt_ns_; }
  const std::string& remote_address() const { return link_->remote_address(); }
  uint32_t credit_units_left() const { return send_credit_.left(); }
  uint32_t credit_units_withheld() const { return receive_credit_.withheld(); }

 private:
  // session_open.cc
  void SendHello();
  void OnHello(const FrameHeader& header, absl::string_view body);
  // kNone, or why the hello that came is refused.
  CloseReason CheckRemote(const FrameHeader& header);
  void AcceptHello();
  // Both HELLOs are known here: all that follows has a trailer if both offer it.
  void AgreeOnChecksums();
  // Which of two sessions in the hello stage lives; closes the other. True: this one.
  bool WinsTie();
  void Attach();

  // session_send.cc
  // Writes the header of a frame that goes out now.
  void WriteHeader(FrameHeader* header, char* frame);

  // session.cc
  uint32_t own_frame_bytes_max() const;
  void SetState(SessionState state);
  void SendPing();
  void TickAttached();
  void CheckSilence();
  CloseReason Decode(absl::string_view frame, FrameHeader* header, absl::string_view* body) const;
  CloseReason Dispatch(const FrameHeader& header, absl::string_view body, absl::string_view frame,
                       ReceiveBuffer* buffer);
  CloseReason OnControl(const FrameHeader& header, absl::string_view body);
  CloseReason OnAttached(const FrameHeader& header, absl::string_view body, absl::string_view frame,
                         ReceiveBuffer* buffer);
  CloseReason OnFence(absl::string_view body);
  CloseReason OnControlBody(absl::string_view body);
  void OnPong(uint64_t opaque);
  void OnGoaway(absl::string_view body);
  std::string Describe() const;

  Core* const core_;
  const LinkKind kind_;
  const NodeId dialled_;

  Link* link_ = nullptr;
  uint64_t link_number_ = 0;  // For the tap.
  Peer* peer_ = nullptr;      // kAttached only
  SessionState state_ = SessionState::kDialling;
  NodeId node_ = 0;  // The other end, as its HELLO says; the dialled one before.
  Hello remote_hello_;
  bool checksums_ = false;  // Every frame has a trailer from now on.
  // What the checksums of each direction begin with.
  uint32_t send_seed_ = 0;
  uint32_t receive_seed_ = 0;
  SendCredit send_credit_;
  ReceiveCredit receive_credit_;
  SendSequence send_;
  ReceiveSequence receive_;
  int64_t hello_deadline_ns_ = 0;
  int64_t doubt_deadline_ns_ = 0;
  int64_t attached_ns_ = 0;
  // Pings: one at a time.
  int64_t next_ping_ns_ = 0;
  int64_t ping_sent_ns_ = 0;     // 0: no PING waits for its PONG
  int64_t silent_since_ns_ = 0;  // When a PONG was found to be late; 0: it is not
  uint64_t pings_sent_ = 0;
  uint64_t pings_answered_ = 0;  // The number of the last PING that was
  bool ping_requested_ = false;
  int64_t rtt_ns_ = 0;  // the last measured; 0: none yet
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SESSION_H_
