// TLS over real gRPC: who may talk to whom, and what each kind of stranger is told.

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/raw_grpc.h"
#include "tests/support/recording_raft.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_messages.h"
#include "tests/support/wait_until.h"
#include "transport/transport.h"

namespace hawser {
namespace {

// A client that shows `set`'s certificate and believes any server.
std::shared_ptr<grpc::ChannelCredentials> ClientShowing(const CertificateSet& set) {
  namespace tls = grpc::experimental;
  tls::TlsChannelCredentialsOptions options;
  std::vector<tls::IdentityKeyCertPair> pairs;
  if (!set.certificate.empty()) pairs.push_back({set.key, set.certificate});
  options.set_certificate_provider(
      std::make_shared<tls::StaticDataCertificateProvider>(set.ca, pairs));
  options.watch_root_certs();
  if (!pairs.empty()) options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(false);
  options.set_certificate_verifier(std::make_shared<tls::NoOpCertificateVerifier>());
  options.set_check_call_host(false);
  return tls::TlsCredentials(options);
}

// A server that shows `set`'s certificate and asks for none.
std::shared_ptr<grpc::ServerCredentials> ServerShowing(const CertificateSet& set) {
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs = {{set.key, set.certificate}};
  return grpc::SslServerCredentials(options);
}

// Node 1 and its good peer, node 2, with certificates of one CA.
class TlsTest : public ::testing::Test {
 protected:
  Options OptionsOf(NodeId node, const CertificateSet& set) {
    Options options;
    options.node_id = node;
    options.cluster_id = "test";
    options.listen_address = "0.0.0.0:0";
    options.redial_delay_ms_max = 100;
    options.peer_silent_ms = 10000;
    options.tls_reload_ms = 20;
    WriteCertificates(set, "node" + std::to_string(node), &options);
    return options;
  }

  static std::string Dialled(const Transport& node) {
    const std::string& address = node.listen_address();
    return "127.0.0.1" + address.substr(address.rfind(':'));
  }

  void SetUp() override {
    a_ = *Transport::Create(OptionsOf(1, ca_.IssueNode(1)), &raft_a_);
    b_ = *Transport::Create(OptionsOf(2, ca_.IssueNode(2)), &raft_b_);
    ASSERT_TRUE(a_->AddPeer(2, {Dialled(*b_)}).ok());
    ASSERT_TRUE(b_->AddPeer(1, {Dialled(*a_)}).ok());
    ASSERT_TRUE(a_->Start().ok());
    ASSERT_TRUE(b_->Start().ok());
    ASSERT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  }

  // The good peer noticed nothing of all that.
  void TearDown() override {
    const size_t before = raft_b_.MessageCount();
    ASSERT_EQ(a_->Send(2, 0, TestAppend(77).view()), SendResult::kAccepted);
    EXPECT_TRUE(
        raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == before + 1; }));
    EXPECT_EQ(PeerOf(2).connects, 1u) << "the good peer was disturbed";
  }

  PeerStatus PeerOf(NodeId node) {
    for (const PeerStatus& peer : a_->Describe().peers) {
      if (peer.node == node) return peer;
    }
    return {};
  }

  uint64_t Refused(CloseReason reason) { return a_->Describe().refused[static_cast<int>(reason)]; }

  // Somebody with `set` says to be node `node`.
  CloseReason SayHello(const CertificateSet& set, NodeId node) {
    RawGrpcClient client(Dialled(*a_), kStreamMethod, ClientShowing(set));
    if (!client.Start()) return CloseReason::kLinkError;
    client.Write(
        FramesMessage({RawControlFrame(FrameType::kHello, EncodeHello(RawHello(node, 1, 4711)))}));
    return client.ReadGoaway();
  }

  // Node 1 dials a server with `set`, which should be node 3; returns what became of it.
  PeerStatus DialNode3(const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    RawGrpcServer server(
        FramesMessage({RawControlFrame(FrameType::kHello, EncodeHello(RawHello(3, 1, 4711)), 512)}),
        credentials);
    EXPECT_TRUE(a_->AddPeer(3, {server.address()}).ok());
    EXPECT_TRUE(WaitUntil([&] {
      const PeerStatus peer = PeerOf(3);
      return peer.reason != CloseReason::kNone || peer.connects > 0;
    }));
    const PeerStatus peer = PeerOf(3);
    EXPECT_TRUE(a_->RemovePeer(3).ok());
    return peer;
  }

  const TestCa ca_;
  RecordingRaft raft_a_;
  RecordingRaft raft_b_;
  std::unique_ptr<Transport> a_;
  std::unique_ptr<Transport> b_;
};

CertificateRequest Named(const std::string& uri) {
  CertificateRequest request;
  request.uris = {uri};
  return request;
}

