// How a session opens: hello, doubts, ties.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "transport/core.h"
#include "transport/peer.h"
#include "transport/session.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;
// How long a process may take to show that it lives when another one comes with its id.
constexpr int64_t kDoubtNs = 500 * kMs;

}  // namespace

void Session::SetLink(Link* link, bool up) {
  link_ = link;
  link_number_ = core_->NextLink();
  hello_deadline_ns_ = core_->now_ns() + core_->options().hello_timeout_ms * kMs;
  core_->WakeAt(hello_deadline_ns_);
  if (up) SetState(SessionState::kHello);
}

void Session::OnLinkUp() {
  SetState(SessionState::kHello);
  const absl::Status identity = CheckIdentity(link_->identity(), dialled_);
  if (identity.ok()) {
    SendHello();
  } else {
    Close(CloseReason::kUnauthenticated, identity.message());
  }
}

void Session::SendHello() {
  const Options& options = core_->options();
  Hello hello;
  hello.wire_version_min = hello.wire_version_max = kWireVersion;
  hello.features = FeaturesOffered(options);
  hello.features_required = FeaturesRequired(options);
  hello.cluster_id = options.cluster_id;
  hello.node_id = options.node_id;
  hello.to_node_id = node_;
  hello.incarnation = core_->incarnation();
  hello.grpc_addresses = options.advertised_addresses;
  if (hello.grpc_addresses.empty()) hello.grpc_addresses.push_back(core_->listen_address());
  hello.rdma_addresses = core_->rdma_addresses();
  hello.frame_bytes_max = own_frame_bytes_max();
  hello.message_bytes_max = options.message_bytes_max;
  hello.message_entries_max = options.message_entries_max;
  hello.codec_groups_max = options.codec_groups_max;
  hello.calls_max = options.calls_max;
  hello.receive_unit_bytes =
      kind_ == LinkKind::kRdma ? options.rdma_slot_bytes : kGrpcCreditUnitBytes;
  hello.rdma_proof = link_->Proof();
  SendControl(FrameType::kHello, EncodeHello(hello));
  Flush();
}

CloseReason Session::CheckRemote(const FrameHeader& header) {
  CloseReason reason = CheckHello(remote_hello_, core_->options(), dialled_);
  if (reason != CloseReason::kNone) return reason;
  // On RDMA a unit is a slot, which every frame must fit.
  const bool unit_fits = kind_ == LinkKind::kRdma
                             ? remote_hello_.receive_unit_bytes >= remote_hello_.frame_bytes_max
                             : remote_hello_.receive_unit_bytes == kGrpcCreditUnitBytes;
  if (!unit_fits) return CloseReason::kBadHello;
  if (!dialled_by_us()) node_ = remote_hello_.node_id;
  if (header.credit < send_credit_.FirstGrantMin(frame_bytes_max())) return CloseReason::kBadHello;
  if (core_->handler()->IsRemoved(node_)) return CloseReason::kPeerRemoved;
  const Peer* const peer = core_->FindPeer(node_);
  if (peer == nullptr) return core_->AdmitUnknown(remote_hello_);
  return peer->drained() ? CloseReason::kDrained : CloseReason::kNone;
}

void Session::OnHello(const FrameHeader& header, absl::string_view body) {
  CloseReason reason = DecodeHello(body, &remote_hello_);
  if (dialled_by_us()) AgreeOnChecksums();
  if (reason == CloseReason::kNone) {
    const absl::Status identity = CheckIdentity(link_->identity(), remote_hello_.node_id);
    if (!identity.ok()) return Close(CloseReason::kUnauthenticated, identity.message());
    if (!link_->ProofHolds(remote_hello_.rdma_proof)) {
      return Close(CloseReason::kUnauthenticated, "the hello does not prove the ticket");
    }
    reason = CheckRemote(header);
  }
  if (reason != CloseReason::kNone) {
    Close(reason, absl::StrCat("hello of node ", remote_hello_.node_id, " of cluster \"",
                               remote_hello_.cluster_id, "\" to node ", remote_hello_.to_node_id,
                               ", first grant ", header.credit, " units"));
    return;
  }
  send_credit_.Start(header.credit);
  Peer* peer = core_->FindPeer(node_);
  if (!dialled_by_us()) {
    if (peer->IsOtherProcess(remote_hello_.incarnation)) {
      SetState(SessionState::kDoubting);
      doubt_deadline_ns_ = core_->now_ns() + kDoubtNs;
      core_->WakeAt(doubt_deadline_ns_);
      peer->Challenge(this);
    } else {
      AcceptHello();
    }
    return;
  }
  // We dialled and decide; a link that lives already is kept, and so is the process behind it.
  if (peer->HasLink(kind_) || peer->IsOtherProcess(remote_hello_.incarnation)) {
    Close(CloseReason::kTieLost, "another link of the same pair lives");
    return;
  }
  if (WinsTie()) Attach();
}

void Session::DoubtResolved() {
  if (Peer* peer = core_->FindPeer(node_)) peer->ForgetChallenger(this);
  AcceptHello();
}

void Session::AcceptHello() {
  if (!WinsTie()) return;
  SetState(SessionState::kDeciding);
  SendHello();
  AgreeOnChecksums();
}

void Session::AgreeOnChecksums() {
  checksums_ = !link_->has_trailer() &&
               (FeaturesOffered(core_->options()) & remote_hello_.features & kFeatureChecksum) != 0;
}

bool Session::WinsTie() {
  Session* rival = core_->FindRival(this);
  if (rival == nullptr || rival->dialled_by_us() == dialled_by_us()) return true;
  // Of two that come up at once, the one that the lower id dialled lives.
  const bool ours_wins = (core_->options().node_id < node_) !=
                         (core_->planted_bug() == PlantedBug::kTieWrong && dialled_by_us());
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
  attached_ns_ = core_->now_ns();
  peer_->Attach(this);
  if (role.expiring && state_ == SessionState::kAttached) peer_->Renew(this);
}

}  // namespace hawser
