// hawserctl pin, release.

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/hawserctl/client.h"
#include "tools/hawserctl/command.h"

namespace hawser::ctl {

int RunRelease(const ToolFlags& flags, Arguments arguments) {
  admin::ReleaseStreamRequest request;
  if (arguments.size() == 1) request.set_node(ParseNode(arguments[0]));
  if (request.node() == 0) return Complain(kExitUsage, "release takes one node id");
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(flags);
  if (!client.ok()) return Complain(kExitUsage, client.status().message());
  admin::ReleaseStreamResponse response;
  const grpc::Status status =
      (**client)->ReleaseStream((*client)->Context().get(), request, &response);
  if (!status.ok()) return (*client)->Report(status);
  std::printf(flags.json ? "{}\n" : "node %s is released\n", arguments[0].c_str());
  return kExitOk;
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
