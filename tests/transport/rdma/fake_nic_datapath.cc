// Queue pairs: posts, transmission, receiver-not-ready, retries, flushes.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "tests/transport/rdma/fake_nic_parts.h"

namespace hawser {
namespace {

// min_rnr_timer's code in nanoseconds, for the codes that tests use; the table is InfiniBand's.
int64_t RnrTimerNs(uint8_t code) {
  if (code == 0) return 655360000;
  static constexpr int64_t kTable[] = {655360, 10,  20,  30,  40,  60, 80,
                                       120,    160, 240, 320, 480, 640};
  return code < 13 ? kTable[code] * 1000 : 960000;
}

int64_t RetryNs(uint8_t timeout, uint8_t retries) {
  return (int64_t{4096} << timeout) * (retries + 1);
}

constexpr char kUnseen = '\xDD';

}  // namespace

int FakeNic::OpPostSend(ibv_qp* qp, ibv_send_wr* requests, ibv_send_wr** bad) {
  FakeQp* fake = FakeOf(qp);
  FakeNic* nic = fake->nic;
  InsideNic inside(nic);
  *bad = requests;
  if (nic->Fails()) return ENOMEM;
  ++nic->counters_.send_doorbells;
  for (ibv_send_wr* request = requests; request != nullptr; request = request->next) {
    *bad = request;
    if (const int error = fake->Post(request); error != 0) return error;
    ++nic->counters_.send_requests;
  }
  fake->Pump();
  return 0;
}

int FakeNic::OpPostReceive(ibv_qp* qp, ibv_recv_wr* requests, ibv_recv_wr** bad) {
  FakeQp* fake = FakeOf(qp);
  FakeNic* nic = fake->nic;
  InsideNic inside(nic);
  *bad = requests;
  if (nic->Fails()) return ENOMEM;
  ++nic->counters_.receive_doorbells;
  for (ibv_recv_wr* request = requests; request != nullptr; request = request->next) {
    *bad = request;
    if (const int error = fake->Post(request); error != 0) return error;
    ++nic->counters_.receive_requests;
  }
  return 0;
}

int FakeQp::Post(ibv_send_wr* request) {
  if (qp.state != IBV_QPS_RTS && !in_error) return EINVAL;
  if (request->opcode != IBV_WR_SEND || request->num_sge > static_cast<int>(cap.max_send_sge)) {
    return EINVAL;
  }
  if (send_slots_used == cap.max_send_wr) return ENOMEM;
  Send send;
  send.request = *request;
  send.pieces.assign(request->sg_list, request->sg_list + request->num_sge);
  send.is_inline = (request->send_flags & IBV_SEND_INLINE) != 0;
  for (const ibv_sge& piece : send.pieces) {
    if (!send.is_inline) continue;
    send.inlined.append(reinterpret_cast<const char*>(piece.addr), piece.length);
  }
  if (send.inlined.size() > cap.max_inline_data) return EINVAL;
  if (send.is_inline) ++nic->counters_.inlined;
  ++send_slots_used;
  sends.push_back(std::move(send));
  if (in_error) CompleteSend(IBV_WC_WR_FLUSH_ERR);
  return 0;
}

int FakeQp::Post(ibv_recv_wr* request) {
  if (request->num_sge != 1) return EINVAL;
  if (receives.size() == cap.max_recv_wr) return ENOMEM;
  const ibv_sge& piece = *request->sg_list;
  if (nic->MayUse(qp.pd, piece.addr, piece.length, piece.lkey, IBV_ACCESS_LOCAL_WRITE)) {
    std::memset(reinterpret_cast<void*>(piece.addr), kUnseen, piece.length);
  }
  receives.push_back({request->wr_id, piece});
  if (in_error) Fail(IBV_WC_WR_FLUSH_ERR);
  return 0;
}

FakeQp* FakeQp::other() const {
  FakeCmId* peer = id->other;
  return peer == nullptr || peer->nic->dead_ ? nullptr : peer->qp;
}

bool FakeQp::Gather(const Send& send, std::string* bytes) const {
  if (send.is_inline) {
    *bytes = send.inlined;
    return true;
  }
  for (const ibv_sge& piece : send.pieces) {
    if (!nic->MayUse(qp.pd, piece.addr, piece.length, piece.lkey, 0)) return false;
    bytes->append(reinterpret_cast<const char*>(piece.addr), piece.length);
  }
  return true;
}

size_t FakeQp::BytesOf(const Send& send) const {
  size_t bytes = send.inlined.size();
  if (send.is_inline) return bytes;
  for (const ibv_sge& piece : send.pieces) bytes += piece.length;
  return bytes;
}

void FakeQp::Pump() {
  if (leaving || in_error || left == sends.size() || nic->dead_) return;
  leaving = true;
  const int64_t rate = fabric()->options.bytes_per_second;
  const auto bytes = static_cast<int64_t>(BytesOf(sends[left]));
  const int64_t takes_ns = rate == 0 ? 0 : bytes * 1000000000 / rate;
  // The memory is read when the last byte leaves.
  fabric()->At(fabric()->now_ns() + takes_ns,
               [this, here = std::weak_ptr<bool>(alive), this_round = round] {
                 if (!here.expired() && !in_error && !nic->dead_ && round == this_round) Leave();
               });
}

void FakeQp::Leave() {
  leaving = false;
  const Send& send = sends[left++];
  std::string data;
  if (!Gather(send, &data)) return Fail(IBV_WC_LOC_PROT_ERR);
  const bool solicited = (send.request.send_flags & IBV_SEND_SOLICITED) != 0;
  FakeQp* peer = other();
  const std::weak_ptr<bool> here = alive;
  if (peer == nullptr || peer->in_error || fabric()->IsCut(id->local_address, id->remote_address)) {
    fabric()->At(fabric()->now_ns() + RetryNs(ack_timeout, retry_count), [this, here] {
      if (!here.expired() && !in_error) Fail(IBV_WC_RETRY_EXC_ERR);
    });
    return;
  }
  fabric()->At(fabric()->now_ns() + fabric()->options.latency_ns,
               [this, here, there = std::weak_ptr<bool>(peer->alive), peer, data, solicited,
                this_round = round] {
                 if (here.expired() || in_error || round != this_round) return;
                 if (there.expired() || peer->in_error) return Fail(IBV_WC_RETRY_EXC_ERR);
                 peer->Arrive(this, data, solicited);
               });
  Pump();
}

void FakeQp::SendAgain(int64_t after_ns) {
  ++round;
  left = delivered;
  leaving = true;
  fabric()->At(fabric()->now_ns() + after_ns, [this, here = std::weak_ptr<bool>(alive)] {
    if (here.expired()) return;
    leaving = false;
    Pump();
  });
}

void FakeQp::Arrive(FakeQp* from, const std::string& bytes, bool solicited) {
  if (receives.empty()) {
    ++nic->counters_.not_ready;
    if (from->rnr_retry != 7 && from->rnr_tries++ >= from->rnr_retry) {
      return from->Fail(IBV_WC_RNR_RETRY_EXC_ERR);
    }
    from->SendAgain(RnrTimerNs(min_rnr_timer));
    return;
  }
  const Receive receive = receives.front();
  receives.pop_front();
  ibv_wc completion{};
  completion.wr_id = receive.wr_id;
  completion.qp_num = qp.qp_num;
  completion.opcode = IBV_WC_RECV;
  completion.byte_len = static_cast<uint32_t>(bytes.size());
  if (bytes.size() > receive.piece.length) completion.status = IBV_WC_LOC_LEN_ERR;
  if (!nic->MayUse(qp.pd, receive.piece.addr, receive.piece.length, receive.piece.lkey,
                   IBV_ACCESS_LOCAL_WRITE)) {
    completion.status = IBV_WC_LOC_PROT_ERR;
  }
  ++nic->counters_.receive_completions;
  if (completion.status != IBV_WC_SUCCESS) {
    receive_queue->Push({completion, nullptr}, true);
    from->Fail(IBV_WC_REM_INV_REQ_ERR);
    return Fail(IBV_WC_WR_FLUSH_ERR);
  }
  auto* const place = reinterpret_cast<char*>(receive.piece.addr);
  receive_queue->Push(
      {completion, [place, bytes] { std::memcpy(place, bytes.data(), bytes.size()); }}, solicited);
  // Its acknowledgement comes back.
  ++from->delivered;
  fabric()->At(fabric()->now_ns() + fabric()->options.latency_ns,
               [from, there = std::weak_ptr<bool>(from->alive)] {
                 if (!there.expired() && !from->in_error) from->Acknowledged();
               });
}

void FakeQp::Acknowledged() {
  rnr_tries = 0;
  --left;
  --delivered;
  const Send& send = sends.front();
  if (!all_signalled && (send.request.send_flags & IBV_SEND_SIGNALED) == 0) {
    ++unsignalled;
    sends.pop_front();
  } else {
    CompleteSend(IBV_WC_SUCCESS);
  }
}

void FakeQp::CompleteSend(ibv_wc_status status) {
  ibv_wc completion{};
  completion.wr_id = sends.front().request.wr_id;
  completion.qp_num = qp.qp_num;
  completion.status = status;
  // Of a failed one the opcode means nothing.
  completion.opcode = status == IBV_WC_SUCCESS ? IBV_WC_SEND : static_cast<ibv_wc_opcode>(255);
  const uint32_t slots = std::exchange(unsignalled, 0) + 1;
  sends.pop_front();
  ++nic->counters_.send_completions;
  send_queue->Push({completion,
                    [this, slots, here = std::weak_ptr<bool>(alive)] {
                      if (!here.expired()) send_slots_used -= slots;
                    }},
                   false);
}

void FakeQp::Fail(ibv_wc_status first) {
  in_error = true;
  left = delivered = 0;
  qp.state = IBV_QPS_ERR;
  while (!sends.empty()) {
    CompleteSend(first);
    first = IBV_WC_WR_FLUSH_ERR;
  }
  while (!receives.empty()) {
    ibv_wc completion{};
    completion.wr_id = receives.front().wr_id;
    completion.qp_num = qp.qp_num;
    completion.status = IBV_WC_WR_FLUSH_ERR;
    completion.opcode = static_cast<ibv_wc_opcode>(255);
    receives.pop_front();
    receive_queue->Push({completion, nullptr}, true);
  }
}

int FakeNic::ModifyQp(ibv_qp* qp, ibv_qp_attr* attributes, int mask) {
  if (Fails()) return ENOMEM;
  FakeQp* fake = FakeOf(qp);
  if ((mask & IBV_QP_MIN_RNR_TIMER) != 0) fake->min_rnr_timer = attributes->min_rnr_timer;
  if ((mask & IBV_QP_STATE) != 0) {
    if (attributes->qp_state != IBV_QPS_ERR) return EINVAL;
    fake->Fail(IBV_WC_WR_FLUSH_ERR);
  }
  return 0;
}

}  // namespace hawser
