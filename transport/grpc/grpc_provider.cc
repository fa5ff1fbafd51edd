#include "transport/grpc/grpc_provider.h"

#include <grpc/grpc.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "transport/grpc/address.h"
#include "transport/grpc/channel_arguments.h"
#include "transport/grpc/tls_credentials.h"

namespace hawser {
namespace {

constexpr char kMethod[] = "/hawser.transport.v1.Transport/Stream";
constexpr int kAcceptSlots = 4;
// How long a closed link may take to say its last words.
constexpr int64_t kLingerNs = 200 * 1000000;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

gpr_timespec ToTimespec(int64_t deadline_ns) {
  if (deadline_ns == kNever) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  if (deadline_ns <= 0) return gpr_inf_past(GPR_CLOCK_MONOTONIC);
  gpr_timespec time;
  time.tv_sec = deadline_ns / 1000000000;
  time.tv_nsec = static_cast<int32_t>(deadline_ns % 1000000000);
  time.clock_type = GPR_CLOCK_MONOTONIC;
  return time;
}

absl::StatusOr<Address> ParseAllowed(const Options& options, const std::string& text) {
  absl::StatusOr<Address> address = ParseAddress(text);
  if (address.ok() && !IsLoopback(*address) && !options.tls() && !options.allow_insecure_network) {
    return absl::InvalidArgumentError(absl::StrCat(
        "address \"", text, "\" is not loopback, and traffic would be plain text; set ",
        "tls_certificate_file, tls_key_file and tls_ca_file, use a loopback address, or set ",
        "allow_insecure_network if the network is trusted"));
  }
  return address;
}

// gRPC shuts itself down when the last object of it goes, on a thread that nobody can wait for, and
// would still be at it when main returns. This reference keeps it up as long as the process lives.
void KeepGrpcUp() {
  static const bool kept = [] {
    grpc_init();
    return true;
  }();
  static_cast<void>(kept);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcProvider>> GrpcProvider::Create(const Options& options) {
  KeepGrpcUp();
  std::unique_ptr<GrpcProvider> provider(new GrpcProvider(options));
  if (options.tls()) {
    auto certificates = CertificateFiles::Open(options);
    if (!certificates.ok()) return certificates.status();
    provider->certificates_ = *std::move(certificates);
  }
  if (absl::Status status = provider->Listen(); !status.ok()) return status;
  return provider;
}

GrpcProvider::GrpcProvider(const Options& options) : options_(options), next_renew_ns_(kNever) {}

GrpcProvider::~GrpcProvider() {
  if (!shut_down_) Shutdown();
}

absl::Status GrpcProvider::CheckAddress(const Options& options, const std::string& address) {
  absl::StatusOr<Address> parsed = ParseAllowed(options, address);
  if (parsed.ok() && parsed->port == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("address \"", address, "\": port 0 cannot be dialled"));
  }
  return parsed.status();
}

absl::Status GrpcProvider::Listen() {
  absl::StatusOr<Address> address = ParseAllowed(options_, options_.listen_address);
  if (!address.ok()) return address.status();
  grpc::ServerBuilder builder;
  builder.RegisterAsyncGenericService(&service_);
  SetServerArguments(options_, &builder);
  credentials_ = certificates_ == nullptr ? grpc::InsecureServerCredentials()
                                          : MakeServerCredentials(certificates_.get());
  int port = 0;
  builder.AddListeningPort(address->ToString(), credentials_, &port);
  queue_ = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options_.listen_address,
                     ": the port is in use, or the address is not of this machine"));
  }
  address->port = static_cast<uint16_t>(port);
  listen_address_ = address->ToString();
  return absl::OkStatus();
}

void GrpcProvider::Start(LinkAcceptor* acceptor) {
  acceptor_ = acceptor;
  for (int i = 0; i < kAcceptSlots; ++i) AddAcceptSlot();
  if (certificates_ == nullptr) return;
  certificates_->Watch([this] {
    certificates_changed_.store(true);
    Wake();
  });
}

