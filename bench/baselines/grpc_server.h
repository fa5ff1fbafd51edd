#ifndef HAWSER_BENCH_BASELINES_GRPC_SERVER_H_
#define HAWSER_BENCH_BASELINES_GRPC_SERVER_H_

// What both kinds of gRPC baseline share: a plain-text server and channels on loopback.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "grpcpp/server.h"

namespace hawser::bench {

// A LoopbackServer is a gRPC server with one service, on a port that the kernel chose.
//
// One per follower process. Does not own the service.
//
// Threads: WaitUntilStopped() blocks one; Stop() from any other.
class LoopbackServer {
 public:
  explicit LoopbackServer(grpc::Service* service) : service_(service) {}

  // The port.
  absl::StatusOr<int> Start();
  void WaitUntilStopped() { server_->Wait(); }
  // Breaks off the streams.
  void Stop();

 private:
  grpc::Service* const service_;
  std::unique_ptr<grpc::Server> server_;
};

// A channel to a follower, connected or an error.
absl::StatusOr<std::shared_ptr<grpc::Channel>> ConnectChannel(int port);

// "gRPC 1.51.1, protobuf 3.21.12".
std::string BaselineLibraryVersions();

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_BASELINES_GRPC_SERVER_H_
