#include "tests/transport/rdma/raw_rdma.h"

#include <algorithm>
#include <utility>

#include "transport/grpc/address.h"
#include "transport/rdma/socket_address.h"

namespace hawser {
namespace {

constexpr int kResolveMs = 1000;
constexpr uint8_t kAckTimeout = 14;

}  // namespace

RawRdma::RawRdma(Verbs* verbs, const std::string& host, uint32_t receives)
    : verbs_(verbs), host_(host), receives_(receives), events_(verbs->CreateEventChannel()) {}

RawRdma::~RawRdma() {
  if (id_ != nullptr) {
    if (state_ == State::kUp) verbs_->Disconnect(id_);
    if (id_->qp != nullptr) verbs_->DestroyQp(id_);
    if (queue_ != nullptr) verbs_->DestroyCq(queue_);
    if (region_ != nullptr) verbs_->DeregMr(region_);
    if (pd_ != nullptr) verbs_->DeallocPd(pd_);
    verbs_->DestroyId(id_);
  }
  if (listener_ != nullptr) verbs_->DestroyId(listener_);
  if (events_ != nullptr) verbs_->DestroyEventChannel(events_);
}

bool RawRdma::Dial(const std::string& address, std::string private_data) {
  private_data_ = std::move(private_data);
  absl::StatusOr<Address> parsed = ParseAddress(address);
  SocketAddress source;
  SocketAddress target;
  id_ = verbs_->CreateId(events_);
  state_ = State::kConnecting;
  return id_ != nullptr && parsed.ok() && ToSocketAddress(host_, 0, &source) &&
         ToSocketAddress(parsed->host, parsed->port, &target) &&
         verbs_->ResolveAddr(id_, source.get(), target.get(), kResolveMs) == 0;
}

std::string RawRdma::Listen(std::string answer, bool reject) {
  private_data_ = std::move(answer);
  rejects_ = reject;
  SocketAddress address;
  listener_ = verbs_->CreateId(events_);
  if (listener_ == nullptr || !ToSocketAddress(host_, 0, &address) ||
      verbs_->BindAddr(listener_, address.get()) != 0 || verbs_->Listen(listener_, 16) != 0) {
    return "";
  }
  return Address{host_, PortOf(&listener_->route.addr.src_addr)}.ToString();
}

void RawRdma::Poll() {
  rdma_cm_event* event;
  while (verbs_->GetCmEvent(events_, &event) == 0) {
    rdma_cm_id* const id = event->id;
    const rdma_cm_event_type type = event->event;
    const rdma_conn_param& conn = event->param.conn;
    status_ = event->status;
    if (conn.private_data != nullptr) {
      told_.assign(static_cast<const char*>(conn.private_data), conn.private_data_len);
    }
    verbs_->AckCmEvent(event);
    OnEvent(id, type);
  }
  ibv_wc completion;
  while (queue_ != nullptr && PollCq(queue_, 1, &completion) == 1) {
    if (completion.status != IBV_WC_SUCCESS) {
      if (failure_ == IBV_WC_SUCCESS) failure_ = completion.status;
    } else if (completion.wr_id < receives_) {
      received_.emplace_back(&memory_[completion.wr_id * kSlotBytes], completion.byte_len);
    }
  }
}

void RawRdma::OnEvent(rdma_cm_id* id, rdma_cm_event_type type) {
  switch (type) {
    case RDMA_CM_EVENT_CONNECT_REQUEST:
      return OnRequest(id);
    case RDMA_CM_EVENT_ADDR_RESOLVED:
      verbs_->SetAckTimeout(id, kAckTimeout);
      if (verbs_->ResolveRoute(id, kResolveMs) != 0) Fail();
      return;
    case RDMA_CM_EVENT_ROUTE_RESOLVED: {
      rdma_conn_param parameters = Parameters();
      if (!MakeQueuePair() || verbs_->Connect(id, &parameters) != 0) Fail();
      return;
    }
    case RDMA_CM_EVENT_ESTABLISHED:
      state_ = State::kUp;
      return;
    case RDMA_CM_EVENT_REJECTED:
      state_ = State::kRejected;
      return;
    case RDMA_CM_EVENT_TIMEWAIT_EXIT:
      return;
    default:
      return Fail();
  }
}

void RawRdma::OnRequest(rdma_cm_id* id) {
  if (id_ != nullptr || rejects_) {
    verbs_->Reject(id, private_data_.data(), static_cast<uint8_t>(private_data_.size()));
    return verbs_->DestroyId(id);
  }
  id_ = id;
  state_ = State::kConnecting;
  rdma_conn_param parameters = Parameters();
  if (!MakeQueuePair() || verbs_->Accept(id, &parameters) != 0) Fail();
}

rdma_conn_param RawRdma::Parameters() const {
  rdma_conn_param parameters{};
  parameters.private_data = private_data_.data();
  parameters.private_data_len = static_cast<uint8_t>(private_data_.size());
  parameters.retry_count = 6;
  parameters.rnr_retry_count = 7;
  return parameters;
}

bool RawRdma::MakeQueuePair() {
  memory_.resize(size_t{kSlotBytes} * (receives_ + kSendSlots));
  pd_ = verbs_->AllocPd(id_->verbs);
  if (pd_ == nullptr) return false;
  region_ = verbs_->RegMr(pd_, memory_.data(), memory_.size(), IBV_ACCESS_LOCAL_WRITE);
  const int requests = static_cast<int>(receives_ + kSendSlots);
  queue_ = verbs_->CreateCq(id_->verbs, requests, nullptr, nullptr);
  if (region_ == nullptr || queue_ == nullptr) return false;
  ibv_qp_init_attr attributes{};
  attributes.send_cq = attributes.recv_cq = queue_;
  attributes.cap.max_send_wr = kSendSlots;
  attributes.cap.max_recv_wr = std::max(receives_, 1U);
  attributes.cap.max_send_sge = attributes.cap.max_recv_sge = 1;
  attributes.qp_type = IBV_QPT_RC;
  attributes.sq_sig_all = 1;
  if (verbs_->CreateQp(id_, pd_, &attributes) != 0) return false;
  for (uint32_t i = 0; i < receives_; ++i) {
    ibv_sge piece = {reinterpret_cast<uint64_t>(&memory_[size_t{i} * kSlotBytes]), kSlotBytes,
                     region_->lkey};
    ibv_recv_wr request{};
    request.wr_id = i;
    request.sg_list = &piece;
    request.num_sge = 1;
    ibv_recv_wr* bad;
    if (PostReceive(id_->qp, &request, &bad) != 0) return false;
  }
  return true;
}

bool RawRdma::Send(absl::string_view frame) {
  const uint32_t slot = receives_ + sent_++ % kSendSlots;
  char* const place = &memory_[size_t{slot} * kSlotBytes];
  frame.copy(place, frame.size());
  ibv_sge piece = {reinterpret_cast<uint64_t>(place), static_cast<uint32_t>(frame.size()),
                   region_->lkey};
  ibv_send_wr request{};
  request.wr_id = slot;
  request.sg_list = &piece;
  request.num_sge = frame.empty() ? 0 : 1;
  request.opcode = IBV_WR_SEND;
  request.send_flags = IBV_SEND_SIGNALED | IBV_SEND_SOLICITED;
  ibv_send_wr* bad;
  return PostSend(id_->qp, &request, &bad) == 0;
}

void RawRdma::Disconnect() {
  verbs_->Disconnect(id_);
  state_ = State::kDown;
}

}  // namespace hawser
