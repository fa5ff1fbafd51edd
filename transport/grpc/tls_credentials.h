#ifndef HAWSER_TRANSPORT_GRPC_TLS_CREDENTIALS_H_
#define HAWSER_TRANSPORT_GRPC_TLS_CREDENTIALS_H_

// Our certificates as gRPC wants them, and what gRPC knows about the other end's.

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/strings/string_view.h"
#include "transport/security/certificate_files.h"
#include "transport/security/identity.h"

namespace hawser {

// A server's: each new connection gets the newest of `files`, and must show a certificate that is
// valid under their CA. Files and credentials must outlive the server.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const CertificateFiles* files);

// A client's, for one connection. The server's certificate must be valid under the CA; its host
// name means nothing, which node it is of is for IdentityOf to say.
std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const CertificateBundle& bundle);

// Who is at the other end of a TLS connection.
LinkIdentity IdentityOf(const grpc::AuthContext* context, const IdentityRule& rule);

// Whether gRPC's words for a failed connection speak of TLS, not of the network. They are for
// people and only choose the name of the reason.
bool SpeaksOfTls(absl::string_view status_text);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_TLS_CREDENTIALS_H_