void GrpcProvider::AddAcceptSlot() {
  GrpcServerLink::Owner* owner = this;
  links_.push_back(std::make_unique<GrpcServerLink>(parts(), &service_, owner));
}

void GrpcProvider::OnCall(GrpcServerLink* link, bool ok) {
  if (!ok) {
    link->Abandon();
    return;
  }
  if (no_more_operations_) {
    link->Abandon();
    return;
  }
  AddAcceptSlot();
  if (link->method() != kMethod) {
    link->Refuse(grpc::Status(grpc::StatusCode::UNIMPLEMENTED,
                              absl::StrCat("this port serves ", kMethod, " only")));
    return;
  }
  std::string why;
  if (!link->Identify(&why)) {
    Log(absl::StrCat("refused a connection: ", why));
    link->Refuse(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, why));
    return;
  }
  link->certificates_version = AcceptedVersion();
  link->Accept();
  LinkEvents* events = acceptor_->OnAccepted(link);
  if (events == nullptr) {
    link->Close();
  } else {
    link->SetUser(events);
  }
}

Link* GrpcProvider::Dial(const std::string& address, LinkEvents* events) {
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  uint64_t version = 0;
  if (certificates_ == nullptr) {
    credentials = grpc::InsecureChannelCredentials();
  } else {
    const std::shared_ptr<const CertificateBundle> bundle = certificates_->current();
    credentials = MakeChannelCredentials(*bundle);
    version = bundle->version;
  }
  auto channel = grpc::CreateCustomChannel(address, credentials, ClientArguments(options_));
  links_.push_back(std::make_unique<GrpcClientLink>(parts(), std::move(channel), address, events));
  links_.back()->certificates_version = version;
  return links_.back().get();
}

uint64_t GrpcProvider::AcceptedVersion() const {
  if (certificates_ == nullptr) return 0;
  const uint64_t version = certificates_->current()->version;
  const bool perhaps_older =
      version > 0 && (version != certificates_version_ || MonotonicNs() < renew_from_ns_);
  return perhaps_older ? version - 1 : version;
}

void GrpcProvider::Renew() {
  const int64_t now_ns = MonotonicNs();
  if (certificates_changed_.exchange(false)) {
    certificates_version_ = certificates_->current()->version;
    // A connection that becomes a stream before this may have shaken hands with the old ones: at
    // most one timeout for the handshake and one for being idle have passed since.
    renew_from_ns_ = now_ns + 2 * int64_t{options_.hello_timeout_ms} * 1000000;
    renew_deadline_ns_ = now_ns + int64_t{options_.tls_renew_ms} * 1000000;
  }
  next_renew_ns_ = now_ns < renew_from_ns_ ? renew_from_ns_ : kNever;
  if (next_renew_ns_ != kNever) return;
  for (size_t i = 0; i < links_.size(); ++i) {
    GrpcLink* link = links_[i].get();
    if (!link->up() || link->certificates_version >= certificates_version_) continue;
    if (link->expiry_deadline_ns == 0) {
      link->expiry_deadline_ns = std::max(renew_deadline_ns_, now_ns);
      link->Expire();
    } else if (now_ns >= link->expiry_deadline_ns) {
      link->Cancel();
      continue;
    }
    next_renew_ns_ = std::min(next_renew_ns_, link->expiry_deadline_ns);
  }
}

int GrpcProvider::HandleWatched() {
  if (watcher_ == nullptr) return 0;
  std::vector<WaitFdWatcher::Event> events;
  watcher_->Take(&events);
  if (!events.empty()) acceptor_->BeforeEvents();
  for (const WaitFdWatcher::Event& event : events) {
    static_cast<GrpcEvent*>(event.tag)->Complete(event.ok);
  }
  return static_cast<int>(events.size());
}

