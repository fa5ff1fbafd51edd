#include "transport/grpc/tls_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "base/check.h"

namespace hawser {
namespace {

// gRPC's C++ server credentials cannot replace a CA; those of its C layer can: they ask for the
// certificates at each handshake.
class ReloadingServerCredentials : public grpc::ServerCredentials {
 public:
  explicit ReloadingServerCredentials(const CertificateFiles* files) : files_(files) {
    grpc_ssl_server_credentials_options* options =
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, &Fetch, this);
    // Takes the options.
    credentials_ = grpc_ssl_server_credentials_create_with_options(options);
    HAWSER_CHECK(credentials_ != nullptr);
  }
  ~ReloadingServerCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    // Calls carry no credentials of their own: connections do.
    HAWSER_CHECK(false);
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // gRPC calls it before each handshake, one at a time, on the thread that drives the handshake.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* argument, grpc_ssl_server_certificate_config** config) {
    auto* self = static_cast<ReloadingServerCredentials*>(argument);
    const std::shared_ptr<const CertificateBundle> bundle = self->files_->current();
    if (self->fetched_ == bundle) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair = {bundle->set.key.c_str(),
                                             bundle->set.certificate.c_str()};
    *config = grpc_ssl_server_certificate_config_create(bundle->set.ca.c_str(), &pair, 1);
    self->fetched_ = bundle;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const CertificateFiles* const files_;
  grpc_server_credentials* credentials_;
  std::shared_ptr<const CertificateBundle> fetched_;
};

std::vector<std::string> Values(const grpc::AuthContext* context, const char* property) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : context->FindPropertyValues(property)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const CertificateFiles* files) {
  return std::make_shared<ReloadingServerCredentials>(files);
}

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const CertificateBundle& bundle) {
  namespace tls = grpc::experimental;
  const std::vector<tls::IdentityKeyCertPair> pairs = {{bundle.set.key, bundle.set.certificate}};
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<tls::StaticDataCertificateProvider>(bundle.set.ca, pairs));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  // These two are about host names.
  options.set_certificate_verifier(std::make_shared<tls::NoOpCertificateVerifier>());
  options.set_check_call_host(false);
  return tls::TlsCredentials(options);
}

LinkIdentity IdentityOf(const grpc::AuthContext* context, const IdentityRule& rule) {
  LinkIdentity identity;
  identity.required = true;
  if (context == nullptr || !context->IsPeerAuthenticated()) {
    identity.text = "the connection proves nobody's identity";
    return identity;
  }
  const CertificateNames names = {Values(context, GRPC_PEER_URI_PROPERTY_NAME),
                                  Values(context, GRPC_PEER_DNS_PROPERTY_NAME)};
  const absl::StatusOr<NodeId> node = rule.NodeOf(names);
  if (node.ok()) {
    identity.node = *node;
  } else {
    identity.text = std::string(node.status().message());
  }
  return identity;
}

bool SpeaksOfTls(absl::string_view status_text) {
  for (const char* word : {"andshake", "SSL", "TLS", "ertificate"}) {
    if (absl::StrContains(status_text, word)) return true;
  }
  return false;
}

}  // namespace hawser
