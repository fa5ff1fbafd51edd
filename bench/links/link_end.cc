#include "bench/links/link_end.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/clock.h"
#include "transport/control.h"
#include "transport/frame.h"
#include "transport/grpc/grpc_provider.h"
#include "transport/rdma/rdma_provider.h"
#include "transport/rdma/verbs.h"

namespace hawser::bench {
namespace {

constexpr int64_t kAtOnce = 0;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kPatienceNs = int64_t{20} * 1'000'000'000;
// As much as the product puts behind one Flush.
constexpr size_t kFlushBytesMax = 256 * 1024;
constexpr TicketParties kParties = {1, 1, 2, 2};

std::string AtAnyPort(const std::string& host) { return absl::StrCat(host, ":0"); }

}  // namespace

LinkEnd::~LinkEnd() {
  if (provider_ != nullptr) provider_->Shutdown();
}

Options LinkEnd::ProviderOptions(const std::string& host) const {
  Options options;
  options.node_id = accepts_ ? kParties.acceptor : kParties.dialler;
  options.cluster_id = "bench";
  options.listen_address = AtAnyPort(host);
  options.rdma_listen_address = AtAnyPort(host);
  options.allow_insecure_network = true;
  options.rdma_slot_bytes = case_.slot_bytes;
  if (case_.waiting != Waiting::kAdapt) options.rdma_spin_us_max = 0;
  return options;
}

absl::Status LinkEnd::Start() {
  const Options options = ProviderOptions(accepts_ ? case_.there : case_.here);
  if (case_.kind == LinkKind::kGrpc) {
    absl::StatusOr<std::unique_ptr<GrpcProvider>> provider = GrpcProvider::Create(options);
    if (!provider.ok()) return provider.status();
    provider_ = *std::move(provider);
  } else {
    absl::StatusOr<Verbs*> verbs = LoadVerbs();
    if (!verbs.ok()) return verbs.status();
    absl::StatusOr<std::unique_ptr<RdmaProvider>> provider = RdmaProvider::Create(options, *verbs);
    if (!provider.ok()) return provider.status();
    rdma_ = provider->get();
    provider_ = *std::move(provider);
  }
  provider_->Start(this);
  frame_bytes_max_ = options.grpc_frame_bytes_max;
  return absl::OkStatus();
}

absl::Status LinkEnd::Dial(ControlChannel* other) {
  if (absl::Status status = Start(); !status.ok()) return status;
  absl::StatusOr<std::string> address = other->Receive();
  if (!address.ok()) return address.status();
  if (rdma_ == nullptr) {
    link_ = provider_->Dial(*address, this);
    return WaitForLink();
  }
  absl::StatusOr<TicketRequest> request = rdma_->Ask({*address}, /*epoch=*/1);
  if (!request.ok()) return request.status();
  if (absl::Status sent = other->Send(EncodeTicketRequest(*request)); !sent.ok()) return sent;
  absl::StatusOr<std::string> ticket = other->Receive();
  if (!ticket.ok()) return ticket.status();
  Control control;
  if (!DecodeControl(*ticket, &control) || control.kind != Control::Kind::kTicket) {
    return absl::InternalError("the answering end gave no ticket");
  }
  link_ = rdma_->Redeem(kParties, *request, control.ticket, this);
  if (link_ == nullptr) return absl::InternalError("the ticket makes no sense");
  return WaitForLink();
}

absl::Status LinkEnd::Accept(ControlChannel* other) {
  accepts_ = true;
  if (absl::Status status = Start(); !status.ok()) return status;
  const std::string& address =
      rdma_ == nullptr ? provider_->listen_address() : rdma_->addresses()[0];
  if (absl::Status sent = other->Send(address); !sent.ok()) return sent;
  if (rdma_ == nullptr) return WaitForLink();
  absl::StatusOr<std::string> request = other->Receive();
  if (!request.ok()) return request.status();
  Control control;
  if (!DecodeControl(*request, &control) || control.kind != Control::Kind::kTicketRequest) {
    return absl::InternalError("the measuring end asked for no ticket");
  }
  Ticket ticket;
  std::string why;
  if (rdma_->Issue(kParties, control.ticket_request, &ticket, &why) != CloseReason::kNone) {
    return absl::InternalError(why);
  }
  if (absl::Status sent = other->Send(EncodeTicket(ticket)); !sent.ok()) return sent;
  return WaitForLink();
}

absl::Status LinkEnd::WaitForLink() {
  const int64_t deadline_ns = NowNs() + kPatienceNs;
  while (!up_ && !down_ && NowNs() < deadline_ns) provider_->Poll(deadline_ns);
  if (down_) return absl::UnavailableError(absl::StrCat("the link failed: ", down_text_));
  if (!up_) return absl::DeadlineExceededError("the link did not come up");
  frame_bytes_max_ = std::min<size_t>(frame_bytes_max_, link_->frame_bytes_max());
  return absl::OkStatus();
}

LinkEvents* LinkEnd::OnAccepted(Link* link) {
  if (!accepts_ || up_) return nullptr;
  link_ = link;
  up_ = true;
  return this;
}

void LinkEnd::OnLinkDown(absl::string_view text) {
  down_ = true;
  down_text_ = std::string(text);
}

void LinkEnd::OnFrame(ReceiveBuffer* buffer, absl::string_view frame) {
  received_bytes_ += frame.size();
  if (frame.size() == kFrameHeaderBytes) ++received_acks_;
}

void LinkEnd::Send(uint64_t count, size_t bytes) {
  message_bytes_ = bytes;
  left_bytes_ += count * bytes;
  if (left_of_message_ == 0) left_of_message_ = bytes;
}

void LinkEnd::Pump() {
  while (left_bytes_ > 0 && !down_ && link_->writable()) {
    size_t flush_bytes = 0;
    while (left_bytes_ > 0 && flush_bytes < kFlushBytesMax && link_->writable()) {
      const size_t bytes = std::min(left_of_message_, frame_bytes_max_);
      const FrameBuffer frame = link_->Allocate(bytes);
      FrameHeader header;
      header.type = FrameType::kFragment;
      EncodeFrameHeader(header, frame.data);
      link_->Send(frame, bytes);
      flush_bytes += bytes;
      left_bytes_ -= bytes;
      left_of_message_ -= bytes;
      if (left_of_message_ == 0) left_of_message_ = message_bytes_;
    }
    link_->Flush();
  }
}

void LinkEnd::Turn() {
  Pump();
  provider_->Poll(case_.waiting == Waiting::kSpin ? kAtOnce : kNever);
}

RdmaCounters LinkEnd::counters() const {
  return rdma_ == nullptr ? RdmaCounters() : rdma_->counters();
}

}  // namespace hawser::bench
