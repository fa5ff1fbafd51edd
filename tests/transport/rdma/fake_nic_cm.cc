// The connection manager: ids, addresses, requests, hang-ups.

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "tests/transport/rdma/fake_nic_parts.h"

namespace hawser {
namespace {

// Consumer reject, and no such service, as InfiniBand numbers them.
constexpr int kRejectedByConsumer = 28;
constexpr int kRejectedNoListener = 8;
// Private data is padded to these, whatever was given.
constexpr size_t kConnectBytes = 56;
constexpr size_t kAcceptBytes = 196;
constexpr size_t kRejectBytes = 148;

std::string TextOf(const sockaddr* address) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof(text));
  return text;
}

uint16_t PortOf(const sockaddr* address) {
  return ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port);
}

void Store(const std::string& address, uint16_t port, sockaddr_in* out) {
  out->sin_family = AF_INET;
  out->sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &out->sin_addr);
}

std::string Padded(const void* data, size_t bytes, size_t padded) {
  std::string text(static_cast<const char*>(data), bytes);
  text.resize(padded);
  return text;
}

// An event and the bytes it brings.
struct FakeCmEvent {
  rdma_cm_event event{};  // first: the handle
  std::string data;
};

}  // namespace

void FakeCmId::Tell(rdma_cm_event_type type, int status, const std::string& data,
                    FakeCmId* listener) {
  auto* fake = new FakeCmEvent();
  fake->data = data;
  fake->event.id = &id;
  fake->event.listen_id = listener == nullptr ? nullptr : &listener->id;
  fake->event.event = type;
  fake->event.status = status;
  fake->event.param.conn.private_data = fake->data.empty() ? nullptr : fake->data.data();
  fake->event.param.conn.private_data_len = static_cast<uint8_t>(fake->data.size());
  channel->events.push_back(&fake->event);
}

void FakeCmId::TellLater(int64_t delay_ns, rdma_cm_event_type type, int status,
                         const std::string& data) {
  nic->fabric_->At(nic->fabric_->now_ns() + delay_ns,
                   [this, here = std::weak_ptr<bool>(alive), type, status, data] {
                     if (!here.expired()) Tell(type, status, data);
                   });
}

void FakeCmId::HangUp() {
  FakeCmId* peer = std::exchange(other, nullptr);
  if (peer == nullptr) return;
  peer->other = nullptr;
  if (peer->nic->fabric_->IsCut(local_address, remote_address)) return;
  FakeFabric* fabric = nic->fabric_;
  fabric->At(fabric->now_ns() + fabric->options.latency_ns,
             [peer, fabric, there = std::weak_ptr<bool>(peer->alive)] {
               if (there.expired()) return;
               const bool was_connected = std::exchange(peer->connected, false);
               peer->Tell(was_connected ? RDMA_CM_EVENT_DISCONNECTED : RDMA_CM_EVENT_REJECTED,
                          was_connected ? 0 : kRejectedNoListener);
               if (fabric->options.flush_on_disconnect && peer->qp != nullptr) {
                 peer->qp->Fail(IBV_WC_WR_FLUSH_ERR);
               }
             });
}

rdma_event_channel* FakeNic::CreateEventChannel() {
  if (Fails()) return nullptr;
  ++counters_.event_channels;
  auto* fake = new FakeEventChannel();
  fake->channel.fd = NextFakeDescriptor();
  event_channels_.push_back(fake);
  return &fake->channel;
}

void FakeNic::DestroyEventChannel(rdma_event_channel* channel) {
  HAWSER_CHECK(FakeOf(channel)->ids == 0);
  --counters_.event_channels;
  event_channels_.erase(std::find(event_channels_.begin(), event_channels_.end(), FakeOf(channel)));
  delete FakeOf(channel);
}

rdma_cm_id* FakeNic::CreateId(rdma_event_channel* channel) {
  if (Fails()) return nullptr;
  auto* fake = new FakeCmId();
  fake->nic = this;
  fake->channel = FakeOf(channel);
  fake->id.channel = channel;
  ++fake->channel->ids;
  ++counters_.ids;
  ids_.push_back(fake);
  return &fake->id;
}

void FakeNic::DestroyId(rdma_cm_id* id) {
  FakeCmId* fake = FakeOf(id);
  // A real one leaves a queue pair that uses freed memory.
  HAWSER_CHECK(fake->qp == nullptr);
  fake->HangUp();
  auto& events = fake->channel->events;
  for (auto event = events.begin(); event != events.end();) {
    if ((*event)->id != id) {
      ++event;
      continue;
    }
    delete reinterpret_cast<FakeCmEvent*>(*event);
    event = events.erase(event);
  }
  --fake->channel->ids;
  --counters_.ids;
  ids_.erase(std::remove(ids_.begin(), ids_.end(), fake), ids_.end());
  delete fake;
}

