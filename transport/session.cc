#include "transport/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/little_endian.h"
#include "base/log.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

// Part of the no-deadlock argument: grants travel on pings when nothing else does.
constexpr int64_t kPingIntervalNs = 100 * 1000000;

// What a refused peer should be told: it sees our stop as the stop of its peer.
CloseReason ReasonForPeer(CloseReason reason) {
  return reason == CloseReason::kLocalStop ? CloseReason::kPeerStop : reason;
}

// Units that must be left after a control frame. docs/wire_format.md, "Sequence, ack, credit".
uint32_t CreditLeftBy(FrameType type) {
  switch (type) {
    case FrameType::kAck:
      return kCreditLeftByAck;
    case FrameType::kPing:
      return kCreditLeftByPing;
    case FrameType::kPong:
    case FrameType::kGoaway:
      return kCreditLeftByLastWords;
    default:
      return kCreditLeftByUrgentAndControl;
  }
}

bool IsRefusal(CloseReason reason) {
  switch (reason) {
    case CloseReason::kPeerRemoved:
    case CloseReason::kWrongCluster:
    case CloseReason::kWrongNode:
    case CloseReason::kUnknownPeer:
    case CloseReason::kOwnId:
    case CloseReason::kDuplicateNode:
    case CloseReason::kVersionMismatch:
    case CloseReason::kUnauthenticated:
      return true;
    default:
      return false;
  }
}

}  // namespace

const char* SessionStateName(SessionState state) {
  switch (state) {
    case SessionState::kDialling:
      return "dialling";
    case SessionState::kHello:
      return "hello";
    case SessionState::kDeciding:
      return "deciding";
    case SessionState::kAttached:
      return "attached";
    case SessionState::kClosed:
      return "closed";
  }
  return "unknown";
}

Session::Session(Core* core, NodeId dialled)
    : core_(core),
      dialled_(dialled),
      node_(dialled),
      send_credit_(kGrpcCreditUnitBytes),
      receive_credit_(kGrpcCreditUnitBytes, core->options().receive_window_bytes) {}

void Session::SetState(SessionState state) {
  // Only forwards; an acceptor decides, a dialler attaches straight from kHello.
  HAWSER_CHECK(state > state_);
  state_ = state;
}

void Session::SetLink(Link* link, bool up) {
  link_ = link;
  hello_deadline_ns_ = core_->now_ns() + int64_t{core_->options().hello_timeout_ms} * 1000000;
  core_->WakeAt(hello_deadline_ns_);
  if (up) SetState(SessionState::kHello);
}

void Session::OnLinkUp() {
  SetState(SessionState::kHello);
  SendHello();
}

void Session::SendHello() {
  const Options& options = core_->options();
  Hello hello;
  hello.wire_version_min = hello.wire_version_max = kWireVersion;
  hello.features = kFeaturesOffered;
  hello.features_required = kFeaturesRequired;
  hello.cluster_id = options.cluster_id;
  hello.node_id = options.node_id;
  hello.to_node_id = node_;
  hello.incarnation = core_->incarnation();
  hello.grpc_addresses = options.advertised_addresses;
  if (hello.grpc_addresses.empty()) hello.grpc_addresses.push_back(core_->listen_address());
  hello.frame_bytes_max = options.grpc_frame_bytes_max;
  hello.message_bytes_max = options.message_bytes_max;
  hello.message_entries_max = options.message_entries_max;
  hello.receive_unit_bytes = kGrpcCreditUnitBytes;
  SendControl(FrameType::kHello, EncodeHello(hello));
  Flush();
}

bool Session::SendControl(FrameType type, absl::string_view body) {
  FrameHeader header;
  header.type = type;
  const size_t bytes = kFrameHeaderBytes + body.size();
  // HELLO, and a GOAWAY in its stead, come before any grant and are free.
  if (send_credit_.started() &&
      !send_credit_.MaySpend(send_credit_.UnitsOf(bytes), CreditLeftBy(type))) {
    return false;
  }
  FrameBuffer frame = link_->Allocate(bytes);
  body.copy(frame.data + kFrameHeaderBytes, body.size());
  SendFrame(header, frame, bytes);
  return true;
}

