// Where RDMA links are accepted.

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "transport/grpc/address.h"
#include "transport/rdma/rdma_provider.h"
#include "transport/rdma/socket_address.h"

namespace hawser {
namespace {

constexpr int kBacklog = 16;
constexpr size_t kListenersMax = 8;

}  // namespace

std::vector<std::string> RdmaProvider::HostsToListenOn(std::string* why) const {
  const bool own = !options_.rdma_listen_address.empty();
  const std::string& text = own ? options_.rdma_listen_address : options_.listen_address;
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) {
    *why = std::string(address.status().message());
  } else if (IsLoopback(*address)) {
    *why = absl::StrCat(text, " is loopback, which is no RDMA device's; set rdma_listen_address");
  } else if (!options_.tls() && !options_.allow_insecure_network) {
    *why = "traffic would be plain text on a network; use TLS, or set allow_insecure_network";
  } else if (!IsWildcard(address->host)) {
    return {address->host};
  } else {
    *why = "no address of this host is an RDMA device's";
    return verbs_->LocalAddresses();
  }
  return {};
}

absl::Status RdmaProvider::Listen() {
  if (options_.rdma_unprotected()) {
    return absl::FailedPreconditionError(
        "rdma_unprotected: TLS is on and rdma_security is not set; set it to kMac, or to "
        "kTrustFabric if the fabric is trusted");
  }
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) return VerbsError("create an eventfd", errno);
  std::string why;
  const std::vector<std::string> hosts = HostsToListenOn(&why);
  if (hosts.empty()) return absl::UnavailableError(why);
  events_ = verbs_->CreateEventChannel();
  if (events_ == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot open the connection manager: ", std::strerror(errno),
                     "; load its module: modprobe rdma_ucm"));
  }
  uint16_t port = 0;
  if (!options_.rdma_listen_address.empty()) {
    port = ParseAddress(options_.rdma_listen_address)->port;
  }
  for (const std::string& host : hosts) {
    if (listeners_.size() == kListenersMax) break;
    if (absl::Status status = ListenOn(host, port); !status.ok()) {
      why = std::string(status.message());
    }
  }
  if (listeners_.empty()) return absl::UnavailableError(why);
  MapDescriptors();
  return absl::OkStatus();
}

absl::Status RdmaProvider::ListenOn(const std::string& host, uint16_t port) {
  SocketAddress address;
  if (!ToSocketAddress(host, port, &address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", host, "\" is no IP address; set rdma_listen_address to one"));
  }
  rdma_cm_id* id = verbs_->CreateId(events_);
  if (id == nullptr) return VerbsError("create an id", errno);
  std::string failed;
  if (const int error = verbs_->BindAddr(id, address.get()); error != 0) {
    failed = absl::StrCat("cannot bind ", host, ": ", std::strerror(error));
  } else if (id->verbs == nullptr) {
    failed = absl::StrCat(host, " is not an address of an RDMA device");
  } else if (const int error = verbs_->Listen(id, kBacklog); error != 0) {
    failed = absl::StrCat("cannot listen on ", host, ": ", std::strerror(error));
  }
  if (!failed.empty()) {
    verbs_->DestroyId(id);
    return absl::UnavailableError(failed);
  }
  id->context = nullptr;
  listeners_.push_back(id);
  listen_hosts_.push_back(host);
  listen_addresses_.push_back(Address{host, PortOf(&id->route.addr.src_addr)}.ToString());
  return absl::OkStatus();
}

}  // namespace hawser
