#ifndef HAWSER_TRANSPORT_SECURITY_CERTIFICATES_H_
#define HAWSER_TRANSPORT_SECURITY_CERTIFICATES_H_

// Whether a certificate, its key and the CA belong together. Pure, but for the clock of OpenSSL.

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/security/identity.h"

namespace hawser {

// What a node proves its identity with, and judges others by; each is PEM.
struct CertificateSet {
  std::string certificate;  // Its own, then intermediates.
  std::string key;
  std::string ca;  // One or more roots.
};

struct CertificateFacts {
  CertificateNames names;
  absl::Time not_after;
};

// InvalidArgument, with the option's name, unless all parse, the key is the certificate's, and the
// certificate is valid now, under the CA, for both ends of a connection.
absl::StatusOr<CertificateFacts> CheckCertificates(const CertificateSet& set);

// When the first certificate of `pem` ends; InfinitePast when it does not parse.
absl::Time NotAfter(const std::string& pem);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SECURITY_CERTIFICATES_H_
