#include "tests/integration/admin_pair.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

void Echo(const Caller& /*caller*/, absl::string_view request, Lease /*lease*/,
          CallResponder responder) {
  std::move(responder).Reply(request);
}

}  // namespace

std::string WriteAdminToken() {
  const std::string path = absl::StrCat(testing::TempDir(), "/admin.token");
  std::ofstream(path) << kAdminToken << "\n";
  HAWSER_CHECK(chmod(path.c_str(), 0600) == 0);
  return path;
}

AdminPair::AdminPair(const admin::AdminOptions& options, const Options& base) {
  Options one = base;
  one.node_id = 1;
  one.cluster_id = "test";
  Options two;
  two.node_id = 2;
  two.cluster_id = "test";
  // The loops of loaded machines stall.
  one.peer_silent_ms = two.peer_silent_ms = 5000;
  a = *Transport::Create(one, &raft_a);
  b = *Transport::Create(two, &raft_b);
  for (Transport* const node : {a.get(), b.get()}) {
    HAWSER_CHECK(node->RegisterEndpoint("echo", Echo).ok());
  }
  HAWSER_CHECK(a->AddPeer(2, {b->listen_address()}).ok());
  HAWSER_CHECK(b->AddPeer(1, {}).ok());
  HAWSER_CHECK(a->Start().ok() && b->Start().ok());
  raft_a.WaitFor([&](const Recorded& seen) { return !seen.up.empty(); });
  absl::StatusOr<std::unique_ptr<admin::AdminServer>> started =
      admin::AdminServer::Start(a.get(), options);
  HAWSER_CHECK(started.ok());
  admin = *std::move(started);
}

std::shared_ptr<grpc::Channel> AdminPair::Channel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Who reads nothing is felt soon.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return grpc::CreateCustomChannel(admin->listen_address(), grpc::InsecureChannelCredentials(),
                                   arguments);
}

std::unique_ptr<admin::Admin::Stub> AdminPair::Stub() const {
  return admin::Admin::NewStub(Channel());
}

bool AdminPair::Delivers(int count) {
  for (int i = 0; i < count; ++i) {
    const TestAppend append(sent_++);
    while (a->Send(2, 0, append.view()) != SendResult::kAccepted) {
    }
  }
  return raft_b.WaitFor([&](const Recorded& seen) { return seen.messages.size() >= sent_; });
}

std::unique_ptr<grpc::ClientContext> AdminPair::Context(const std::string& token) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
  return context;
}

}  // namespace hawser
