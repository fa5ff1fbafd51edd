#include "admin/admin_server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "admin/admin_service.h"
#include "admin/permissions.h"
#include "admin/status_poller.h"
#include "transport/grpc/address.h"
#include "transport/grpc/tls_credentials.h"
#include "transport/security/certificate_files.h"

namespace hawser::admin {
namespace {

constexpr int kRequestBytesMax = 4096;
constexpr int kMetadataBytesMax = 16 * 1024;  // Tokens are among it.
constexpr int kStreamsOfAConnectionMax = 32;
constexpr int kHandshakeMs = 5000;
constexpr int kKeepaliveMs = 10000;
constexpr int kKeepaliveTimeoutMs = 5000;

Options CertificateOptions(const TransportStatus& node, const AdminOptions& options) {
  Options certificates;
  certificates.node_id = node.node;
  certificates.cluster_id = node.cluster_id;
  certificates.tls_certificate_file = options.tls_certificate_file;
  certificates.tls_key_file = options.tls_key_file;
  certificates.tls_ca_file = options.tls_ca_file;
  certificates.tls_identities = options.tls_identities;
  certificates.tls_reload_ms = options.tls_reload_ms;
  return certificates;
}

void SetArguments(const AdminOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(kRequestBytesMax);
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsOfAConnectionMax);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  // What a stranger compressed would grow a thousandfold.
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // Watchers whose machine is gone leave their place.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  grpc::ResourceQuota quota;
  quota.Resize(options.memory_bytes_max);
  builder->SetResourceQuota(quota);
}

}  // namespace

class AdminServer::Impl {
 public:
  Impl(Transport* transport, const AdminOptions& options, std::unique_ptr<Permissions> permissions)
      : options_(options),
        permissions_(std::move(permissions)),
        poller_([transport] { return transport->Describe(); },
                {options.interval_ms, options.watchers_max, options.waiting_calls_max}),
        service_(permissions_.get(), &poller_,
                 {[transport](NodeId node, hawser::LinkKind link) {
                    return transport->PinLink(node, link);
                  },
                  [transport](NodeId node) { return transport->DrainPeer(node); },
                  [transport](NodeId node, std::vector<std::string> addresses) {
                    return transport->UpdatePeer(node, std::move(addresses));
                  }},
                 options.watcher_stalled_ms) {}

  ~Impl() {
    if (server_ == nullptr) return;
    // Calls that wait for a look end with the poller, those that watch are cancelled.
    server_->GetHealthCheckService()->Shutdown();
    poller_.Stop();
    server_->Shutdown(std::chrono::system_clock::time_point());
    server_->Wait();
  }

  absl::Status Listen(const TransportStatus& node) {
    credentials_ = grpc::InsecureServerCredentials();
    if (options_.tls()) {
      absl::StatusOr<std::unique_ptr<CertificateFiles>> files =
          CertificateFiles::Open(CertificateOptions(node, options_));
      if (!files.ok()) return files.status();
      certificates_ = *std::move(files);
      certificates_->Watch([] {});
      credentials_ = MakeServerCredentials(certificates_.get());
    }
    absl::StatusOr<Address> address = ParseAddress(options_.listen_address);
    if (!address.ok()) return address.status();
    grpc::ServerBuilder builder;
    SetArguments(options_, &builder);
    builder.RegisterService(&service_);
    int port = 0;
    builder.AddListeningPort(address->ToString(), credentials_, &port);
    // gRPC has no switch for one server.
    const bool health = grpc::DefaultHealthCheckServiceEnabled();
    grpc::EnableDefaultHealthCheckService(true);
    server_ = builder.BuildAndStart();
    grpc::EnableDefaultHealthCheckService(health);
    if (server_ == nullptr || port == 0) {
      return absl::UnavailableError(
          absl::StrCat("admin: cannot listen on ", options_.listen_address,
                       ": the port is in use, or the address is not of this machine"));
    }
    server_->GetHealthCheckService()->SetServingStatus(Admin::service_full_name(), true);
    address->port = static_cast<uint16_t>(port);
    listen_address_ = address->ToString();
    return absl::OkStatus();
  }

  const std::string& listen_address() const { return listen_address_; }
  const StatusPoller& poller() const { return poller_; }
  const AdminService& service() const { return service_; }

 private:
  const AdminOptions options_;
  const std::unique_ptr<Permissions> permissions_;
  std::unique_ptr<CertificateFiles> certificates_;        // nullptr: plain text
  std::shared_ptr<grpc::ServerCredentials> credentials_;  // The server calls it.
  StatusPoller poller_;
  AdminService service_;
  std::unique_ptr<grpc::Server> server_;
  std::string listen_address_;
};

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(Transport* transport,
                                                                const AdminOptions& options) {
  if (absl::Status status = options.Validate(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Permissions>> permissions = Permissions::Create(options);
  if (!permissions.ok()) return permissions.status();
  auto impl = std::make_unique<Impl>(transport, options, *std::move(permissions));
  if (absl::Status status = impl->Listen(transport->Describe()); !status.ok()) return status;
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() = default;

const std::string& AdminServer::listen_address() const { return impl_->listen_address(); }
uint64_t AdminServer::refused() const { return impl_->service().refused(); }
uint64_t AdminServer::looks() const { return impl_->poller().looks(); }

}  // namespace hawser::admin