void Session::SendFrame(FrameHeader header, FrameBuffer frame, size_t bytes) {
  if (!IsSequenced(header.type)) header.sequence = peer_ == nullptr ? 0 : peer_->sequence_sent();
  header.ack = peer_ == nullptr ? 0 : peer_->TellAck();
  header.credit = receive_credit_.Grant();
  EncodeFrameHeader(header, frame.data);
  if (header.type != FrameType::kHello) send_credit_.Spend(send_credit_.UnitsOf(bytes));
  link_->Send(frame, bytes);
}

bool Session::MaySend(Lane lane, size_t bytes) const {
  return send_credit_.MaySpend(send_credit_.UnitsOf(bytes), lane == Lane::kUrgent
                                                                ? kCreditLeftByUrgentAndControl
                                                                : kCreditLeftByAppendAndBulk);
}

void Session::OnFrame(ReceiveBuffer* buffer, absl::string_view frame) {
  if (state_ == SessionState::kClosed) return;
  FrameHeader header;
  absl::string_view body;
  CloseReason reason = frame.size() > core_->options().grpc_frame_bytes_max
                           ? CloseReason::kFrameTooLarge
                           : DecodeFrame(frame, &header, &body);
  if (reason == CloseReason::kNone) reason = Dispatch(header, body, frame, buffer);
  if (reason == CloseReason::kNone || state_ == SessionState::kClosed) return;
  Close(reason, absl::StrCat("frame of ", frame.size(), " bytes, type ",
                             frame.empty() ? "none" : FrameTypeName(header.type)));
}

