#include "transport/rdma/ticket_book.h"

#include <utility>

namespace hawser {

CloseReason TicketBook::Issue(const TicketParties& parties, const TicketRequest& request,
                              RdmaSecurity security, int64_t now_ns, Ticket* ticket) {
  Issued issued;
  if (!ParseIp(request.source_address, &issued.proof.source_address)) return CloseReason::kBadFrame;
  uint8_t id[8];
  if (!RandomBytes(absl::MakeSpan(id)) || !RandomBytes(absl::MakeSpan(ticket->key))) {
    return CloseReason::kResourceExhausted;
  }
  ticket->request_id = request.request_id;
  std::copy(std::begin(id), std::end(id), reinterpret_cast<uint8_t*>(&ticket->id));
  ticket->ttl_ms = ttl_ms_;
  ticket->security = security;
  issued.parties = parties;
  issued.ticket = *ticket;
  issued.epoch = request.epoch;
  issued.proof.acceptor = parties.acceptor;
  issued.proof.acceptor_incarnation = parties.acceptor_incarnation;
  issued.proof.nonce = request.nonce;
  issued.expires_ns = now_ns + int64_t{ttl_ms_} * 1000000;
  tickets_[parties.dialler] = std::move(issued);
  return CloseReason::kNone;
}

CloseReason TicketBook::Redeem(absl::string_view request, const std::string& source_address,
                               int64_t now_ns, Redeemed* redeemed) {
  ConnectData data;
  if (!DecodeConnect(request, &data)) return CloseReason::kUnauthenticated;
  auto found = tickets_.find(data.dialler);
  if (found == tickets_.end() || found->second.ticket.id != data.ticket_id) {
    return CloseReason::kUnauthenticated;
  }
  const Issued issued = std::move(found->second);
  tickets_.erase(found);
  std::array<uint8_t, 16> source{};
  const bool right = ParseIp(source_address, &source) && source == issued.proof.source_address &&
                     now_ns < issued.expires_ns &&
                     data.dialler_incarnation == issued.parties.dialler_incarnation &&
                     data.epoch == issued.epoch && data.security == issued.ticket.security;
  if (!ConnectMacHolds(request, issued.ticket.key, issued.proof) || !right) {
    return CloseReason::kUnauthenticated;
  }
  redeemed->parties = issued.parties;
  redeemed->key = issued.ticket.key;
  redeemed->security = issued.ticket.security;
  redeemed->slot_bytes = data.slot_bytes;
  return CloseReason::kNone;
}

}  // namespace hawser
