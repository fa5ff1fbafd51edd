// The admin server beside a running transport: what it shows, pins, and refuses.

#include <arpa/inet.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/integration/admin_pair.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

using grpc::StatusCode;

admin::AdminOptions WithToken() {
  admin::AdminOptions options;
  options.change_token_file = WriteAdminToken();
  options.interval_ms = 20;
  return options;
}

class AdminTest : public ::testing::Test {
 protected:
  StatusCode Pin(uint64_t node, admin::LinkKind link, const std::string& token) {
    admin::PinStreamRequest request;
    request.set_node(node);
    request.set_link(link);
    admin::PinStreamResponse response;
    return stub_->PinStream(AdminPair::Context(token).get(), request, &response).error_code();
  }
  StatusCode Release(uint64_t node, const std::string& token) {
    admin::ReleaseStreamRequest request;
    request.set_node(node);
    admin::ReleaseStreamResponse response;
    return stub_->ReleaseStream(AdminPair::Context(token).get(), request, &response).error_code();
  }
  StatusCode Drain(uint64_t node, const std::string& token) {
    admin::DrainStreamRequest request;
    request.set_node(node);
    admin::DrainStreamResponse response;
    return stub_->DrainStream(AdminPair::Context(token).get(), request, &response).error_code();
  }
  StatusCode Resume(uint64_t node, const std::string& token) {
    admin::ResumeStreamRequest request;
    request.set_node(node);
    admin::ResumeStreamResponse response;
    return stub_->ResumeStream(AdminPair::Context(token).get(), request, &response).error_code();
  }
  // Asks until the stream is as wanted.
  bool StreamBecomes(const std::function<bool(const admin::Stream&)>& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    admin::GetStreamRequest request;
    request.set_node(2);
    while (std::chrono::steady_clock::now() < deadline) {
      if (stub_->GetStream(AdminPair::Context().get(), request, &stream_).ok() && wanted(stream_)) {
        return true;
      }
    }
    return false;
  }
  int Connect() const {
    const std::string& address = pair_.admin->listen_address();
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    return fd;
  }
  // Calls a method by name with bytes that nothing made.
  static StatusCode CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                            const std::string& method, const std::string& bytes) {
    grpc::GenericStub stub(channel);
    grpc::CompletionQueue queue;
    const auto context = AdminPair::Context();
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    const auto call = stub.PrepareUnaryCall(context.get(), method, request, &queue);
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
    return status.error_code();
  }

  AdminPair pair_{WithToken()};
  std::unique_ptr<admin::Admin::Stub> stub_ = pair_.Stub();
  admin::Stream stream_;
};

TEST_F(AdminTest, ShowsTheNodeAndItsStream) {
  ASSERT_TRUE(pair_.Delivers(100));
  ASSERT_TRUE(StreamBecomes([](const admin::Stream& stream) {
    return stream.ledger().acknowledged().messages() == 100;
  }));
  EXPECT_EQ(stream_.link(), admin::LINK_GRPC);
  EXPECT_EQ(stream_.state(), "up");
  EXPECT_EQ(stream_.sent().messages(), 100u);
  EXPECT_GT(stream_.sent().bytes_saved(), 0);
  ASSERT_EQ(stream_.links_size(), 2);
  EXPECT_TRUE(stream_.links(0).up());
  EXPECT_FALSE(stream_.links(1).up());
  ASSERT_TRUE(StreamBecomes([](const admin::Stream& s) { return s.links(0).rtt().count() > 2; }));
  EXPECT_GT(stream_.links(0).rtt().p50_us(), 0);
  admin::StreamList list;
  ASSERT_TRUE(stub_->ListStreams(AdminPair::Context().get(), {}, &list).ok());
  EXPECT_EQ(list.node().node(), 1u);
  EXPECT_EQ(list.node().listen_address(), pair_.a->listen_address());
  EXPECT_EQ(list.streams_size(), 1);
}

