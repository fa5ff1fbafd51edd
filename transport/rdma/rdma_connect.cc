// How RDMA links come to be: tickets, connect requests, what the connection manager tells.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "transport/grpc/address.h"
#include "transport/rdma/rdma_provider.h"
#include "transport/rdma/socket_address.h"

namespace hawser {
namespace {

// The connection manager's own timers; the session's hello timeout ends it before.
constexpr int kResolveMs = 1000;
// RNR: for ever, for credit excludes it and the receiver's timer is short.
constexpr uint8_t kRnrRetries = 7;

// The stricter of two ends' wishes; plain text on both sides trusts the fabric.
RdmaSecurity Stricter(RdmaSecurity a, RdmaSecurity b) {
  return std::max({a, b, RdmaSecurity::kTrustFabric});
}

bool SlotBytesAllowed(uint32_t bytes) {
  return bytes == 8 * 1024 || bytes == 16 * 1024 || bytes == 64 * 1024;
}

}  // namespace

absl::StatusOr<TicketRequest> RdmaProvider::Ask(const std::vector<std::string>& addresses,
                                                uint32_t epoch) {
  for (const std::string& text : addresses) {
    absl::StatusOr<Address> address = ParseAddress(text);
    if (!address.ok()) continue;
    for (const std::string& host : listen_hosts_) {
      if (IsV6(host) != IsV6(address->host)) continue;
      TicketRequest request;
      request.request_id = next_request_++;
      request.epoch = epoch;
      request.source_address = host;
      request.security = options_.rdma_security;
      if (!RandomBytes(absl::MakeSpan(request.nonce))) {
        return absl::ResourceExhaustedError("there are no random numbers");
      }
      return request;
    }
  }
  return absl::UnavailableError(absl::StrCat("none of its RDMA addresses (",
                                             absl::StrJoin(addresses, ", "),
                                             ") can be reached from ours"));
}

CloseReason RdmaProvider::Issue(const TicketParties& parties, const TicketRequest& request,
                                Ticket* ticket, std::string* text) {
  const RdmaSecurity security = Stricter(options_.rdma_security, request.security);
  if (options_.tls() && request.security == RdmaSecurity::kUnset) {
    *text = "rdma_unprotected: TLS is on and rdma_security is not set at the other end";
    return CloseReason::kUnauthenticated;
  }
  if (security == RdmaSecurity::kAead) {
    *text = "rdma_security aead is not built";
    return CloseReason::kNotBuilt;
  }
  const CloseReason reason = book_.Issue(parties, request, security, verbs_->NowNs(), ticket);
  if (reason != CloseReason::kNone) *text = "no ticket can be made for this request";
  ticket->addresses = listen_addresses_;
  return reason;
}

Link* RdmaProvider::Redeem(const TicketParties& parties, const TicketRequest& request,
                           const Ticket& ticket, LinkEvents* events) {
  const bool allowed = ticket.security >= Stricter(options_.rdma_security, ticket.security) &&
                       ticket.security < RdmaSecurity::kAead;
  SocketAddress source;
  SocketAddress target;
  std::string name;
  for (const std::string& text : ticket.addresses) {
    absl::StatusOr<Address> address = ParseAddress(text);
    if (!name.empty() || !address.ok() || address->port == 0 ||
        IsV6(address->host) != IsV6(request.source_address)) {
      continue;
    }
    if (ToSocketAddress(address->host, address->port, &target)) name = text;
  }
  if (!allowed || name.empty() || !ToSocketAddress(request.source_address, 0, &source)) {
    return nullptr;
  }
  links_.push_back(std::make_unique<RdmaLink>(verbs_, owner(), LinkOptions(), name, events));
  RdmaLink* const link = links_.back().get();
  Dialling dialling;
  dialling.link = link;
  dialling.parties = parties;
  dialling.key = ticket.key;
  dialling.security = ticket.security;
  ConnectData data;
  data.security = ticket.security;
  data.ticket_id = ticket.id;
  data.dialler = parties.dialler;
  data.dialler_incarnation = parties.dialler_incarnation;
  data.epoch = request.epoch;
  data.slot_bytes = options_.rdma_slot_bytes;
  ConnectProof proof;
  proof.acceptor = parties.acceptor;
  proof.acceptor_incarnation = parties.acceptor_incarnation;
  proof.nonce = request.nonce;
  ParseIp(request.source_address, &proof.source_address);
  dialling.request = EncodeConnect(data, ticket.key, proof);
  dialling_.push_back(std::move(dialling));
  rdma_cm_id* id = verbs_->CreateId(events_);
  if (id == nullptr) {
    link->Fail(absl::StrCat("cannot create an id: ", std::strerror(errno)));
    return link;
  }
  link->Adopt(id);
  if (const int error = verbs_->ResolveAddr(id, source.get(), target.get(), kResolveMs);
      error != 0) {
    link->Fail(absl::StrCat("cannot resolve ", name, ": ", std::strerror(error)));
  }
  return link;
}

rdma_conn_param RdmaProvider::Parameters(const std::string& data) const {
  rdma_conn_param parameters{};
  parameters.private_data = data.data();
  parameters.private_data_len = static_cast<uint8_t>(data.size());
  parameters.retry_count = static_cast<uint8_t>(options_.rdma_retries);
  parameters.rnr_retry_count = kRnrRetries;
  return parameters;
}

RdmaProvider::Dialling* RdmaProvider::FindDialling(const RdmaLink* link) {
  for (Dialling& dialling : dialling_) {
    if (dialling.link == link) return &dialling;
  }
  return nullptr;
}

void RdmaProvider::ForgetDialling(const RdmaLink* link) {
  dialling_.erase(std::remove_if(dialling_.begin(), dialling_.end(),
                                 [link](const Dialling& d) { return d.link == link; }),
                  dialling_.end());
}

void RdmaProvider::TakeCmEvents() {
  rdma_cm_event* event;
  while (verbs_->GetCmEvent(events_, &event) == 0) {
    ++handled_;
    rdma_cm_id* const id = event->id;
    const rdma_cm_event_type type = event->event;
    const int status = event->status;
    const rdma_conn_param& conn = event->param.conn;
    const std::string data =
        conn.private_data == nullptr
            ? std::string()
            : std::string(static_cast<const char*>(conn.private_data), conn.private_data_len);
    // An id cannot be destroyed before its events are acknowledged.
    verbs_->AckCmEvent(event);
    OnCmEvent(id, type, status, data);
  }
}

void RdmaProvider::OnCmEvent(rdma_cm_id* id, rdma_cm_event_type type, int status,
                             const std::string& data) {
  if (type == RDMA_CM_EVENT_CONNECT_REQUEST) return OnConnectRequest({id, data});
  if (type == RDMA_CM_EVENT_DEVICE_REMOVAL) return OnDeviceRemoved(id);
  auto* const link = static_cast<RdmaLink*>(id->context);
  if (link == nullptr || link->over()) return;
  switch (type) {
    case RDMA_CM_EVENT_ADDR_RESOLVED:
      return OnAddressResolved(link);
    case RDMA_CM_EVENT_ROUTE_RESOLVED:
      return OnRouteResolved(link);
    case RDMA_CM_EVENT_ESTABLISHED:
      return OnEstablished(link, data);
    case RDMA_CM_EVENT_REJECTED:
      return OnRejected(link, status, data);
    case RDMA_CM_EVENT_DISCONNECTED:
      return link->Down("the other end disconnected");
    case RDMA_CM_EVENT_ADDR_CHANGE:
      return link->Down("the address moved to another device");
    case RDMA_CM_EVENT_ADDR_ERROR:
    case RDMA_CM_EVENT_ROUTE_ERROR:
    case RDMA_CM_EVENT_UNREACHABLE:
    case RDMA_CM_EVENT_CONNECT_ERROR:
      return link->Down(absl::StrCat("cannot connect: event ", type, ", status ", status));
    default:
      // TIMEWAIT_EXIT: queue pairs are not used again. The rest is not asked for.
      return;
  }
}

void RdmaProvider::OnRejected(RdmaLink* link, int status, const std::string& data) {
  const CloseReason reason = DecodeReject(data);
  const std::string text =
      reason == CloseReason::kNone
          ? absl::StrCat("nobody listens there, or it refuses (status ", status, ")")
          : absl::StrCat("the other end refuses: ", CloseReasonName(reason));
  if (reason == CloseReason::kUnauthenticated) return link->DownUnauthenticated(text);
  link->Down(text);
}

void RdmaProvider::OnDeviceRemoved(rdma_cm_id* id) {
  ibv_context* const device = id->verbs;
  const auto listener = std::find(listeners_.begin(), listeners_.end(), id);
  if (listener != listeners_.end()) {
    listeners_.erase(listener);
    verbs_->DestroyId(id);
  }
  for (size_t i = 0; i < links_.size(); ++i) {
    if (links_[i]->id() != nullptr && links_[i]->id()->verbs == device) {
      links_[i]->Down("the RDMA device was removed");
    }
  }
  if (std::count(removed_.begin(), removed_.end(), device) == 0) removed_.push_back(device);
  Log("rdma: the device was removed; its links are gone");
}

void RdmaProvider::OnConnectRequest(const Request& request) {
  const CloseReason reason = shut_down_ ? CloseReason::kPeerStop : Accept(request);
  if (reason == CloseReason::kNone) return;
  const std::string data = EncodeReject(reason);
  verbs_->Reject(request.id, data.data(), static_cast<uint8_t>(data.size()));
  verbs_->DestroyId(request.id);
}

CloseReason RdmaProvider::Accept(const Request& request) {
  request.id->context = nullptr;
  const std::string source = HostOf(&request.id->route.addr.dst_addr);
  TicketBook::Redeemed redeemed;
  // Before anything is reserved for it.
  CloseReason reason = book_.Redeem(request.data, source, verbs_->NowNs(), &redeemed);
  if (reason != CloseReason::kNone) return reason;
  if (!SlotBytesAllowed(redeemed.slot_bytes)) return CloseReason::kBadHello;
  absl::StatusOr<RdmaDevice*> device = DeviceOf(request.id->verbs);
  if (!device.ok()) return CloseReason::kResourceExhausted;
  auto link = std::make_unique<RdmaLink>(verbs_, owner(), LinkOptions(), source, nullptr);
  link->Adopt(request.id);
  AcceptData accept;
  accept.security = redeemed.security;
  accept.slot_bytes = options_.rdma_slot_bytes;
  ConnectData connect;
  DecodeConnect(request.data, &connect);
  accept.ticket_id = connect.ticket_id;
  const absl::string_view asked = absl::string_view(request.data).substr(0, kConnectDataBytes);
  const std::string answer = EncodeAccept(accept, redeemed.key, asked);
  RdmaLink::Terms terms;
  terms.peer = redeemed.parties.dialler;
  terms.security = redeemed.security;
  terms.key = redeemed.key;
  terms.remote_slot_bytes = redeemed.slot_bytes;
  const Mac own = HelloProof(redeemed.key, /*dialler=*/false, asked, answer);
  const Mac remote = HelloProof(redeemed.key, /*dialler=*/true, asked, answer);
  terms.own_proof.assign(own.begin(), own.end());
  terms.remote_proof.assign(remote.begin(), remote.end());
  link->Agree(terms);
  verbs_->SetAckTimeout(request.id, static_cast<uint8_t>(options_.rdma_ack_timeout_exponent));
  absl::Status status = link->Open(*device);
  rdma_conn_param parameters = Parameters(answer);
  const int error = status.ok() ? verbs_->Accept(request.id, &parameters) : 0;
  if (!status.ok() || error != 0) {
    Log(absl::StrCat("rdma: cannot accept a link of node ", terms.peer, ": ",
                     status.ok() ? std::strerror(error) : std::string(status.message())));
    link->Abandon();
    return CloseReason::kResourceExhausted;
  }
  link->deadline_ns = verbs_->NowNs() + int64_t{options_.hello_timeout_ms} * 1000000;
  next_deadline_ns_ = std::min(next_deadline_ns_, link->deadline_ns);
  links_.push_back(std::move(link));
  return CloseReason::kNone;
}

void RdmaProvider::OnAddressResolved(RdmaLink* link) {
  // Unset, it may take a dead host 17 seconds to be noticed.
  int error =
      verbs_->SetAckTimeout(link->id(), static_cast<uint8_t>(options_.rdma_ack_timeout_exponent));
  if (error == 0) error = verbs_->ResolveRoute(link->id(), kResolveMs);
  if (error != 0) link->Down(absl::StrCat("cannot resolve the route: ", std::strerror(error)));
}

void RdmaProvider::OnRouteResolved(RdmaLink* link) {
  const Dialling* dialling = FindDialling(link);
  absl::StatusOr<RdmaDevice*> device = DeviceOf(link->id()->verbs);
  absl::Status status = device.ok() ? link->Open(*device) : device.status();
  if (status.ok()) {
    rdma_conn_param parameters = Parameters(dialling->request);
    const int error = verbs_->Connect(link->id(), &parameters);
    if (error != 0) status = VerbsError("connect", error);
  }
  if (!status.ok()) link->Down(status.message());
}

bool RdmaProvider::Agree(const Dialling& dialling, const std::string& data) {
  AcceptData accept;
  if (!DecodeAccept(data, &accept) || !AcceptMacHolds(data, dialling.key, dialling.request) ||
      accept.security != dialling.security || !SlotBytesAllowed(accept.slot_bytes)) {
    return false;
  }
  RdmaLink::Terms terms;
  terms.peer = dialling.parties.acceptor;
  terms.security = dialling.security;
  terms.key = dialling.key;
  terms.remote_slot_bytes = accept.slot_bytes;
  const Mac own = HelloProof(dialling.key, /*dialler=*/true, dialling.request, data);
  const Mac remote = HelloProof(dialling.key, /*dialler=*/false, dialling.request, data);
  terms.own_proof.assign(own.begin(), own.end());
  terms.remote_proof.assign(remote.begin(), remote.end());
  dialling.link->Agree(terms);
  return true;
}

void RdmaProvider::OnEstablished(RdmaLink* link, const std::string& data) {
  if (link->up()) return;
  link->deadline_ns = 0;
  if (const Dialling* dialling = FindDialling(link)) {
    const bool proven = Agree(*dialling, data);
    ForgetDialling(link);
    if (!proven) return link->DownUnauthenticated("the acceptor has not proven the ticket");
    link->Up();
    BeforeEvents();
    if (link->events() != nullptr) link->events()->OnLinkUp();
    return;
  }
  link->Up();
  BeforeEvents();
  LinkEvents* const events = acceptor_->OnAccepted(link);
  link->set_events(events);
  if (events == nullptr) link->Close();
}

}  // namespace hawser
