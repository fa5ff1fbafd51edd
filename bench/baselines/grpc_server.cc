#include "bench/baselines/grpc_server.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "google/protobuf/stubs/common.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace hawser::bench {
namespace {

constexpr std::chrono::seconds kConnectTimeout{10};

}  // namespace

absl::StatusOr<int> LoopbackServer::Start() {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return absl::UnavailableError("gRPC can't listen on a port of 127.0.0.1");
  }
  return port;
}

void LoopbackServer::Stop() { server_->Shutdown(std::chrono::system_clock::now()); }

absl::StatusOr<std::shared_ptr<grpc::Channel>> ConnectChannel(int port) {
  std::shared_ptr<grpc::Channel> channel =
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnectTimeout)) {
    return absl::UnavailableError(absl::StrCat("no gRPC connection to 127.0.0.1:", port));
  }
  return channel;
}

std::string BaselineLibraryVersions() {
  return absl::StrCat("gRPC ", grpc::Version(), ", protobuf ",
                      google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION));
}

}  // namespace hawser::bench
