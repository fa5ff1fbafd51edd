#ifndef HAWSER_TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define HAWSER_TESTS_SUPPORT_TEST_CERTIFICATES_H_

// Certificates made at test time: good ones, and each kind of bad one.

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

#include "transport/options.h"
#include "transport/security/certificates.h"

namespace hawser {

// What a certificate is to say.
struct CertificateRequest {
  std::vector<std::string> uris;
  std::vector<std::string> dns;
  // Seconds from now.
  long valid_from_s = -3600;
  long valid_to_s = 3600;
};

// A CA of a test, with a key of its own.
class TestCa {
 public:
  explicit TestCa(const std::string& name = "test ca");
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  // Its own certificate, PEM.
  std::string pem() const;

  // A key and a certificate that this CA signs; `ca` of the set is this one's.
  CertificateSet Issue(const CertificateRequest& request) const;
  // For node `node` of cluster "test".
  CertificateSet IssueNode(NodeId node) const;

 private:
  EVP_PKEY* const key_;
  X509* const certificate_;
};

// The same, signed by its own key.
CertificateSet SelfSigned(const CertificateRequest& request);

// Writes `set` to files called `name`... in the test's directory, replacing them, and names them
// in `options`.
void WriteCertificates(const CertificateSet& set, const std::string& name, Options* options);

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_TEST_CERTIFICATES_H_
