#include "transport/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/little_endian.h"
#include "base/log.h"
#include "transport/control.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;
// Part of the no-deadlock argument: grants travel on pings when nothing else does.
constexpr int64_t kPingIntervalNs = 100 * kMs;
// What is late may have arrived while we were not looking: one more look decides.
constexpr int64_t kSecondLookNs = 10 * kMs;

AckPolicy AckPolicyOf(const Options& options) {
  return {options.ack_delay_ms * kMs, options.ack_frames_max, options.ack_bytes_max};
}

uint32_t CreditUnitBytes(LinkKind kind) {
  return kind == LinkKind::kRdma ? kRdmaCreditUnitBytes : kGrpcCreditUnitBytes;
}

// What the other end may have on its way.
uint32_t WindowBytes(LinkKind kind, const Options& options) {
  return kind == LinkKind::kRdma
             ? (options.rdma_receive_slots - kRdmaUngrantedSlots) * kRdmaCreditUnitBytes
             : options.receive_window_bytes;
}

// What a refused peer should be told: it sees our stop as the stop of its peer.
CloseReason ReasonForPeer(CloseReason reason) {
  return reason == CloseReason::kLocalStop ? CloseReason::kPeerStop : reason;
}

}  // namespace

Session::Session(Core* core, LinkKind kind, NodeId dialled)
    : core_(core),
      kind_(kind),
      dialled_(dialled),
      node_(dialled),
      send_credit_(CreditUnitBytes(kind)),
      receive_credit_(CreditUnitBytes(kind), WindowBytes(kind, core->options())),
      receive_(AckPolicyOf(core->options())) {}

Session::~Session() {
  if (core_->tap() != nullptr) core_->tap()->OnEnd(link_number_);
}

void Session::SetState(SessionState state) {
  core_->transitions()->Take(Machine::kSession, static_cast<int>(state_), static_cast<int>(state));
  state_ = state;
}

CloseReason Session::Decode(absl::string_view frame, FrameHeader* header,
                            absl::string_view* body) const {
  if (frame.size() > own_frame_bytes_max()) return CloseReason::kFrameTooLarge;
  if (!checksums_) return DecodeFrame(frame, header, body);
  if (state_ == SessionState::kDeciding && !HasTrailer(frame)) {
    // The dialler gave up before it had our HELLO, and knew nothing of trailers.
    const CloseReason reason = DecodeFrame(frame, header, body);
    return reason == CloseReason::kNone && header->type != FrameType::kGoaway
               ? CloseReason::kBadFrame
               : reason;
  }
  return DecodeSealedFrame(receive_seed_, frame, header, body);
}

void Session::OnFrame(ReceiveBuffer* buffer, absl::string_view frame) {
  if (state_ == SessionState::kClosed) return;
  if (LinkTap* tap = core_->tap()) tap->OnReceived(link_number_, link_->kind(), frame);
  FrameHeader header;
  absl::string_view body;
  CloseReason reason = Decode(frame, &header, &body);
  if (reason == CloseReason::kNone) reason = Dispatch(header, body, frame, buffer);
  if (reason == CloseReason::kNone || state_ == SessionState::kClosed) return;
  Close(reason, absl::StrCat("frame of ", frame.size(), " bytes, type ",
                             frame.empty() ? "none" : FrameTypeName(header.type)));
}

CloseReason Session::Dispatch(const FrameHeader& header, absl::string_view body,
                              absl::string_view frame, ReceiveBuffer* buffer) {
  if (state_ == SessionState::kHello || state_ == SessionState::kDoubting) {
    if (header.type == FrameType::kGoaway) {
      OnGoaway(body);
    } else if (header.type == FrameType::kHello && state_ == SessionState::kHello) {
      receive_seed_ = ChecksumSeed(frame);
      OnHello(header, body);
    } else {
      return CloseReason::kBadHello;
    }
    return CloseReason::kNone;
  }
  if (!receive_credit_.OnReceived(frame.size())) return CloseReason::kCreditOverrun;
  const uint32_t left_before = send_credit_.left();
  if (!send_credit_.OnGrant(header.credit)) return CloseReason::kBadAck;
  if (peer_ != nullptr && send_credit_.left() != left_before) core_->MarkDirty(peer_);
  const bool sequenced = IsSequenced(header.type);
  // Control frames are freed before what they cause: a PONG tells its PING's unit too.
  if (!sequenced) receive_credit_.OnFreed(frame.size(), sequenced);
  if (state_ == SessionState::kAttached) return OnAttached(header, body, frame, buffer);
  if (sequenced) return CloseReason::kBadEpoch;
  // The dialler's first word commits the link at both ends.
  if (header.type == FrameType::kFence || header.type == FrameType::kAck) Attach();
  return OnControl(header, body);
}

