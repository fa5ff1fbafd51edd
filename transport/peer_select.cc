// A peer's choice between its links: the facts for link_selector.h, and what follows from it.

#include <algorithm>

#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {

LinkReason Peer::Obstacle() const {
  if (core_->rdma_obstacle() != LinkReason::kNoLink) return core_->rdma_obstacle();
  const Session* grpc = session(LinkKind::kGrpc);
  const bool offered = grpc != nullptr && !grpc->remote_hello().rdma_addresses.empty();
  return offered ? LinkReason::kNoLink : LinkReason::kNoRdmaThere;
}

bool Peer::RdmaInUse() const {
  if (send_.closed()) return false;
  const bool leaving =
      send_.state() == SendState::kSwitching && send_.sealed().session->kind() == LinkKind::kRdma;
  return leaving || sending()->kind() == LinkKind::kRdma;
}

void Peer::Choose(bool rdma_not_made) {
  LinkFacts facts;
  facts.now_ns = core_->now_ns();
  facts.grpc_up = session(LinkKind::kGrpc) != nullptr;
  facts.rdma_up = session(LinkKind::kRdma) != nullptr;
  facts.obstacle = Obstacle();
  facts.pinned = pinned_;
  facts.rdma_only = rdma_only_;
  facts.rdma_in_use = RdmaInUse();
  if (selection_.measure) {
    facts.grpc = slots_[SlotOf(LinkKind::kGrpc)].measure;
    facts.rdma = slots_[SlotOf(LinkKind::kRdma)].measure;
  }
  facts.rdma_not_made = rdma_not_made;
  facts.random = core_->Random();
  const LinkSelection was = selection_;
  selection_ = Select(core_->selector_rules(), was, facts);
  if (selection_.state != was.state) {
    core_->transitions()->Take(Machine::kSelector, static_cast<int>(was.state),
                               static_cast<int>(selection_.state));
  }
  if (selection_.measure && !was.measure) BeginMeasure();
  if (selection_.make_rdma) core_->WakeAt(facts.now_ns);
  if (selection_.again_ns != 0) core_->WakeAt(selection_.again_ns);
  if (selection_.link != was.link) core_->MarkDirty(this);
}

void Peer::BeginMeasure() {
  for (const LinkKind kind : {LinkKind::kGrpc, LinkKind::kRdma}) {
    Slot& slot = slots_[SlotOf(kind)];
    slot.measure = {};
    slot.measuring_ping = slot.session->RequestPing();
  }
}

void Peer::Measure() {
  if (!selection_.measure) return;
  for (const LinkKind kind : {LinkKind::kGrpc, LinkKind::kRdma}) {
    Slot& slot = slots_[SlotOf(kind)];
    if (slot.measuring_ping == 0 || !slot.session->Answered(slot.measuring_ping)) continue;
    const int64_t rtt_ns = slot.session->rtt_ns();
    LinkMeasure& measure = slot.measure;
    measure.rtt_ns_min = measure.samples == 0 ? rtt_ns : std::min(measure.rtt_ns_min, rtt_ns);
    const bool more = ++measure.samples < core_->selector_rules().probe_pings;
    slot.measuring_ping = more ? slot.session->RequestPing() : 0;
  }
  Choose();
}

void Peer::Pin(LinkKind kind) {
  pinned_ = kind;
  Choose();
  core_->MarkDirty(this);
}

}  // namespace hawser