int FakeNic::BindAddr(rdma_cm_id* id, const sockaddr* address) {
  if (Fails()) return ENOMEM;
  FakeCmId* fake = FakeOf(id);
  if (address->sa_family != AF_INET) return EADDRNOTAVAIL;
  const std::string text = TextOf(address);
  const bool any = text == "0.0.0.0" || text == "127.0.0.1";
  if (!any && !Owns(text)) return ENODEV;
  fake->local_address = text;
  fake->port = PortOf(address) != 0 ? PortOf(address) : fabric_->next_port_++;
  for (const FakeCmId* other : ids_) {
    if (other != fake && other->listening && other->port == fake->port) return EADDRINUSE;
  }
  Store(text, fake->port, &id->route.addr.src_sin);
  // Addresses that are no device's bind too, but lead to none.
  id->verbs = any ? nullptr : &context_;
  fake->bound = true;
  return 0;
}

int FakeNic::Listen(rdma_cm_id* id, int backlog) {
  if (Fails()) return ENOMEM;
  FakeOf(id)->listening = true;
  return 0;
}

int FakeNic::ResolveAddr(rdma_cm_id* id, const sockaddr* source, const sockaddr* target,
                         int timeout_ms) {
  if (Fails()) return ENOMEM;
  FakeCmId* fake = FakeOf(id);
  fake->local_address = source == nullptr ? addresses_[0] : TextOf(source);
  if (!Owns(fake->local_address)) return ENODEV;
  fake->remote_address = TextOf(target);
  fake->port = fabric_->next_port_++;
  Store(fake->local_address, fake->port, &id->route.addr.src_sin);
  Store(fake->remote_address, PortOf(target), &id->route.addr.dst_sin);
  if (fabric_->FindNic(fake->remote_address) == nullptr) {
    fake->TellLater(int64_t{timeout_ms} * 1000000, RDMA_CM_EVENT_ADDR_ERROR, -ETIMEDOUT);
    return 0;
  }
  id->verbs = &context_;
  fake->TellLater(0, RDMA_CM_EVENT_ADDR_RESOLVED);
  return 0;
}

int FakeNic::ResolveRoute(rdma_cm_id* id, int timeout_ms) {
  if (Fails()) return ENOMEM;
  FakeOf(id)->TellLater(0, RDMA_CM_EVENT_ROUTE_RESOLVED);
  return 0;
}

int FakeNic::SetAckTimeout(rdma_cm_id* id, uint8_t exponent) {
  if (Fails()) return ENOMEM;
  FakeOf(id)->ack_timeout = exponent;
  return 0;
}

int FakeNic::CreateQp(rdma_cm_id* id, ibv_pd* pd, ibv_qp_init_attr* attributes) {
  if (Fails()) return ENOMEM;
  FakeCmId* fake = FakeOf(id);
  HAWSER_CHECK(fake->qp == nullptr && id->verbs != nullptr);
  attributes->cap.max_inline_data =
      std::min(attributes->cap.max_inline_data, fabric_->options.inline_bytes_max);
  auto* qp = new FakeQp();
  qp->nic = this;
  qp->id = fake;
  qp->send_queue = FakeOf(attributes->send_cq);
  qp->receive_queue = FakeOf(attributes->recv_cq);
  ++qp->send_queue->qps;
  ++qp->receive_queue->qps;
  qp->cap = attributes->cap;
  qp->all_signalled = attributes->sq_sig_all != 0;
  qp->qp.context = &context_;
  qp->qp.pd = pd;
  qp->qp.send_cq = attributes->send_cq;
  qp->qp.recv_cq = attributes->recv_cq;
  qp->qp.qp_num = next_qp_number_++;
  qp->qp.state = IBV_QPS_INIT;
  qp->qp.qp_context = attributes->qp_context;
  fake->qp = qp;
  id->qp = &qp->qp;
  ++counters_.qps;
  return 0;
}

void FakeNic::DestroyQp(rdma_cm_id* id) {
  FakeCmId* fake = FakeOf(id);
  --fake->qp->send_queue->qps;
  --fake->qp->receive_queue->qps;
  delete fake->qp;
  fake->qp = nullptr;
  id->qp = nullptr;
  --counters_.qps;
  ++counters_.qps_destroyed;
}

