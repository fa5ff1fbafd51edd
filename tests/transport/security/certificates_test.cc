#include "transport/security/certificates.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/test_certificates.h"

namespace hawser {
namespace {

std::string ErrorOf(const CertificateSet& set) {
  const auto facts = CheckCertificates(set);
  EXPECT_EQ(facts.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(facts.status().message());
}

void ExpectError(const CertificateSet& set, const std::string& option, const std::string& words) {
  const std::string error = ErrorOf(set);
  EXPECT_EQ(error.substr(0, option.size()), option) << error;
  EXPECT_NE(error.find(words), std::string::npos) << error;
}

class CertificatesTest : public ::testing::Test {
 protected:
  const TestCa ca_;
  CertificateSet good_ = ca_.IssueNode(1);
};

TEST_F(CertificatesTest, GoodOnesTellTheirNamesAndTheirEnd) {
  CertificateRequest request;
  request.uris = {"hawser://test/1", "spiffe://x/y"};
  request.dns = {"db-1.example"};
  const auto facts = CheckCertificates(ca_.Issue(request));
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->names.uris, request.uris);
  EXPECT_EQ(facts->names.dns, request.dns);
  const absl::Duration left = facts->not_after - absl::Now();
  EXPECT_GT(left, absl::Minutes(59));
  EXPECT_LE(left, absl::Minutes(60));
}

TEST_F(CertificatesTest, EachFileMustParse) {
  for (const std::string bytes : {"", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n"}) {
    CertificateSet set = good_;
    set.certificate = bytes;
    ExpectError(set, "tls_certificate_file", "no PEM certificate");
    set = good_;
    set.key = bytes;
    ExpectError(set, "tls_key_file", "no PEM key");
    set = good_;
    set.ca = bytes;
    ExpectError(set, "tls_ca_file", "no PEM certificate");
  }
}

// A file that was cut while it was copied.
TEST_F(CertificatesTest, HalfABundleIsNone) {
  good_.ca += TestCa("second").pem().substr(0, 200);
  ExpectError(good_, "tls_ca_file", "no PEM certificate");
}

TEST_F(CertificatesTest, KeyOfAnotherCertificate) {
  good_.key = ca_.IssueNode(1).key;
  ExpectError(good_, "tls_key_file", "not the key");
}

TEST_F(CertificatesTest, Expired) {
  CertificateRequest request;
  request.valid_to_s = -10;
  ExpectError(ca_.Issue(request), "tls_certificate_file", "expired");
}

TEST_F(CertificatesTest, NotYetValid) {
  CertificateRequest request;
  request.valid_from_s = 1000;
  ExpectError(ca_.Issue(request), "tls_certificate_file", "not yet valid");
}

TEST_F(CertificatesTest, OfAnotherCa) {
  good_.ca = TestCa("another").pem();
  ExpectError(good_, "tls_certificate_file", "not valid under tls_ca_file");
}

// While a CA is being replaced the file holds both.
TEST_F(CertificatesTest, TwoCasAreBothTrusted) {
  const TestCa next("next");
  good_.ca = next.pem() + good_.ca;
  EXPECT_TRUE(CheckCertificates(good_).ok());
  CertificateSet renewed = next.IssueNode(1);
  renewed.ca = good_.ca;
  EXPECT_TRUE(CheckCertificates(renewed).ok());
}

TEST_F(CertificatesTest, NotAfterOfNonsenseIsThePast) {
  EXPECT_EQ(NotAfter("nonsense"), absl::InfinitePast());
  EXPECT_GT(NotAfter(good_.certificate), absl::Now());
}

}  // namespace
}  // namespace hawser