CloseReason Session::OnAttached(const FrameHeader& header, absl::string_view body,
                                absl::string_view frame, ReceiveBuffer* buffer) {
  const CloseReason reason = peer_->OnAck(this, header.ack);
  if (reason != CloseReason::kNone) return reason;
  if (IsSequenced(header.type)) return peer_->OnSequenced(this, header, body, frame, buffer);
  return header.sequence == receive_.received() ? OnControl(header, body)
                                                : CloseReason::kBadSequence;
}

CloseReason Session::OnControl(const FrameHeader& header, absl::string_view body) {
  switch (header.type) {
    case FrameType::kAck:
      return CloseReason::kNone;
    case FrameType::kPong:
      OnPong(LoadLittle<uint64_t>(body.data()));
      return CloseReason::kNone;
    case FrameType::kPing:
      SendControl(FrameType::kPong, body);
      Flush();
      return CloseReason::kNone;
    case FrameType::kFence:
      return OnFence(body);
    case FrameType::kStart:
      return peer_ == nullptr ? CloseReason::kBadEpoch
                              : peer_->OnStart(this, LoadLittle<uint32_t>(body.data()),
                                               LoadLittle<uint32_t>(body.data() + 4));
    case FrameType::kSwitch:
      return peer_ == nullptr ? CloseReason::kBadEpoch
                              : peer_->OnSwitch(this, LoadLittle<uint32_t>(body.data()));
    case FrameType::kGoaway:
      OnGoaway(body);
      return CloseReason::kNone;
    case FrameType::kControl:
      return OnControlBody(body);
    case FrameType::kBulkOffer:
    case FrameType::kBulkGrant:
    case FrameType::kBulkAck:
      return CloseReason::kNotBuilt;
    case FrameType::kHello:
      return CloseReason::kBadHello;
    case FrameType::kData:
    case FrameType::kFragment:
    case FrameType::kBulkChunk:
      return CloseReason::kBadFrame;
  }
  return CloseReason::kBadFrame;
}

CloseReason Session::OnFence(absl::string_view body) {
  if (peer_ == nullptr) return CloseReason::kBadEpoch;
  return peer_->OnFence(this, LoadLittle<uint32_t>(body.data()),
                        LoadLittle<uint32_t>(body.data() + 4),
                        LoadLittle<uint32_t>(body.data() + 8));
}

CloseReason Session::OnControlBody(absl::string_view body) {
  Control control;
  if (!DecodeControl(body, &control)) return CloseReason::kBadFrame;
  // A kind that this version does not know is ignored (docs/wire_format.md).
  if (control.kind == Control::Kind::kFenceRequest && peer_ != nullptr) {
    peer_->OnFenceRequest(control.epoch);
  } else if (control.kind == Control::Kind::kRenew && peer_ != nullptr) {
    peer_->OnRenew(this, control.please_dial);
  } else if (control.kind == Control::Kind::kDrain && peer_ != nullptr) {
    peer_->OnDrain(this, control.drain_step, control.drain_number);
  } else if (kind_ == LinkKind::kGrpc && peer_ != nullptr) {
    peer_->OnTicketControl(this, control);
  }
  return CloseReason::kNone;
}

uint32_t Session::own_frame_bytes_max() const {
  const Options& options = core_->options();
  return kind_ == LinkKind::kRdma ? options.rdma_slot_bytes : options.grpc_frame_bytes_max;
}

uint32_t Session::frame_bytes_max() const {
  return std::min({own_frame_bytes_max(), remote_hello_.frame_bytes_max, link_->frame_bytes_max()});
}

void Session::SendPing() {
  char body[8];
  StoreLittle<int64_t>(core_->now_ns(), body);
  if (!SendControl(FrameType::kPing, absl::string_view(body, sizeof(body)))) return;
  ++pings_sent_;
  ping_requested_ = false;
  ping_sent_ns_ = core_->now_ns();
  core_->WakeAt(ping_sent_ns_ + core_->options().peer_silent_ms * kMs);
  Flush();
}

uint64_t Session::RequestPing() {
  const uint64_t number = pings_sent_ + 1;
  ping_requested_ = true;
  if (ping_sent_ns_ == 0) SendPing();
  return number;
}

void Session::OnPong(uint64_t opaque) {
  // One that answers no PING of ours is ignored.
  if (ping_sent_ns_ == 0 || opaque != static_cast<uint64_t>(ping_sent_ns_)) return;
  rtt_ns_ = core_->now_ns() - ping_sent_ns_;
  ping_sent_ns_ = 0;
  silent_since_ns_ = 0;
  pings_answered_ = pings_sent_;
  core_->WakeAt(next_ping_ns_);
  if (ping_requested_) SendPing();
  if (peer_ != nullptr) peer_->OnPong(kind_, rtt_ns_);
}