TEST_F(AdminTest, ShowsCallsAndEndpoints) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  for (int i = 0; i < 3; ++i) pair_.b->Call(1, "echo", "hello", deadline, [](CallResult) {});
  pair_.a->Call(2, "echo", "hello", deadline, [](CallResult) {});
  pair_.a->Call(2, "nobody's", "hello", deadline, [](CallResult) {});
  ASSERT_TRUE(StreamBecomes([](const admin::Stream& stream) {
    return stream.calls().done_size() == 2 && stream.calls().received() == 3 &&
           stream.calls().served() == 0;
  }));
  EXPECT_EQ(stream_.calls().done(0).reason(), "ok");
  EXPECT_EQ(stream_.calls().done(1).reason(), "unknown_endpoint");
  EXPECT_EQ(stream_.calls().waiting(), 0u);
  admin::StreamList list;
  ASSERT_TRUE(stub_->ListStreams(AdminPair::Context().get(), {}, &list).ok());
  ASSERT_EQ(list.node().endpoints_size(), 1);
  EXPECT_EQ(list.node().endpoints(0).name(), "echo");
  EXPECT_EQ(list.node().endpoints(0).calls(), 3u);
}

TEST_F(AdminTest, PinsAndReleasesWithTheToken) {
  EXPECT_EQ(Pin(2, admin::LINK_GRPC, kAdminToken), StatusCode::OK);
  EXPECT_TRUE(StreamBecomes([](const admin::Stream& s) { return s.pinned() == admin::LINK_GRPC; }));
  EXPECT_EQ(Release(2, kAdminToken), StatusCode::OK);
  EXPECT_TRUE(StreamBecomes([](const admin::Stream& s) { return s.pinned() == admin::LINK_NONE; }));
}

TEST_F(AdminTest, DrainsAndResumesWithTheToken) {
  EXPECT_EQ(Drain(2, kAdminToken), StatusCode::OK);
  EXPECT_TRUE(StreamBecomes([](const admin::Stream& s) { return s.drain() == "drained"; }));
  EXPECT_EQ(stream_.state_reason(), "drained");
  EXPECT_EQ(pair_.a->Send(2, 0, TestMessage(MessageType::kVote)), SendResult::kDraining);
  EXPECT_EQ(Resume(2, kAdminToken), StatusCode::OK);
  EXPECT_TRUE(
      StreamBecomes([](const admin::Stream& s) { return s.drain().empty() && s.state() == "up"; }));
  EXPECT_TRUE(pair_.Delivers(10));
}

TEST_F(AdminTest, WithoutTheTokenNothingIsChanged) {
  EXPECT_EQ(Drain(2, ""), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Resume(2, "0123456789abcdef-wrong"), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Pin(2, admin::LINK_GRPC, ""), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Release(2, ""), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Pin(2, admin::LINK_GRPC, "0123456789abcdef-wrong"), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Release(2, std::string(3000, 'x')), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(pair_.a->Describe().peers[0].pinned, LinkKind::kNone);
  EXPECT_EQ(pair_.a->Describe().peers[0].drain, DrainState::kNone);
  EXPECT_EQ(pair_.admin->refused(), 6u);
}

TEST_F(AdminTest, UnknownPeersAndLinksAreRefused) {
  EXPECT_EQ(Pin(99, admin::LINK_GRPC, kAdminToken), StatusCode::NOT_FOUND);
  EXPECT_EQ(Pin(0, admin::LINK_GRPC, kAdminToken), StatusCode::NOT_FOUND);
  EXPECT_EQ(Release(99, kAdminToken), StatusCode::NOT_FOUND);
  EXPECT_EQ(Drain(99, kAdminToken), StatusCode::NOT_FOUND);
  EXPECT_EQ(Resume(99, kAdminToken), StatusCode::NOT_FOUND);
  EXPECT_EQ(Pin(2, admin::LINK_NONE, kAdminToken), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Pin(2, static_cast<admin::LinkKind>(9), kAdminToken), StatusCode::INVALID_ARGUMENT);
  admin::GetStreamRequest request;
  request.set_node(99);
  EXPECT_EQ(stub_->GetStream(AdminPair::Context().get(), request, &stream_).error_code(),
            StatusCode::NOT_FOUND);
}

TEST_F(AdminTest, NonsenseIsRefusedAndTheServerLives) {
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100000, '\xff'), std::string(1, '\0'),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string(1000, '\x55')}) {
    const int fd = Connect();
    // It may be closed in the middle.
    send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    close(fd);
  }
  const std::shared_ptr<grpc::Channel> channel = pair_.Channel();
  const std::string service = "/hawser.admin.Admin/";
  EXPECT_NE(CallRaw(channel, service + "GetStream", std::string(100, '\xff')), StatusCode::OK);
  EXPECT_NE(CallRaw(channel, service + "PinStream", std::string(5000, '\x08')), StatusCode::OK);
  EXPECT_EQ(CallRaw(channel, service + "Nothing", ""), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(CallRaw(channel, "/hawser.Transport/Frames", "x"), StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(StreamBecomes([](const admin::Stream& stream) { return stream.node() == 2; }));
  EXPECT_TRUE(pair_.Delivers(10));
}

TEST_F(AdminTest, WatchTellsAllThenWhatChanges) {
  const auto context = AdminPair::Context();
  const auto reader = stub_->WatchStreams(context.get(), {});
  admin::StreamsUpdate update;
  ASSERT_TRUE(reader->Read(&update));
  EXPECT_EQ(update.node().node(), 1u);
  ASSERT_EQ(update.streams_size(), 1);
  ASSERT_EQ(Pin(2, admin::LINK_GRPC, kAdminToken), StatusCode::OK);
  do {
    ASSERT_TRUE(reader->Read(&update));
  } while (update.streams_size() == 0 || update.streams(0).pinned() != admin::LINK_GRPC);
  EXPECT_FALSE(update.has_node());
  ASSERT_TRUE(pair_.a->RemovePeer(2).ok());
  do {
    ASSERT_TRUE(reader->Read(&update));
  } while (update.removed_size() == 0);
  EXPECT_EQ(update.removed(0), 2u);
  context->TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::CANCELLED);
}