void GrpcProvider::ReadOn() {
  for (GrpcLink* link : readers_) link->ReadOn();
  readers_.clear();
}

int GrpcProvider::Poll(int64_t deadline_ns) {
  ReadOn();
  if (certificates_changed_.load(std::memory_order_relaxed) ||
      (next_renew_ns_ != kNever && MonotonicNs() >= next_renew_ns_)) {
    acceptor_->BeforeEvents();
    Renew();
  }
  deadline_ns = std::min(deadline_ns, next_renew_ns_);
  if (sweep_) {
    Sweep();
    if (sweep_) deadline_ns = std::min(deadline_ns, MonotonicNs() + kLingerNs / 10);
  }
  // What comes now the watcher takes; the sleep on its descriptor ends at once.
  if (watcher_ != nullptr && watcher_->waiting() && deadline_ns <= MonotonicNs()) return 0;
  if (const int handled = HandleWatched(); handled > 0) return handled;
  void* tag;
  bool ok;
  if (queue_->AsyncNext(&tag, &ok, ToTimespec(deadline_ns)) == grpc::CompletionQueue::GOT_EVENT) {
    acceptor_->BeforeEvents();
    static_cast<GrpcEvent*>(tag)->Complete(ok);
    return 1;
  }
  if (watcher_ != nullptr) watcher_->Arm();
  return 0;
}

void GrpcProvider::Sweep() {
  sweep_ = false;
  const int64_t now_ns = MonotonicNs();
  for (const auto& link : links_) {
    if (!link->closing()) continue;
    sweep_ = true;
    if (link->linger_deadline_ns == 0) {
      link->linger_deadline_ns = now_ns + kLingerNs;
    } else if (now_ns >= link->linger_deadline_ns) {
      link->Cancel();
    }
  }
  links_.erase(std::remove_if(links_.begin(), links_.end(),
                              [](const std::unique_ptr<GrpcLink>& link) { return link->done(); }),
               links_.end());
}

void GrpcProvider::Drain(int64_t deadline_ns) {
  const auto lingers = [this] {
    return std::any_of(links_.begin(), links_.end(), [](const auto& l) { return l->closing(); });
  };
  while (lingers() && MonotonicNs() < deadline_ns) {
    ReadOn();
    if (HandleWatched() > 0) continue;
    void* tag;
    bool ok;
    if (queue_->AsyncNext(&tag, &ok, ToTimespec(deadline_ns)) == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<GrpcEvent*>(tag)->Complete(ok);
    }
  }
}

void GrpcProvider::Shutdown() {
  if (shut_down_) return;
  shut_down_ = true;
  if (queue_ == nullptr) return;
  ReadOn();
  Drain(MonotonicNs() + kLingerNs);
  for (const auto& link : links_) link->Cancel();
  // From here on only what is under way completes: an operation that began on a queue that is shut
  // down would abort the process.
  no_more_operations_ = true;
  // There is none when the listener could not be bound.
  if (server_ != nullptr) server_->Shutdown(gpr_inf_past(GPR_CLOCK_MONOTONIC));
  {
    MutexLock lock(&wake_mu_);
    queue_is_down_ = true;
    queue_->Shutdown();
  }
  void* tag;
  bool ok;
  while (queue_->Next(&tag, &ok)) static_cast<GrpcEvent*>(tag)->Complete(ok);
  if (watcher_ != nullptr) {
    HandleWatched();
    watcher_.reset();
  }
  links_.clear();
}

void GrpcProvider::Wake() {
  if (wake_pending_.exchange(true)) return;
  MutexLock lock(&wake_mu_);
  if (queue_is_down_) return;
  alarm_.Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC),
             static_cast<GrpcEvent*>(&wake_event_));
}

int GrpcProvider::WaitFd() {
  if (watcher_ == nullptr) watcher_ = WaitFdWatcher::Create(queue_.get());
  return watcher_ == nullptr ? -1 : watcher_->fd();
}

}  // namespace hawser
