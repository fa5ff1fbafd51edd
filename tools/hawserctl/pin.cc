// hawserctl pin, release, drain, resume.

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/hawserctl/client.h"
#include "tools/hawserctl/command.h"

namespace hawser::ctl {
namespace {

// Calls `method` for the one node that is named.
template <typename Response, typename Request>
int Change(const ToolFlags& flags, Arguments arguments, const char* command, const char* done,
           grpc::Status (admin::Admin::Stub::*method)(grpc::ClientContext*, const Request&,
                                                      Response*)) {
  Request request;
  if (arguments.size() == 1) request.set_node(ParseNode(arguments[0]));
  if (request.node() == 0) return Complain(kExitUsage, absl::StrCat(command, " takes one node id"));
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(flags);
  if (!client.ok()) return Complain(kExitUsage, client.status().message());
  Response response;
  const grpc::Status status =
      ((*client)->operator->()->*method)((*client)->Context().get(), request, &response);
  if (!status.ok()) return (*client)->Report(status);
  std::printf(flags.json ? "{}\n" : "node %s %s\n", arguments[0].c_str(), done);
  return kExitOk;
}

}  // namespace

int RunRelease(const ToolFlags& flags, Arguments arguments) {
  return Change<admin::ReleaseStreamResponse>(flags, arguments, "release", "is released",
                                              &admin::Admin::Stub::ReleaseStream);
}

int RunDrain(const ToolFlags& flags, Arguments arguments) {
  return Change<admin::DrainStreamResponse>(flags, arguments, "drain", "is being drained",
                                            &admin::Admin::Stub::DrainStream);
}

int RunResume(const ToolFlags& flags, Arguments arguments) {
  return Change<admin::ResumeStreamResponse>(flags, arguments, "resume", "is resumed",
                                             &admin::Admin::Stub::ResumeStream);
}

int RunPin(const ToolFlags& flags, Arguments arguments) {
  if (flags.release) return RunRelease(flags, arguments);
  admin::PinStreamRequest request;
  if (arguments.size() == 2) {
    request.set_node(ParseNode(arguments[0]));
    if (arguments[1] == "grpc") request.set_link(admin::LINK_GRPC);
    if (arguments[1] == "rdma") request.set_link(admin::LINK_RDMA);
  }
  if (request.node() == 0 || request.link() == admin::LINK_NONE) {
    return Complain(kExitUsage, "pin takes a node id and grpc or rdma");
  }
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(flags);
  if (!client.ok()) return Complain(kExitUsage, client.status().message());
  admin::PinStreamResponse response;
  const grpc::Status status = (**client)->PinStream((*client)->Context().get(), request, &response);
  if (!status.ok()) return (*client)->Report(status);
  std::printf(flags.json ? "{}\n" : "node %s is pinned to %s\n", arguments[0].c_str(),
              arguments[1].c_str());
  return kExitOk;
}

}  // namespace hawser::ctl