TEST_F(AdminTest, WatchWithCountersNeverPauses) {
  admin::WatchStreamsRequest request;
  request.set_counters(true);
  const auto context = AdminPair::Context();
  const auto reader = stub_->WatchStreams(context.get(), request);
  admin::StreamsUpdate update;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(reader->Read(&update));
    EXPECT_EQ(update.streams_size(), 1);
  }
}

TEST_F(AdminTest, AServerThatStopsEndsItsWatchers) {
  const auto context = AdminPair::Context();
  const auto reader = stub_->WatchStreams(context.get(), {});
  admin::StreamsUpdate update;
  ASSERT_TRUE(reader->Read(&update));
  pair_.admin.reset();
  while (reader->Read(&update)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(AdminTest, ATransportThatStoppedIsStillShown) {
  pair_.a->Stop(absl::ZeroDuration());
  EXPECT_TRUE(StreamBecomes([](const admin::Stream& stream) { return stream.state() != "up"; }));
  EXPECT_EQ(Pin(2, admin::LINK_GRPC, kAdminToken), StatusCode::FAILED_PRECONDITION);
}

// health.proto's request without a service, and one for ours.
TEST_F(AdminTest, HealthAndReflectionAreServedHereAndNotToPeers) {
  EXPECT_EQ(CallRaw(pair_.Channel(), "/grpc.health.v1.Health/Check", ""), StatusCode::OK);
  EXPECT_EQ(CallRaw(pair_.Channel(), "/grpc.health.v1.Health/Check", "\x0a\x12hawser.admin.Admin"),
            StatusCode::OK);
  EXPECT_EQ(CallRaw(pair_.Channel(), "/grpc.health.v1.Health/Check",
                    "\x0a\x03"
                    "xyz"),
            StatusCode::NOT_FOUND);
  // A list of services, by unary call of what is a stream: enough to see whether it is there.
  const std::string reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  EXPECT_NE(CallRaw(pair_.Channel(), reflection, "\x3a\x01*"), StatusCode::UNIMPLEMENTED);
  const auto peers =
      grpc::CreateChannel(pair_.a->listen_address(), grpc::InsecureChannelCredentials());
  for (const std::string& method : {reflection, std::string("/grpc.health.v1.Health/Check")}) {
    EXPECT_NE(CallRaw(peers, method, ""), StatusCode::OK) << method;
  }
}

TEST(AdminStartTest, AnAddressInUseAndALooseTokenAreRefused) {
  AdminPair pair(WithToken());
  admin::AdminOptions options;
  options.listen_address = pair.admin->listen_address();
  EXPECT_EQ(admin::AdminServer::Start(pair.a.get(), options).status().code(),
            absl::StatusCode::kUnavailable);
  options = admin::AdminOptions();
  options.change_token_file = WriteAdminToken();
  ASSERT_EQ(chmod(options.change_token_file.c_str(), 0644), 0);
  const absl::Status loose = admin::AdminServer::Start(pair.a.get(), options).status();
  EXPECT_EQ(loose.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(loose.message(), "chmod 0600")) << loose;
}

}  // namespace
}  // namespace hawser
