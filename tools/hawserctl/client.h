#ifndef HAWSER_TOOLS_HAWSERCTL_CLIENT_H_
#define HAWSER_TOOLS_HAWSERCTL_CLIENT_H_

// hawserctl's connection to an admin server.

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "admin/admin.grpc.pb.h"
#include "tools/hawserctl/command.h"

namespace hawser::ctl {

// A stub and what each call needs. Threads: one.
class Client {
 public:
  // InvalidArgument: a flag or a file that makes no sense. Does not connect.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const ToolFlags& flags);

  admin::Admin::Stub* operator->() { return stub_.get(); }

  // With the token, and --timeout_seconds to answer in.
  std::unique_ptr<grpc::ClientContext> Context() const;
  // The same without an end, for a stream.
  std::unique_ptr<grpc::ClientContext> EndlessContext() const;

  // Says on stderr what went wrong; returns what the program ends with, kExitOk for OK.
  int Report(const grpc::Status& status) const;

 private:
  explicit Client(const ToolFlags& flags) : flags_(flags) {}

  const ToolFlags flags_;
  std::string token_;
  std::unique_ptr<admin::Admin::Stub> stub_;
};

// Prints `message` as JSON, in one line if `compact`.
void PrintJson(const google::protobuf::Message& message, bool compact);

// A node id of the command line; 0: it is none.
uint64_t ParseNode(const std::string& text);

}  // namespace hawser::ctl

#endif  // HAWSER_TOOLS_HAWSERCTL_CLIENT_H_
