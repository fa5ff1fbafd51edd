// How an RDMA link comes to be: the lower id asks for a ticket on the gRPC link and dials with it.

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/core.h"
#include "transport/peer.h"

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

}  // namespace

void Peer::AskForTicket() {
  Dialler& dialler = slots_[SlotOf(LinkKind::kRdma)].dialler;
  Session* const grpc = session(LinkKind::kGrpc);
  if (grpc == nullptr) return;
  if (asking_) return NoTicket("no answer to the request for a ticket");
  absl::StatusOr<TicketRequest> request =
      core_->tickets()->Ask(dialler.addresses(), send_.current().number);
  if (!request.ok()) return NoTicket(request.status().message());
  asked_ = *request;
  if (!grpc->SendControl(FrameType::kControl, EncodeTicketRequest(asked_))) {
    return NoTicket("no credit to ask for a ticket");
  }
  grpc->Flush();
  asking_ = true;
  rdma_text_ = "a ticket was asked for";
  dialler.Postpone(core_->now_ns() + core_->options().hello_timeout_ms * kMs);
  core_->WakeAt(dialler.DueNs());
}

void Peer::NoTicket(absl::string_view text) {
  asking_ = false;
  rdma_text_ = std::string(text);
  // When it is tried again is said by the choice of a link.
  slots_[SlotOf(LinkKind::kRdma)].dialler.Postpone(core_->now_ns());
  Choose(/*rdma_not_made=*/true);
}

void Peer::OnTicketControl(Session* session, const Control& control) {
  switch (control.kind) {
    case Control::Kind::kTicketRequest:
      return OnTicketRequest(session, control.ticket_request);
    case Control::Kind::kTicket:
      return OnTicket(control.ticket);
    case Control::Kind::kTicketRefusal:
      if (!asking_ || control.refusal.request_id != asked_.request_id) return;
      return NoTicket(absl::StrCat("refused there: ", CloseReasonName(control.refusal.reason), ": ",
                                   control.refusal.text));
    case Control::Kind::kInvite:
      return OfferRdma(session);
    default:
      return;
  }
}

void Peer::OnTicketRequest(Session* session, const TicketRequest& request) {
  TicketRefusal refusal;
  refusal.request_id = request.request_id;
  Ticket ticket;
  if (core_->tickets() == nullptr) {
    refusal.reason = CloseReason::kNotBuilt;
    refusal.text = core_->rdma_absent();
  } else if (node() > core_->options().node_id) {
    refusal.reason = CloseReason::kWrongNode;
    refusal.text = "RDMA links are dialled by the lower id";
  } else {
    const TicketParties parties = {node(), remote_incarnation_, core_->options().node_id,
                                   core_->incarnation()};
    refusal.reason = core_->tickets()->Issue(parties, request, &ticket, &refusal.text);
  }
  // Without credit for the answer the other end asks again.
  session->SendControl(FrameType::kControl, refusal.reason == CloseReason::kNone
                                                ? EncodeTicket(ticket)
                                                : EncodeTicketRefusal(refusal));
  session->Flush();
}

void Peer::OnTicket(const Ticket& ticket) {
  if (!asking_ || ticket.request_id != asked_.request_id || core_->tickets() == nullptr) return;
  asking_ = false;
  Slot& slot = slots_[SlotOf(LinkKind::kRdma)];
  if (slot.session != nullptr || slot.dialler.session() != nullptr) return;
  const TicketParties parties = {core_->options().node_id, core_->incarnation(), node(),
                                 remote_incarnation_};
  Session* const dialled = core_->DialWithTicket(this, parties, asked_, ticket);
  if (dialled == nullptr) return NoTicket("the ticket makes no sense");
  rdma_text_ = "connecting";
  slot.dialler.Postpone(core_->now_ns());
  slot.dialler.set_session(dialled);
}

}  // namespace hawser
