#include "tools/hawserctl/client.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace hawser::ctl {
namespace {

namespace tls = grpc::experimental;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// The server's certificate must have the name that was asked for: the token goes to nobody else.
class NameVerifier : public tls::ExternalCertificateVerifier {
 public:
  explicit NameVerifier(std::string name) : name_(std::move(name)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> /*callback*/, grpc::Status* status) override {
    std::vector<grpc::string_ref> names = request->uri_names();
    for (const grpc::string_ref& name : request->dns_names()) names.push_back(name);
    const bool found =
        std::find(names.begin(), names.end(), grpc::string_ref(name_)) != names.end();
    *status = found ? grpc::Status::OK
                    : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                   absl::StrCat("the server's certificate is not of ", name_));
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest* /*request*/) override {}

 private:
  const std::string name_;
};

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const ToolFlags& flags) {
  const std::string* const needed[] = {&flags.tls_ca_file, &flags.tls_certificate_file,
                                       &flags.tls_key_file, &flags.tls_server_name};
  const auto given =
      std::count_if(std::begin(needed), std::end(needed), [](auto* s) { return !s->empty(); });
  if (given == 0) return grpc::InsecureChannelCredentials();
  if (given != 4) {
    return absl::InvalidArgumentError(
        "TLS needs --tls_ca_file, --tls_certificate_file, --tls_key_file and --tls_server_name");
  }
  std::string pem[3];
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<std::string> text = ReadFile(*needed[i]);
    if (!text.ok()) return text.status();
    pem[i] = *std::move(text);
  }
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::StaticDataCertificateProvider>(
      pem[0], std::vector<tls::IdentityKeyCertPair>{{pem[2], pem[1]}}));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<NameVerifier>(flags.tls_server_name));
  return tls::TlsCredentials(options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const ToolFlags& flags) {
  std::unique_ptr<Client> client(new Client(flags));
  if (!flags.token_file.empty()) {
    const absl::StatusOr<std::string> token = ReadFile(flags.token_file);
    if (!token.ok()) return token.status();
    client->token_ = std::string(absl::StripAsciiWhitespace(*token));
    if (!std::all_of(client->token_.begin(), client->token_.end(), absl::ascii_isgraph)) {
      return absl::InvalidArgumentError(
          absl::StrCat(flags.token_file, " holds no token: it has white space or worse"));
    }
  }
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials = Credentials(flags);
  if (!credentials.ok()) return credentials.status();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetMaxReceiveMessageSize(64 * 1024 * 1024);
  client->stub_ =
      admin::Admin::NewStub(grpc::CreateCustomChannel(flags.address, *credentials, arguments));
  return client;
}

std::unique_ptr<grpc::ClientContext> Client::EndlessContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  if (!token_.empty()) context->AddMetadata("authorization", absl::StrCat("Bearer ", token_));
  return context;
}

std::unique_ptr<grpc::ClientContext> Client::Context() const {
  std::unique_ptr<grpc::ClientContext> context = EndlessContext();
  context->set_deadline(
      std::chrono::system_clock::now() +
      std::chrono::milliseconds(static_cast<int64_t>(flags_.timeout_seconds * 1000)));
  return context;
}

int Client::Report(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return kExitOk;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Complain(kExitUnreachable, absl::StrCat("no admin server answers at ", flags_.address,
                                                     ": ", status.error_message()));
    case grpc::StatusCode::UNAUTHENTICATED:
      return Complain(kExitForbidden, absl::StrCat(status.error_message(),
                                                   token_.empty() ? "; give --token_file" : ""));
    case grpc::StatusCode::PERMISSION_DENIED:
      return Complain(kExitForbidden, status.error_message());
    case grpc::StatusCode::UNIMPLEMENTED:
      return Complain(kExitFailed, absl::StrCat(flags_.address,
                                                " is no admin server, or an older "
                                                "one"));
    default:
      return Complain(kExitFailed, status.error_message());
  }
}

void PrintJson(const google::protobuf::Message& message, bool compact) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = !compact;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) text = "{}";
  std::fputs(text.c_str(), stdout);
  if (compact) std::fputs("\n", stdout);
  std::fflush(stdout);
}

uint64_t ParseNode(const std::string& text) {
  uint64_t node;
  return absl::SimpleAtoi(text, &node) ? node : 0;
}

}  // namespace hawser::ctl
