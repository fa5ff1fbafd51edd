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

namespace hawser {

class Core;
class Peer;

// How far a session got; only forwards. docs/wire_format.md, "Opening a link".
enum class SessionState : uint8_t {
  kDialling,  // The link is being made.
  kHello,     // The link is up; the other end's HELLO has not come.
  kDeciding,  // Acceptor only: HELLOs are done; the dialler's FENCE commits both ends.
  kAttached,  // It is its peer's stream.
  kClosed,    // Over; it is taken away at the end of the turn.
};

const char* SessionStateName(SessionState state);

// Carries frames between one Link and one Peer.
//
// Made by the Core for each link that is dialled or accepted, owned by it. It checks what comes
// (header, credit), answers pings, and passes on the rest to the Peer once they are attached.
// Threads: loop thread only.
class Session : public LinkEvents {
 public:
  // `dialled` is the node that we dial; 0 when the other end dialled us.
  Session(Core* core, NodeId dialled);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The link that the provider made for this session; up already when it was accepted.
  void SetLink(Link* link, bool up);

  // LinkEvents.
  void OnLinkUp() override;
  void OnFrame(ReceiveBuffer* buffer, absl::string_view frame) override;
  void OnGarbage(absl::string_view what) override;
  void OnLinkWritable() override;
  void OnLinkDown(absl::string_view text) override;

  // Ends the session for `reason`: tells the other end (GOAWAY) and the peer, if attached.
  void Close(CloseReason reason, absl::string_view text);

  // The hello timeout and pings; the peer's own timers are the peer's.
  void Tick();

  // --- For the attached peer ---

  // Link and credit allow a sequenced frame of `bytes` in `lane`.
  bool MaySend(Lane lane, size_t bytes) const;
  bool writable() const { return link_->writable(); }
  FrameBuffer Allocate(size_t bytes) { return link_->Allocate(bytes); }
  // Sends a frame whose body is written; fills in the header's ack and credit.
  void SendFrame(FrameHeader header, FrameBuffer frame, size_t bytes);
  // Sends a control frame. False: there is too little credit for one of its kind.
  bool SendControl(FrameType type, absl::string_view body);
  void Flush() { link_->Flush(); }
  bool grant_due() const { return receive_credit_.GrantDue(); }

  SessionState state() const { return state_; }
  NodeId node() const { return node_; }
  bool dialled_by_us() const { return dialled_ != 0; }
  const Hello& remote_hello() const { return remote_hello_; }
  LinkKind link_kind() const { return link_ == nullptr ? LinkKind::kNone : link_->kind(); }
  int64_t rtt_ns() const { return rtt_ns_; }
  uint32_t credit_units_left() const { return send_credit_.left(); }

 private:
  void SetState(SessionState state);
  void SendHello();
  void SendPing();
  void OnHello(const FrameHeader& header, absl::string_view body);
  // Which of two sessions in the hello stage lives; closes the other. True: this one.
  bool WinsTie();
  void Attach();
  CloseReason Dispatch(const FrameHeader& header, absl::string_view body, absl::string_view frame,
                       ReceiveBuffer* buffer);
  CloseReason OnControl(const FrameHeader& header, absl::string_view body);
  CloseReason OnFence(absl::string_view body);
  void OnPong(uint64_t opaque);
  void OnGoaway(absl::string_view body);
  std::string Describe() const;

  Core* const core_;
  const NodeId dialled_;

  Link* link_ = nullptr;
  Peer* peer_ = nullptr;  // kAttached only
  SessionState state_ = SessionState::kDialling;
  NodeId node_ = 0;  // The other end, as its HELLO says; the dialled one before.
  Hello remote_hello_;
  SendCredit send_credit_;
  ReceiveCredit receive_credit_;
  int64_t hello_deadline_ns_ = 0;
  int64_t next_ping_ns_ = 0;
  int64_t ping_sent_ns_ = 0;  // 0: no PING waits for its PONG
  int64_t rtt_ns_ = 0;        // the last measured; 0: none yet
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SESSION_H_
