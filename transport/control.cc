#include "transport/control.h"

#include <algorithm>

#include "transport/wire.pb.h"

namespace hawser {
namespace {

constexpr int kAddressesMax = 8;
constexpr size_t kTextBytesMax = 256;
constexpr uint32_t kTtlMsMax = 3600000;

transport::v1::RdmaSecurity ToProto(RdmaSecurity security) {
  return static_cast<transport::v1::RdmaSecurity>(security);
}

// An enum of a later version is stricter than all that we know.
RdmaSecurity FromProto(transport::v1::RdmaSecurity security) {
  return static_cast<RdmaSecurity>(std::min<int>(security, static_cast<int>(RdmaSecurity::kAead)));
}

template <size_t kBytes>
bool Take(const std::string& from, std::array<uint8_t, kBytes>* to) {
  if (from.size() != kBytes) return false;
  std::copy(from.begin(), from.end(), to->begin());
  return true;
}

bool ReadTicketRequest(const transport::v1::RdmaTicketRequest& proto, TicketRequest* request) {
  request->request_id = proto.request_id();
  request->epoch = proto.epoch();
  request->source_address = proto.source_address();
  request->security = FromProto(proto.security());
  return proto.source_address().size() <= kTextBytesMax && proto.security() >= 0 &&
         Take(proto.nonce(), &request->nonce);
}

bool ReadTicket(const transport::v1::RdmaTicket& proto, Ticket* ticket) {
  ticket->request_id = proto.request_id();
  ticket->id = proto.ticket_id();
  ticket->ttl_ms = proto.ttl_ms();
  ticket->security = FromProto(proto.security());
  ticket->addresses.assign(proto.addresses().begin(), proto.addresses().end());
  const bool short_texts =
      std::all_of(ticket->addresses.begin(), ticket->addresses.end(),
                  [](const std::string& text) { return text.size() <= kTextBytesMax; });
  return short_texts && proto.addresses_size() <= kAddressesMax && proto.ttl_ms() <= kTtlMsMax &&
         proto.security() >= 0 && Take(proto.key(), &ticket->key);
}

bool ReadRefusal(const transport::v1::RdmaRefusal& proto, TicketRefusal* refusal) {
  refusal->request_id = proto.request_id();
  refusal->reason = proto.reason() < static_cast<uint32_t>(kCloseReasonCount)
                        ? static_cast<CloseReason>(proto.reason())
                        : CloseReason::kLinkError;
  refusal->text = proto.text().substr(0, kTextBytesMax);
  return true;
}

// A step of a later version is ignored.
void ReadDrain(const transport::v1::Drain& proto, Control* control) {
  if (proto.step() < transport::v1::Drain::DRAIN_STEP_ASK ||
      proto.step() > transport::v1::Drain::DRAIN_STEP_OFF) {
    return;
  }
  control->kind = Control::Kind::kDrain;
  control->drain_step = static_cast<DrainStep>(proto.step());
  control->drain_number = proto.number();
}

}  // namespace

std::string EncodeTicketRequest(const TicketRequest& request) {
  transport::v1::Control proto;
  auto* out = proto.mutable_rdma_ticket_request();
  out->set_request_id(request.request_id);
  out->set_epoch(request.epoch);
  out->set_source_address(request.source_address);
  out->set_nonce(request.nonce.data(), request.nonce.size());
  out->set_security(ToProto(request.security));
  return proto.SerializeAsString();
}

std::string EncodeTicket(const Ticket& ticket) {
  transport::v1::Control proto;
  auto* out = proto.mutable_rdma_ticket();
  out->set_request_id(ticket.request_id);
  out->set_ticket_id(ticket.id);
  out->set_key(ticket.key.data(), ticket.key.size());
  out->set_ttl_ms(ticket.ttl_ms);
  for (const std::string& address : ticket.addresses) out->add_addresses(address);
  out->set_security(ToProto(ticket.security));
  return proto.SerializeAsString();
}

std::string EncodeTicketRefusal(const TicketRefusal& refusal) {
  transport::v1::Control proto;
  auto* out = proto.mutable_rdma_refusal();
  out->set_request_id(refusal.request_id);
  out->set_reason(static_cast<uint32_t>(refusal.reason));
  out->set_text(refusal.text.substr(0, kTextBytesMax));
  return proto.SerializeAsString();
}

std::string EncodeFenceRequest(uint32_t epoch) {
  transport::v1::Control proto;
  proto.mutable_fence_request()->set_epoch(epoch);
  return proto.SerializeAsString();
}

std::string EncodeRenew(bool please_dial) {
  transport::v1::Control proto;
  proto.mutable_renew()->set_please_dial(please_dial);
  return proto.SerializeAsString();
}

std::string EncodeDrain(DrainStep step, uint32_t number) {
  transport::v1::Control proto;
  proto.mutable_drain()->set_step(static_cast<transport::v1::Drain::Step>(step));
  proto.mutable_drain()->set_number(number);
  return proto.SerializeAsString();
}

bool DecodeControl(absl::string_view body, Control* control) {
  transport::v1::Control proto;
  if (!proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) return false;
  *control = Control();
  if (proto.has_fence_request()) {
    control->kind = Control::Kind::kFenceRequest;
    control->epoch = proto.fence_request().epoch();
  } else if (proto.has_renew()) {
    control->kind = Control::Kind::kRenew;
    control->please_dial = proto.renew().please_dial();
  } else if (proto.has_rdma_ticket_request()) {
    control->kind = Control::Kind::kTicketRequest;
    return ReadTicketRequest(proto.rdma_ticket_request(), &control->ticket_request);
  } else if (proto.has_rdma_ticket()) {
    control->kind = Control::Kind::kTicket;
    return ReadTicket(proto.rdma_ticket(), &control->ticket);
  } else if (proto.has_rdma_refusal()) {
    control->kind = Control::Kind::kTicketRefusal;
    return ReadRefusal(proto.rdma_refusal(), &control->refusal);
  } else if (proto.has_rdma_invite()) {
    control->kind = Control::Kind::kInvite;
  } else if (proto.has_drain()) {
    ReadDrain(proto.drain(), control);
  }
  return true;
}

}  // namespace hawser
