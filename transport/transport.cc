#include "transport/transport.h"

#include <sys/stat.h>

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/monotonic.h"
#include "transport/transport_impl.h"

namespace hawser {
namespace {

// Memory that NICs know.
class NicMemory : public MemoryRegistration {
 public:
  NicMemory(HostMemory* memory, int place) : memory_(memory), place_(place) {}
  ~NicMemory() override { memory_->Remove(place_); }
  bool registered() const override { return memory_->Registered(place_); }

 private:
  HostMemory* const memory_;
  const int place_;
};

// Memory that needs nothing done: there is no RDMA.
class PlainMemory : public MemoryRegistration {
 public:
  bool registered() const override { return false; }
};

bool IsDirectory(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> Transport::Create(const Options& options,
                                                             RaftHandler* handler) {
  HAWSER_CHECK(handler != nullptr);
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  if (!options.record_directory.empty() && !IsDirectory(options.record_directory)) {
    return absl::InvalidArgumentError(absl::StrCat("record_directory ", options.record_directory,
                                                   " is no directory: make it before"));
  }
  for (const std::string& address : options.advertised_addresses) {
    if (absl::Status status = GrpcProvider::CheckAddress(options, address); !status.ok()) {
      return status;
    }
  }
  absl::StatusOr<std::unique_ptr<GrpcProvider>> provider = GrpcProvider::Create(options);
  if (!provider.ok()) return provider.status();
  Impl::Links links = Impl::LinksWith(options, *std::move(provider));
  if (options.link_policy == LinkPolicy::kRdma && links.rdma == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("link_policy is kRdma, and there is no RDMA: ", links.rdma_absent));
  }
  return std::unique_ptr<Transport>(
      new Transport(std::make_unique<Impl>(options, handler, std::move(links))));
}

Transport::Transport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transport::~Transport() = default;

absl::Status Transport::Start() { return impl_->Start(); }
void Transport::Stop(absl::Duration patience) { impl_->Stop(patience); }

absl::Status Transport::AddPeer(NodeId node, std::vector<std::string> addresses) {
  return impl_->AddPeer(node, std::move(addresses));
}
absl::Status Transport::UpdatePeer(NodeId node, std::vector<std::string> addresses) {
  return impl_->UpdatePeer(node, std::move(addresses));
}
absl::Status Transport::RemovePeer(NodeId node) { return impl_->RemovePeer(node); }

absl::Status Transport::DrainPeer(NodeId node) { return impl_->DrainPeer(node); }

absl::Status Transport::PinLink(NodeId node, LinkKind link) { return impl_->PinLink(node, link); }

SendResult Transport::Send(NodeId node, GroupId group, const MessageView& message, Hold hold) {
  return impl_->Send(node, group, message, hold);
}

CallId Transport::Call(NodeId node, absl::string_view endpoint, absl::string_view request,
                       absl::Time deadline, CallDone done, Lane lane) {
  return impl_->Call(node, endpoint, request, deadline, std::move(done), lane);
}

CallId Transport::CallAppend(NodeId node, GroupId group, const MessageView& message, Hold hold,
                             absl::Time deadline, CallDone done) {
  return impl_->CallAppend(node, group, message, hold, deadline, std::move(done));
}

void Transport::Cancel(CallId call) { impl_->Cancel(call); }

absl::Status Transport::RegisterEndpoint(absl::string_view endpoint, EndpointHandler handler,
                                         EndpointOptions options) {
  return impl_->RegisterEndpoint(endpoint, std::move(handler), std::move(options));
}

PayloadPool* Transport::payload_pool() { return impl_->payload_pool(); }

absl::StatusOr<std::unique_ptr<MemoryRegistration>> Transport::RegisterMemory(
    absl::Span<char> memory) {
  if (memory.empty()) return absl::InvalidArgumentError("there is no memory to register");
  if (impl_->links_.rdma == nullptr) return std::make_unique<PlainMemory>();
  HostMemory* const host_memory = impl_->links_.rdma->host_memory();
  absl::StatusOr<int> place = host_memory->Add(memory);
  if (!place.ok()) return place.status();
  return std::make_unique<NicMemory>(host_memory, *place);
}

int Transport::Poll(absl::Time deadline) {
  if (impl_->options_.loop_mode != LoopMode::kPoll) return -1;
  if (impl_->state_.load() == Impl::State::kNew || impl_->loop_.InTurn()) return 0;
  return impl_->loop_.Turn(ToMonotonicNs(deadline));
}

void Transport::Wake() { impl_->Wake(); }

int Transport::WaitFd() {
  return impl_->options_.loop_mode == LoopMode::kPoll ? impl_->loop_.WaitFd() : -1;
}

absl::Time Transport::PollDeadline() {
  const int64_t deadline_ns = impl_->loop_.NextDeadlineNs();
  if (deadline_ns == std::numeric_limits<int64_t>::max()) return absl::InfiniteFuture();
  return absl::Now() + absl::Nanoseconds(deadline_ns - MonotonicNs());
}

TransportStatus Transport::Describe() { return impl_->Describe(); }

const std::string& Transport::listen_address() const {
  return impl_->links_.grpc->listen_address();
}

}  // namespace hawser
