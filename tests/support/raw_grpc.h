#ifndef HAWSER_TESTS_SUPPORT_RAW_GRPC_H_
#define HAWSER_TESTS_SUPPORT_RAW_GRPC_H_

// Both ends of Hawser's gRPC method, saying whatever a test wants.

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/raw_frames.h"

namespace hawser {

inline constexpr char kStreamMethod[] = "/hawser.transport.v1.Transport/Stream";

// The gRPC message that carries `frames`.
std::string FramesMessage(const std::vector<std::string>& frames);

// A client with a connection of its own and one call on it. Every step waits for its end, at most
// 10 s; one step at a time.
class RawGrpcClient {
 public:
  explicit RawGrpcClient(const std::string& address, const std::string& method = kStreamMethod,
                         const std::shared_ptr<grpc::ChannelCredentials>& credentials =
                             grpc::InsecureChannelCredentials());
  ~RawGrpcClient();
  RawGrpcClient(const RawGrpcClient&) = delete;
  RawGrpcClient& operator=(const RawGrpcClient&) = delete;

  // False: nobody answers.
  bool Start();
  // One gRPC message of these bytes.
  bool Write(absl::string_view bytes);
  // The frames of the next gRPC message; false when the stream has ended.
  bool Read(std::vector<RawFrame>* frames);
  // Reads to the end: the reason of the GOAWAY, or kNone when there was none.
  CloseReason ReadGoaway();
  grpc::Status Finish();
  // Messages are written compressed; before Start.
  void Compress() { context_.set_compression_algorithm(GRPC_COMPRESS_GZIP); }
  // Ends the call at once.
  void Cancel() { context_.TryCancel(); }

 private:
  // Waits for the step under way.
  bool Wait();

  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  bool started_ = false;
  bool finished_ = false;
};

// A server that answers the first message of each stream with `answer` (nothing: never answers).
class RawGrpcServer {
 public:
  explicit RawGrpcServer(std::string answer,
                         const std::shared_ptr<grpc::ServerCredentials>& credentials =
                             grpc::InsecureServerCredentials());
  ~RawGrpcServer();

  const std::string& address() const { return address_; }

 private:
  class Service;

  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_RAW_GRPC_H_
