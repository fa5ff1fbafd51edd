// How a link over a queue pair is made and how it ends.

#include "transport/rdma/rdma_link.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace hawser {
namespace {

// Asked for; the device may give less or more.
constexpr uint32_t kInlineBytesWanted = 220;
// A completion for every so many sends; two intervals fit into the ring.
constexpr uint32_t kSignalIntervalMax = 32;
// InfiniBand's code for 640 us: what a sender waits whose receiver has no slot. The connection
// manager leaves it at 655 ms.
constexpr uint8_t kMinRnrTimer = 12;

}  // namespace

void RdmaCounters::Add(const RdmaCounters& other) {
  frames_sent += other.frames_sent;
  frames_received += other.frames_received;
  send_doorbells += other.send_doorbells;
  receive_doorbells += other.receive_doorbells;
  send_completions += other.send_completions;
  inlined += other.inlined;
  gathered += other.gathered;
  backlogged += other.backlogged;
  copied_out += other.copied_out;
  wakes += other.wakes;
}

RdmaLink::RdmaLink(Verbs* verbs, RdmaLinkOwner* owner, const RdmaLinkOptions& options,
                   std::string remote_address, LinkEvents* events)
    : verbs_(verbs),
      owner_(owner),
      options_(options),
      remote_address_(std::move(remote_address)),
      events_(events),
      frame_bytes_max_(options.slot_bytes),
      signal_interval_(std::min(kSignalIntervalMax, options.send_slots / 2)) {
  frame_bytes_.resize(options.send_slots);
  gathered_.resize(options.send_slots);
}

RdmaLink::~RdmaLink() { Release(); }

absl::Status RdmaLink::Open(RdmaDevice* device) {
  device_ = device;
  const SlotMemory::Sizes sizes = {
      options_.slot_bytes, options_.receive_slots + options_.spare_slots, options_.send_slots};
  memory_ = SlotMemory::Make(verbs_, device->pd(), sizes);
  if (memory_ == nullptr) return VerbsError(kRegisterMemory, errno);
  const int requests = static_cast<int>(options_.receive_slots + options_.send_slots);
  queue_ = verbs_->CreateCq(device->context(), requests, this, device->channel());
  if (queue_ == nullptr) return VerbsError("create a completion queue", errno);
  if (const int error = CreateQueuePair(device); error != 0) {
    return VerbsError("create a queue pair", error);
  }
  if (const int error = PostAllReceives(); error != 0) return VerbsError("post receives", error);
  return absl::OkStatus();
}

int RdmaLink::CreateQueuePair(RdmaDevice* device) {
  ibv_qp_init_attr attributes{};
  attributes.qp_context = this;
  attributes.send_cq = attributes.recv_cq = queue_;
  attributes.cap.max_send_wr = options_.send_slots;
  attributes.cap.max_recv_wr = options_.receive_slots;
  pieces_max_ = std::min(kPiecesMax, device->pieces_max());
  attributes.cap.max_send_sge = pieces_max_;
  attributes.cap.max_recv_sge = 1;
  attributes.cap.max_inline_data = kInlineBytesWanted;
  attributes.qp_type = IBV_QPT_RC;
  int error = verbs_->CreateQp(id_, device->pd(), &attributes);
  if (error == EINVAL) {
    // Some devices cannot inline so much.
    attributes.cap.max_inline_data = 0;
    error = verbs_->CreateQp(id_, device->pd(), &attributes);
  }
  if (error != 0) return error;
  qp_ = id_->qp;
  inline_bytes_max_ = attributes.cap.max_inline_data;
  return 0;
}

int RdmaLink::PostAllReceives() {
  for (uint32_t i = 0; i < options_.receive_slots; ++i) {
    Repost(memory_->Take());
    if (failed_) return ENOMEM;
  }
  PostReposts();
  return failed_ ? ENOMEM : 0;
}

void RdmaLink::Agree(const Terms& terms) {
  identity_.required = true;
  identity_.node = terms.peer;
  sealed_ = terms.security == RdmaSecurity::kMac;
  key_ = terms.key;
  own_proof_ = terms.own_proof;
  remote_proof_ = terms.remote_proof;
  frame_bytes_max_ = std::min(options_.slot_bytes, terms.remote_slot_bytes) -
                     (sealed_ ? static_cast<uint32_t>(kMacBytes) : 0);
}

bool RdmaLink::ProofHolds(absl::string_view proof) const { return SameMac(proof, remote_proof_); }

void RdmaLink::Up() {
  SetReceiverTimer();
  connected_ = up_ = true;
}

void RdmaLink::SetReceiverTimer() {
  ibv_qp_attr attributes{};
  attributes.min_rnr_timer = kMinRnrTimer;
  // A device that refuses it only waits longer, for a case that credit excludes.
  verbs_->ModifyQp(qp_, &attributes, IBV_QP_MIN_RNR_TIMER);
}

void RdmaLink::Close() {
  events_ = nullptr;
  closed_ = true;
  // What asked for no completion cannot be waited for.
  const bool waits = !backlog_.empty() || (send_tail_ != send_head_ && signalled_ == send_posted_);
  if (!up_ || failed_ || !waits) over_ = true;
}

void RdmaLink::Fail(std::string text) {
  if (failed_) return;
  failed_ = true;
  failure_ = std::move(text);
}

void RdmaLink::Down(absl::string_view text) {
  // What arrived before is still in the queue.
  while (up_ && !over_ && !failed_ && Poll() > 0) {
  }
  Fail(std::string(text));
  TellDown();
}

void RdmaLink::DownUnauthenticated(absl::string_view text) {
  unauthenticated_ = true;
  Down(text);
}

void RdmaLink::TellDown() {
  up_ = false;
  over_ = true;
  if (LinkEvents* events = std::exchange(events_, nullptr)) {
    owner_->BeforeEvents();
    if (unauthenticated_) return events->OnLinkUnauthenticated(failure_);
    events->OnLinkDown(failure_);
  }
}

void RdmaLink::DestroyQueuePair() {
  if (qp_ != nullptr) {
    verbs_->DestroyQp(id_);
    qp_ = nullptr;
    ReleaseGathered(send_head_);
  }
}

void RdmaLink::Release() {
  if (qp_ != nullptr && connected_) verbs_->Disconnect(id_);
  up_ = false;
  over_ = true;
  DestroyQueuePair();
  if (queue_ != nullptr) {
    if (unacknowledged_notifications_ > 0) {
      verbs_->AckCqEvents(queue_, std::exchange(unacknowledged_notifications_, 0));
    }
    verbs_->DestroyCq(queue_);
    queue_ = nullptr;
  }
  if (id_ != nullptr) verbs_->DestroyId(std::exchange(id_, nullptr));
  // The NIC uses none of it any more.
  if (memory_ != nullptr) memory_->TakeBackPosted();
  if (spare_ != nullptr) std::exchange(spare_, nullptr)->Unref();
  memory_.reset();
}

}  // namespace hawser