TEST_F(TlsTest, MessagesGoBothWays) {
  ASSERT_EQ(b_->Send(1, 0, TestAppend(1).view()), SendResult::kAccepted);
  EXPECT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == 1; }));
}

TEST_F(TlsTest, CertificateOfAnotherNode) {
  EXPECT_STREQ(CloseReasonName(SayHello(ca_.IssueNode(3), 2)), "unauthenticated");
  EXPECT_EQ(Refused(CloseReason::kUnauthenticated), 1u);
}

TEST_F(TlsTest, CertificateOfAnotherCluster) {
  EXPECT_STREQ(CloseReasonName(SayHello(ca_.Issue(Named("hawser://other/2")), 2)),
               "unauthenticated");
}

TEST_F(TlsTest, CertificateWithoutIdentity) {
  CertificateRequest request;
  request.dns = {"localhost"};
  EXPECT_STREQ(CloseReasonName(SayHello(ca_.Issue(request), 2)), "unauthenticated");
}

// The certificate is fine, but the hello is of another cluster.
TEST_F(TlsTest, HelloOfAnotherClusterWithAGoodCertificate) {
  RawGrpcClient client(Dialled(*a_), kStreamMethod, ClientShowing(ca_.IssueNode(3)));
  ASSERT_TRUE(client.Start());
  Hello hello = RawHello(3, 1, 4711);
  hello.cluster_id = "other";
  client.Write(FramesMessage({RawControlFrame(FrameType::kHello, EncodeHello(hello))}));
  EXPECT_STREQ(CloseReasonName(client.ReadGoaway()), "wrong_cluster");
}

// A member that is not a peer is known, but not wanted.
TEST_F(TlsTest, GoodCertificateOfNoPeer) {
  EXPECT_STREQ(CloseReasonName(SayHello(ca_.IssueNode(3), 3)), "unknown_peer");
}

TEST_F(TlsTest, ClientsThatProveNothingDoNotComeThrough) {
  CertificateRequest expired = Named("hawser://test/2");
  expired.valid_to_s = -10;
  CertificateRequest future = Named("hawser://test/2");
  future.valid_from_s = 1000;
  CertificateSet none;
  none.ca = ca_.pem();
  const struct {
    const char* what;
    CertificateSet set;
  } cases[] = {{"expired", ca_.Issue(expired)},
               {"not yet valid", ca_.Issue(future)},
               {"self-signed", SelfSigned(Named("hawser://test/2"))},
               {"of another CA", TestCa().IssueNode(2)},
               {"no certificate", none}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    RawGrpcClient client(Dialled(*a_), kStreamMethod, ClientShowing(c.set));
    client.Start();
    client.Write("hello");
    EXPECT_EQ(client.ReadGoaway(), CloseReason::kNone);
    const grpc::Status status = client.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_F(TlsTest, PlainTextClient) {
  RawGrpcClient client(Dialled(*a_));
  client.Start();
  client.Write("hello");
  EXPECT_EQ(client.ReadGoaway(), CloseReason::kNone);
  const grpc::Status status = client.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, ServersThatProveNothingAreNotTalkedTo) {
  CertificateRequest expired = Named("hawser://test/3");
  expired.valid_to_s = -10;
  const struct {
    const char* what;
    std::shared_ptr<grpc::ServerCredentials> credentials;
    const char* words;
  } cases[] = {
      {"expired", ServerShowing(ca_.Issue(expired)), "ertificate"},
      {"self-signed", ServerShowing(SelfSigned(Named("hawser://test/3"))), "ertificate"},
      {"of another CA", ServerShowing(TestCa("other").IssueNode(3)), "ertificate"},
      {"of another node", ServerShowing(ca_.IssueNode(2)),
       "the certificate is of node 2, not of node 3"},
      {"of another cluster", ServerShowing(ca_.Issue(Named("hawser://other/3"))),
       "names no node of cluster \"test\""},
      {"plain text", grpc::InsecureServerCredentials(), "wrong version number"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const PeerStatus peer = DialNode3(c.credentials);
    EXPECT_STREQ(CloseReasonName(peer.reason), "unauthenticated");
    EXPECT_EQ(peer.connects, 0u);
    EXPECT_NE(peer.reason_text.find(c.words), std::string::npos) << peer.reason_text;
  }
}

// A server that does not like our certificate closes, which says little; the hint is there.
TEST_F(TlsTest, OurCertificateIsRefusedThere) {
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  const CertificateSet set = ca_.IssueNode(3);
  options.pem_key_cert_pairs = {{set.key, set.certificate}};
  options.pem_root_certs = TestCa("other").pem();
  const PeerStatus peer = DialNode3(grpc::SslServerCredentials(options));
  EXPECT_STREQ(CloseReasonName(peer.reason), "link_error");
  EXPECT_NE(peer.reason_text.find("or it refused our certificate"), std::string::npos)
      << peer.reason_text;
}

}  // namespace
}  // namespace hawser