CloseReason Session::Dispatch(const FrameHeader& header, absl::string_view body,
                              absl::string_view frame, ReceiveBuffer* buffer) {
  if (state_ == SessionState::kHello) {
    if (header.type == FrameType::kGoaway) {
      OnGoaway(body);
    } else if (header.type == FrameType::kHello) {
      OnHello(header, body);
    } else {
      return CloseReason::kBadHello;
    }
    return CloseReason::kNone;
  }
  if (!receive_credit_.OnReceived(frame.size())) return CloseReason::kCreditOverrun;
  if (!send_credit_.OnGrant(header.credit)) return CloseReason::kBadAck;
  const bool sequenced = IsSequenced(header.type);
  // Control frames are freed before what they cause: a PONG tells its PING's unit too.
  if (!sequenced) receive_credit_.OnFreed(frame.size(), sequenced);
  if (state_ != SessionState::kAttached) {
    return sequenced ? CloseReason::kBadEpoch : OnControl(header, body);
  }
  CloseReason reason = peer_->OnAck(header.ack);
  if (reason != CloseReason::kNone) return reason;
  if (!sequenced) {
    return peer_->SequenceAgrees(header.sequence) ? OnControl(header, body)
                                                  : CloseReason::kBadSequence;
  }
  reason = peer_->OnSequenced(header, body, frame, buffer);
  receive_credit_.OnFreed(frame.size(), sequenced);
  return reason;
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
                              : peer_->OnStart(LoadLittle<uint32_t>(body.data()),
                                               LoadLittle<uint32_t>(body.data() + 4));
    case FrameType::kGoaway:
      OnGoaway(body);
      return CloseReason::kNone;
    case FrameType::kControl:
      // What this version does not know is ignored (docs/wire_format.md).
      return CloseReason::kNone;
    case FrameType::kSwitch:
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

void Session::OnHello(const FrameHeader& header, absl::string_view body) {
  CloseReason reason = DecodeHello(body, &remote_hello_);
  if (reason == CloseReason::kNone) {
    reason = CheckHello(remote_hello_, core_->options(), dialled_);
  }
  if (reason == CloseReason::kNone && !dialled_by_us()) node_ = remote_hello_.node_id;
  if (reason == CloseReason::kNone && core_->handler()->IsRemoved(node_)) {
    reason = CloseReason::kPeerRemoved;
  }
  if (reason == CloseReason::kNone && core_->FindPeer(node_) == nullptr) {
    reason = CloseReason::kUnknownPeer;
  }
  if (reason != CloseReason::kNone) {
    Close(reason, absl::StrCat("hello of node ", remote_hello_.node_id, " of cluster \"",
                               remote_hello_.cluster_id, "\" to node ", remote_hello_.to_node_id));
    return;
  }
  const uint32_t frame_bytes_max =
      std::min(core_->options().grpc_frame_bytes_max, remote_hello_.frame_bytes_max);
  if (header.credit < send_credit_.FirstGrantMin(frame_bytes_max)) {
    Close(CloseReason::kBadHello, absl::StrCat("a first grant of ", header.credit, " units"));
    return;
  }
  send_credit_.Start(header.credit);
  if (!dialled_by_us()) {
    if (!WinsTie()) return;
    SetState(SessionState::kDeciding);
    SendHello();
    return;
  }
  // We dialled and decide; a stream that lives already is kept.
  if (core_->FindPeer(node_)->session() != nullptr) {
    Close(CloseReason::kTieLost, "another stream of the same pair lives");
    return;
  }
  if (WinsTie()) Attach();
}

bool Session::WinsTie() {
  Session* rival = core_->FindRival(this, node_);
  if (rival == nullptr || rival->dialled_by_us() == dialled_by_us()) return true;
  // Of two that come up at once, the one that the lower id dialled lives.
  const bool ours_wins = core_->options().node_id < node_;
  if (dialled_by_us() == ours_wins) {
    rival->Close(CloseReason::kTieLost, "both ends dialled");
    return true;
  }
  Close(CloseReason::kTieLost, "both ends dialled");
  return false;
}

void Session::Attach() {
  peer_ = core_->FindPeer(node_);
  SetState(SessionState::kAttached);
  peer_->Attach(this);
}

CloseReason Session::OnFence(absl::string_view body) {
  if (state_ == SessionState::kDeciding) Attach();
  return peer_->OnFence(LoadLittle<uint32_t>(body.data()), LoadLittle<uint32_t>(body.data() + 4),
                        LoadLittle<uint32_t>(body.data() + 8));
}

void Session::SendPing() {
  char body[8];
  StoreLittle<int64_t>(core_->now_ns(), body);
  if (!SendControl(FrameType::kPing, absl::string_view(body, sizeof(body)))) return;
  ping_sent_ns_ = core_->now_ns();
  Flush();
}

void Session::OnPong(uint64_t opaque) {
  // One that answers no PING of ours is ignored.
  if (ping_sent_ns_ == 0 || opaque != static_cast<uint64_t>(ping_sent_ns_)) return;
  rtt_ns_ = core_->now_ns() - ping_sent_ns_;
  ping_sent_ns_ = 0;
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

void Session::OnLinkDown(absl::string_view text) {
  link_ = nullptr;
  Close(CloseReason::kLinkError, text);
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
    peer->Detach(reason, text);
  } else if (Peer* dialled_peer = dialled_by_us() ? core_->FindPeer(dialled_) : nullptr) {
    dialled_peer->DialFailed(reason, text);
  } else {
    core_->CountRefused(reason);
  }
}

void Session::Tick() {
  if (state_ == SessionState::kClosed) return;
  const bool opening = state_ != SessionState::kAttached || peer_->settling();
  const bool late = opening && core_->now_ns() >= hello_deadline_ns_;
  if (state_ == SessionState::kAttached && !late) {
    if (core_->now_ns() >= next_ping_ns_) {
      next_ping_ns_ = core_->now_ns() + kPingIntervalNs;
      if (ping_sent_ns_ == 0) SendPing();
    }
    core_->WakeAt(next_ping_ns_);
    return;
  }
  if (late) {
    Close(state_ == SessionState::kDialling ? CloseReason::kLinkError : CloseReason::kHelloTimeout,
          absl::StrCat("nothing in ", core_->options().hello_timeout_ms, " ms"));
  } else {
    core_->WakeAt(hello_deadline_ns_);
  }
}

}  // namespace hawser
