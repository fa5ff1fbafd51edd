// The hot code of a link over a queue pair: post, poll, repost.

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "transport/frame.h"
#include "transport/rdma/rdma_link.h"
#include "transport/receive_block.h"

namespace hawser {
namespace {

// Completions handled before other links have their turn.
constexpr int kPollMax = 64;
// Frames that wait for a slot; credit allows fewer.
constexpr size_t kBacklogMax = 8192;
constexpr uint8_t kTypeBits = 0x0F;
constexpr uint8_t kTrailerFlag = 0x10;

FrameType TypeOf(const char* frame) {
  return static_cast<FrameType>(static_cast<uint8_t>(frame[0]) & kTypeBits);
}

// What a completion belongs to: a receive slot, or the sends up to a number. Of a failed one
// nothing else can be relied on.
uint64_t SendId(uint32_t up_to) { return uint64_t{up_to} << 1 | 1; }
bool IsSend(uint64_t id) { return (id & 1) != 0; }

const char* StatusText(ibv_wc_status status) {
  switch (status) {
    case IBV_WC_RETRY_EXC_ERR:
      return "no answer from the other host: it, its NIC or the path is dead";
    case IBV_WC_RNR_RETRY_EXC_ERR:
      return "the other end has posted no receive";
    case IBV_WC_WR_FLUSH_ERR:
      return "the other end disconnected";
    case IBV_WC_REM_INV_REQ_ERR:
    case IBV_WC_LOC_LEN_ERR:
      return "a frame larger than its slot";
    case IBV_WC_LOC_PROT_ERR:
    case IBV_WC_REM_ACCESS_ERR:
      return "memory that is not registered";
    default:
      return "the operation failed";
  }
}

}  // namespace

FrameBuffer RdmaLink::Allocate(size_t bytes) {
  HAWSER_CHECK(bytes <= options_.slot_bytes);
  if (backlog_.empty() && SendSlotFree()) return {SendSlot(send_head_), bytes};
  backlog_buffer_ = std::make_unique<char[]>(bytes + kMacBytes);
  return {backlog_buffer_.get(), bytes};
}

void RdmaLink::Send(FrameBuffer frame, size_t bytes) {
  if (sealed_) Seal(frame.data, &bytes);
  if (frame.data == backlog_buffer_.get()) {
    ++counters_.backlogged;
    backlog_.push_back({std::move(backlog_buffer_), bytes});
    if (backlog_.size() > kBacklogMax) Fail("too many frames wait for a slot");
  } else {
    Enqueue(bytes);
  }
  blocked_ = blocked_ || !writable();
}

void RdmaLink::SendGathered(FrameBuffer frame, size_t bytes, absl::Span<const GatherPiece> pieces,
                            Hold done) {
  HAWSER_CHECK(frame.data == SendSlot(send_head_) && pieces.size() < pieces_max_ && !sealed_);
  Gathered& gathered = gathered_[send_head_ % options_.send_slots];
  for (const GatherPiece& piece : pieces) {
    ibv_sge& place = gathered.pieces[gathered.count++];
    place.addr = reinterpret_cast<uint64_t>(piece.bytes.data());
    place.length = static_cast<uint32_t>(piece.bytes.size());
    place.lkey = piece.key;
  }
  gathered.done = done;
  ++gathers_;
  ++counters_.gathered;
  Enqueue(bytes);
  blocked_ = blocked_ || !writable();
}

void RdmaLink::AddPieces(const Gathered& gathered, ibv_send_wr* request) {
  for (uint32_t i = 0; i < gathered.count; ++i) {
    request->sg_list[request->num_sge++] = gathered.pieces[i];
  }
  // The host waits for its memory.
  chain_gathers_ = true;
}

void RdmaLink::ReleaseGathered(uint32_t up_to) {
  if (gathers_ == 0) return;
  for (uint32_t number = send_tail_; number != up_to; ++number) {
    Gathered& gathered = gathered_[number % options_.send_slots];
    if (gathered.count == 0) continue;
    gathered.count = 0;
    --gathers_;
    gathered.done.release(gathered.done.argument);
  }
}

void RdmaLink::Enqueue(size_t bytes) {
  frame_bytes_[send_head_ % options_.send_slots] = static_cast<uint32_t>(bytes);
  ++send_head_;
}

void RdmaLink::Flush() {
  if (failed_ || !up_) return;
  PostSends();
}

void RdmaLink::PostSends() {
  while (send_posted_ != send_head_) {
    if (!PostChain(std::min(kSendChain, send_head_ - send_posted_))) return;
  }
}

bool RdmaLink::PostChain(uint32_t count) {
  chain_gathers_ = false;
  for (uint32_t i = 0; i < count; ++i) PrepareSend(send_posted_ + i, i);
  ibv_send_wr& last = send_requests_[count - 1];
  last.next = nullptr;
  if (chain_gathers_) {
    last.send_flags |= IBV_SEND_SIGNALED;
    signalled_ = send_posted_ + count;
  }
  // One wake-up a flush is enough.
  last.send_flags |= IBV_SEND_SOLICITED;
  ibv_send_wr* bad;
  if (const int error = PostSend(qp_, send_requests_.data(), &bad); error != 0) {
    Fail(absl::StrCat("cannot post a send: ", std::strerror(std::abs(error))));
    return false;
  }
  send_posted_ += count;
  ++counters_.send_doorbells;
  counters_.frames_sent += count;
  return true;
}

void RdmaLink::PrepareSend(uint32_t number, uint32_t place) {
  const uint32_t bytes = frame_bytes_[number % options_.send_slots];
  char* const frame = SendSlot(number);
  ibv_sge& piece = send_pieces_[place * kPiecesMax];
  piece.addr = reinterpret_cast<uint64_t>(frame);
  piece.length = bytes;
  piece.lkey = memory_->key();
  ibv_send_wr& request = send_requests_[place];
  request.wr_id = SendId(number + 1);
  request.next = &send_requests_[(place + 1) % kSendChain];
  request.sg_list = &piece;
  request.num_sge = 1;
  request.opcode = IBV_WR_SEND;
  request.send_flags = 0;
  const Gathered& gathered = gathered_[number % options_.send_slots];
  if (gathered.count != 0) {
    AddPieces(gathered, &request);
  } else if (bytes <= inline_bytes_max_) {
    request.send_flags |= IBV_SEND_INLINE;
    ++counters_.inlined;
  }
  // Last words are waited for.
  if (number + 1 - signalled_ >= signal_interval_ || TypeOf(frame) == FrameType::kGoaway) {
    request.send_flags |= IBV_SEND_SIGNALED;
    signalled_ = number + 1;
  }
}

int RdmaLink::Poll() {
  if (failed_) {
    const bool told = events_ == nullptr;
    TellDown();
    return told ? 0 : 1;
  }
  ibv_wc completions[kBatch];
  int total = 0;
  int count;
  do {
    count = PollCq(queue_, kBatch, completions);
    if (count < 0) Fail("cannot poll the completion queue");
    if (count > 0 && total == 0) owner_->BeforeEvents();
    for (int i = 0; i < count; ++i) OnCompletion(completions[i]);
    total += std::max(count, 0);
  } while (count == kBatch && total < kPollMax && !failed_);
  if (blocked_ && writable()) {
    blocked_ = false;
    if (events_ != nullptr) events_->OnLinkWritable();
  }
  if (closed_ && send_tail_ == send_head_ && backlog_.empty()) over_ = true;
  if (failed_) TellDown();
  return total;
}

void RdmaLink::OnCompletion(const ibv_wc& completion) {
  if (IsSend(completion.wr_id)) {
    ++counters_.send_completions;
    if (completion.status == IBV_WC_SUCCESS) return OnSendCompleted(completion.wr_id >> 1);
  } else {
    auto* const slot = reinterpret_cast<ReceiveSlot*>(completion.wr_id);
    slot->posted = false;
    if (completion.status == IBV_WC_SUCCESS) return OnReceived(slot, completion.byte_len);
    slot->Unref();
  }
  // The first one says why; the rest is flushed.
  Fail(absl::StrCat(StatusText(completion.status), " (status ", completion.status, ", vendor ",
                    completion.vendor_err, ")"));
}

void RdmaLink::OnSendCompleted(uint64_t up_to) {
  ReleaseGathered(static_cast<uint32_t>(up_to));
  send_tail_ = static_cast<uint32_t>(up_to);
  if (backlog_.empty()) return;
  while (!backlog_.empty() && SendSlotFree()) {
    const Backlogged& frame = backlog_.front();
    std::memcpy(SendSlot(send_head_), frame.data.get(), frame.bytes);
    Enqueue(frame.bytes);
    backlog_.pop_front();
  }
  Flush();
}

void RdmaLink::OnReceived(ReceiveSlot* slot, uint32_t bytes) {
  ++counters_.frames_received;
  if (events_ == nullptr || (sealed_ && !Unseal(slot, &bytes))) return Repost(slot);
  if (spare_ == nullptr) spare_ = memory_->Take();
  const absl::string_view frame(slot->data(), bytes);
  if (spare_ == nullptr) {
    DeliverCopy(frame);
    return Repost(slot);
  }
  events_->OnFrame(slot, frame);
  if (!slot->shared()) return Repost(slot);
  // Somebody leases it: another one takes its place.
  slot->Unref();
  Repost(std::exchange(spare_, nullptr));
}

void RdmaLink::DeliverCopy(absl::string_view frame) {
  ReceiveBlock* block = ReceiveBlock::Make(frame.size());
  if (block == nullptr) return Fail("no memory for a frame");
  ++counters_.copied_out;
  frame.copy(block->data(), frame.size());
  events_->OnFrame(block, absl::string_view(block->data(), frame.size()));
  block->Unref();
}

void RdmaLink::Repost(ReceiveSlot* slot) {
  slot->posted = true;
  ibv_sge& piece = receive_pieces_[repost_count_];
  piece.addr = reinterpret_cast<uint64_t>(slot->data());
  piece.length = options_.slot_bytes;
  piece.lkey = memory_->key();
  ibv_recv_wr& request = receive_requests_[repost_count_];
  request.wr_id = reinterpret_cast<uint64_t>(slot);
  request.next = repost_count_ + 1 < kRepostChain ? &receive_requests_[repost_count_ + 1] : nullptr;
  request.sg_list = &piece;
  request.num_sge = 1;
  if (++repost_count_ == kRepostChain) PostReposts();
}

void RdmaLink::PostReposts() {
  if (repost_count_ == 0) return;
  receive_requests_[std::exchange(repost_count_, 0) - 1].next = nullptr;
  ++counters_.receive_doorbells;
  ibv_recv_wr* bad;
  if (const int error = PostReceive(qp_, receive_requests_.data(), &bad); error != 0) {
    Fail(absl::StrCat("cannot post a receive: ", std::strerror(std::abs(error))));
  }
}

bool RdmaLink::Arm() {
  // While nobody waits for sends, only what the other end marked is worth a wake-up.
  const bool all = blocked_ || closed_;
  if (armed_ && (armed_for_all_ || !all)) return true;
  if (RequestNotify(queue_, /*solicited_only=*/!all) != 0) {
    Fail("cannot ask for completions");
    return false;
  }
  armed_ = true;
  armed_for_all_ = all;
  return true;
}

void RdmaLink::OnNotified() {
  // One acknowledgement takes a lock: some of them share it.
  constexpr unsigned kAcknowledgeTogether = 64;
  armed_ = false;
  ++counters_.wakes;
  if (++unacknowledged_notifications_ < kAcknowledgeTogether) return;
  verbs_->AckCqEvents(queue_, std::exchange(unacknowledged_notifications_, 0));
}

void RdmaLink::Seal(char* frame, size_t* bytes) {
  const absl::string_view whole(frame, *bytes);
  if (TypeOf(frame) == FrameType::kHello) {
    send_mac_ = std::make_unique<FrameMac>(key_, whole);
    return;
  }
  // A GOAWAY in HELLO's stead.
  if (send_mac_ == nullptr) return;
  frame[1] = static_cast<char>(frame[1] | kTrailerFlag);
  const Mac mac = send_mac_->Of(whole);
  std::copy(mac.begin(), mac.end(), frame + *bytes);
  *bytes += mac.size();
}

bool RdmaLink::Unseal(ReceiveSlot* slot, uint32_t* bytes) {
  char* const frame = slot->data();
  if (*bytes >= kFrameHeaderBytes && receive_mac_ == nullptr) {
    if (TypeOf(frame) == FrameType::kHello) {
      receive_mac_ = std::make_unique<FrameMac>(key_, absl::string_view(frame, *bytes));
      return true;
    }
    if (TypeOf(frame) == FrameType::kGoaway) return true;
  } else if (*bytes >= kFrameHeaderBytes + kMacBytes && (frame[1] & kTrailerFlag) != 0) {
    *bytes -= kMacBytes;
    const Mac mac = receive_mac_->Of(absl::string_view(frame, *bytes));
    if (SameMac(absl::string_view(mac.data(), mac.size()),
                absl::string_view(frame + *bytes, kMacBytes))) {
      frame[1] = static_cast<char>(frame[1] & ~kTrailerFlag);
      return true;
    }
  }
  events_->OnGarbage("a frame without the MAC that was agreed");
  return false;
}

}  // namespace hawser