int FakeNic::Connect(rdma_cm_id* id, rdma_conn_param* parameters) {
  if (Fails()) return ENOMEM;
  if (parameters->private_data_len > kConnectBytes) return EINVAL;
  FakeCmId* dialler = FakeOf(id);
  dialler->retry_count = parameters->retry_count;
  dialler->rnr_retry = parameters->rnr_retry_count;
  const std::string data =
      Padded(parameters->private_data, parameters->private_data_len, kConnectBytes);
  const uint16_t port = ntohs(id->route.addr.dst_sin.sin_port);
  const auto request = [this, dialler, here = std::weak_ptr<bool>(dialler->alive), data, port] {
    if (here.expired() || fabric_->IsCut(dialler->local_address, dialler->remote_address)) return;
    FakeNic* target = fabric_->FindNic(dialler->remote_address);
    FakeCmId* listener = nullptr;
    for (FakeCmId* candidate : target == nullptr ? std::vector<FakeCmId*>() : target->ids_) {
      if (candidate->listening && candidate->port == port &&
          candidate->local_address == dialler->remote_address) {
        listener = candidate;
      }
    }
    if (listener == nullptr) {
      dialler->Tell(RDMA_CM_EVENT_REJECTED, kRejectedNoListener);
      return;
    }
    auto* accepted = new FakeCmId();
    accepted->nic = target;
    accepted->channel = listener->channel;
    accepted->id.channel = listener->id.channel;
    accepted->id.verbs = &target->context_;
    accepted->local_address = dialler->remote_address;
    accepted->remote_address = dialler->local_address;
    accepted->port = port;
    Store(accepted->local_address, port, &accepted->id.route.addr.src_sin);
    Store(accepted->remote_address, dialler->port, &accepted->id.route.addr.dst_sin);
    accepted->other = dialler;
    dialler->other = accepted;
    ++accepted->channel->ids;
    ++target->counters_.ids;
    target->ids_.push_back(accepted);
    accepted->Tell(RDMA_CM_EVENT_CONNECT_REQUEST, 0, data, listener);
  };
  fabric_->At(fabric_->now_ns() + fabric_->options.latency_ns, request);
  return 0;
}

int FakeNic::Accept(rdma_cm_id* id, rdma_conn_param* parameters) {
  if (Fails()) return ENOMEM;
  FakeCmId* fake = FakeOf(id);
  if (parameters->private_data_len > kAcceptBytes || fake->qp == nullptr) return EINVAL;
  FakeCmId* dialler = fake->other;
  if (dialler == nullptr) return ECONNRESET;
  const std::string data =
      Padded(parameters->private_data, parameters->private_data_len, kAcceptBytes);
  fake->qp->qp.state = IBV_QPS_RTS;
  fake->qp->ack_timeout = fake->ack_timeout;
  fake->qp->retry_count = dialler->retry_count;
  fake->qp->rnr_retry = parameters->rnr_retry_count;
  fabric_->At(fabric_->now_ns() + fabric_->options.latency_ns,
              [this, fake, dialler, data, here = std::weak_ptr<bool>(fake->alive),
               there = std::weak_ptr<bool>(dialler->alive)] {
                if (there.expired() || dialler->qp == nullptr || here.expired()) return;
                if (fabric_->IsCut(fake->local_address, fake->remote_address)) return;
                dialler->qp->qp.state = IBV_QPS_RTS;
                dialler->qp->ack_timeout = dialler->ack_timeout;
                dialler->qp->retry_count = dialler->retry_count;
                dialler->qp->rnr_retry = dialler->rnr_retry;
                dialler->connected = true;
                dialler->Tell(RDMA_CM_EVENT_ESTABLISHED, 0, data);
                fake->connected = true;
                fake->TellLater(fabric_->options.latency_ns, RDMA_CM_EVENT_ESTABLISHED);
              });
  return 0;
}

int FakeNic::Reject(rdma_cm_id* id, const void* data, uint8_t bytes) {
  if (Fails()) return ENOMEM;
  if (bytes > kRejectBytes) return EINVAL;
  FakeCmId* fake = FakeOf(id);
  FakeCmId* dialler = std::exchange(fake->other, nullptr);
  if (dialler == nullptr) return 0;
  dialler->other = nullptr;
  dialler->TellLater(fabric_->options.latency_ns, RDMA_CM_EVENT_REJECTED, kRejectedByConsumer,
                     Padded(data, bytes, kRejectBytes));
  return 0;
}

int FakeNic::Disconnect(rdma_cm_id* id) {
  FakeCmId* fake = FakeOf(id);
  if (fake->qp != nullptr) fake->qp->Fail(IBV_WC_WR_FLUSH_ERR);
  fake->connected = false;
  fake->HangUp();
  return Fails() ? ENOMEM : 0;
}

int FakeNic::GetCmEvent(rdma_event_channel* channel, rdma_cm_event** event) {
  InsideNic inside(this);
  ++counters_.system_calls;
  FakeEventChannel* fake = FakeOf(channel);
  if (fake->events.empty()) return EAGAIN;
  *event = fake->events.front();
  fake->events.pop_front();
  return 0;
}

void FakeNic::AckCmEvent(rdma_cm_event* event) { delete reinterpret_cast<FakeCmEvent*>(event); }

int FakeNic::Notify(rdma_cm_id* id, ibv_event_type event) { return 0; }

void FakeNic::Kill() {
  dead_ = true;
  for (FakeCmId* id : ids_) id->HangUp();
}

void FakeNic::RaiseCm(rdma_cm_event_type type) {
  for (FakeCmId* id : ids_) {
    if (id->connected) id->Tell(type);
  }
}

}  // namespace hawser