void Session::OnGoaway(absl::string_view body) {
  CloseReason reason = CloseReason::kLinkError;
  std::string text;
  if (!DecodeGoaway(body, &reason, &text)) {
    Close(CloseReason::kBadFrame, "goaway that does not parse");
    return;
  }
  if (IsRefusal(reason)) {
    if (Peer* peer = core_->FindPeer(node_)) peer->Refused(reason, text);
  }
  // The other end is gone: nothing to tell it.
  Link* link = link_;
  link_ = nullptr;
  Close(reason, absl::StrCat("the other end says: ", text));
  link->Close();
}

void Session::OnGarbage(absl::string_view what) { Close(CloseReason::kBadFrame, what); }

void Session::OnLinkWritable() {
  if (peer_ != nullptr) core_->MarkDirty(peer_);
}

void Session::OnLinkExpiring() {
  // One that opens is replaced once it has: the other end may use it already.
  role.expiring = true;
  if (state_ == SessionState::kAttached) peer_->Renew(this);
}

void Session::OnLinkDown(absl::string_view text) {
  link_ = nullptr;
  Close(CloseReason::kLinkError, text);
}

void Session::OnLinkUnauthenticated(absl::string_view text) {
  link_ = nullptr;
  Close(CloseReason::kUnauthenticated, text);
}

void Session::Close(CloseReason reason, absl::string_view text) {
  if (state_ == SessionState::kClosed) return;
  const bool up = state_ != SessionState::kDialling;
  SetState(SessionState::kClosed);
  core_->WakeAt(core_->now_ns());  // to be taken away
  if (link_ != nullptr) {
    if (up) {
      SendControl(FrameType::kGoaway, EncodeGoaway(ReasonForPeer(reason), text));
      Flush();
    }
    link_->Close();
    link_ = nullptr;
  }
  if (Peer* peer = std::exchange(peer_, nullptr)) {
    peer->Detach(this, reason, text);
  } else if (Peer* dialled_peer = dialled_by_us() ? core_->FindPeer(dialled_) : nullptr) {
    dialled_peer->DialFailed(this, reason, text);
  } else {
    if (Peer* doubted = core_->FindPeer(node_)) doubted->ForgetChallenger(this);
    core_->CountRefused(reason);
  }
}

void Session::Tick() {
  const int64_t now_ns = core_->now_ns();
  if (state_ == SessionState::kClosed) return;
  if (state_ == SessionState::kDoubting) {
    if (now_ns >= doubt_deadline_ns_) return DoubtResolved();
    return core_->WakeAt(doubt_deadline_ns_);
  }
  if (state_ == SessionState::kAttached) return TickAttached();
  if (now_ns < hello_deadline_ns_) return core_->WakeAt(hello_deadline_ns_);
  Close(state_ == SessionState::kDialling ? CloseReason::kLinkError : CloseReason::kHelloTimeout,
        absl::StrCat("nothing in ", core_->options().hello_timeout_ms, " ms"));
}

void Session::TickAttached() {
  const int64_t now_ns = core_->now_ns();
  if (peer_->settling() && peer_->MayCarry(kind_)) {
    // Each link has its time, and each fence.
    const int64_t since_ns = std::max(attached_ns_, peer_->settling_since_ns());
    const int64_t deadline_ns = since_ns + core_->options().hello_timeout_ms * kMs;
    if (now_ns >= deadline_ns) {
      return Close(CloseReason::kHelloTimeout,
                   absl::StrCat("not settled in ", core_->options().hello_timeout_ms, " ms"));
    }
    core_->WakeAt(deadline_ns);
  }
  if (ping_sent_ns_ != 0) return CheckSilence();
  if (now_ns >= next_ping_ns_) {
    next_ping_ns_ = now_ns + kPingIntervalNs;
    SendPing();
  }
  core_->WakeAt(next_ping_ns_);
}

void Session::CheckSilence() {
  const int64_t now_ns = core_->now_ns();
  const int64_t deadline_ns = ping_sent_ns_ + core_->options().peer_silent_ms * kMs;
  if (now_ns < deadline_ns) return core_->WakeAt(deadline_ns);
  if (silent_since_ns_ == 0) silent_since_ns_ = now_ns;
  if (now_ns < silent_since_ns_ + kSecondLookNs) {
    return core_->WakeAt(silent_since_ns_ + kSecondLookNs);
  }
  Close(CloseReason::kPeerSilent,
        absl::StrCat("no answer to a ping in ", (now_ns - ping_sent_ns_) / kMs, " ms"));
}

}  // namespace hawser
