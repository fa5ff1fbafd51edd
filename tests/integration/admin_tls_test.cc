// The admin server with TLS: certificates decide, and those of strangers do not come in.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/integration/admin_pair.h"
#include "tests/support/test_certificates.h"
#include "transport/grpc/tls_credentials.h"

namespace hawser {
namespace {

using grpc::StatusCode;

class AdminTlsTest : public ::testing::Test {
 protected:
  AdminTlsTest() {
    Options files;
    WriteCertificates(ca_.IssueNode(1), "admin", &files);
    options_.tls_certificate_file = files.tls_certificate_file;
    options_.tls_key_file = files.tls_key_file;
    options_.tls_ca_file = files.tls_ca_file;
    options_.changers = {"ops.example.org"};
    pair_ = std::make_unique<AdminPair>(options_);
  }
  std::unique_ptr<admin::Admin::Stub> StubOf(const CertificateSet& set) {
    CertificateBundle bundle;
    bundle.set = set;
    return admin::Admin::NewStub(
        grpc::CreateChannel(pair_->admin->listen_address(), MakeChannelCredentials(bundle)));
  }
  CertificateSet Named(const TestCa& ca, const std::string& dns) {
    CertificateRequest request;
    request.dns = {dns};
    return ca.Issue(request);
  }
  static StatusCode List(admin::Admin::Stub* stub) {
    admin::StreamList list;
    return stub->ListStreams(AdminPair::Context().get(), {}, &list).error_code();
  }
  static StatusCode Pin(admin::Admin::Stub* stub, const std::string& token = "") {
    admin::PinStreamRequest request;
    request.set_node(2);
    request.set_link(admin::LINK_GRPC);
    admin::PinStreamResponse response;
    return stub->PinStream(AdminPair::Context(token).get(), request, &response).error_code();
  }

  TestCa ca_;
  admin::AdminOptions options_;
  std::unique_ptr<AdminPair> pair_;
};

TEST_F(AdminTlsTest, ANamedCertificateChangesAnotherReads) {
  const auto ops = StubOf(Named(ca_, "ops.example.org"));
  EXPECT_EQ(List(ops.get()), StatusCode::OK);
  EXPECT_EQ(Pin(ops.get()), StatusCode::OK);
  const auto node = StubOf(ca_.IssueNode(2));
  EXPECT_EQ(List(node.get()), StatusCode::OK);
  EXPECT_EQ(Pin(node.get()), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Pin(node.get(), "0123456789abcdef-guess"), StatusCode::PERMISSION_DENIED);
}

TEST_F(AdminTlsTest, StrangersDoNotComeIn) {
  const TestCa other("other ca");
  CertificateSet stranger = Named(other, "ops.example.org");
  stranger.ca = ca_.pem();
  EXPECT_EQ(List(StubOf(stranger).get()), StatusCode::UNAVAILABLE);
  CertificateRequest expired;
  expired.dns = {"ops.example.org"};
  expired.valid_to_s = -60;
  EXPECT_EQ(List(StubOf(ca_.Issue(expired)).get()), StatusCode::UNAVAILABLE);
  const auto plain = pair_->Stub();
  EXPECT_EQ(List(plain.get()), StatusCode::UNAVAILABLE);
  EXPECT_EQ(Pin(plain.get()), StatusCode::UNAVAILABLE);
}

TEST_F(AdminTlsTest, CertificatesOfAnotherNodeAreRefusedAtStart) {
  Options files;
  WriteCertificates(ca_.IssueNode(2), "other", &files);
  options_.tls_certificate_file = files.tls_certificate_file;
  options_.tls_key_file = files.tls_key_file;
  options_.tls_ca_file = files.tls_ca_file;
  EXPECT_EQ(admin::AdminServer::Start(pair_->a.get(), options_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace hawser
