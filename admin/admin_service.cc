#include "admin/admin_service.h"

#include <grpc/grpc_security_constants.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "admin/stream_proto.h"
#include "admin/watch_call.h"
#include "base/log.h"

namespace hawser::admin {
namespace {

constexpr char kAuthorization[] = "authorization";

grpc::Status ToGrpc(const absl::Status& status) {
  // The codes of both are those of google.rpc.Code.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

Caller CallerOf(const grpc::CallbackServerContext& context) {
  Caller caller;
  caller.peer = context.peer();
  const auto range = context.client_metadata().equal_range(kAuthorization);
  for (auto it = range.first; it != range.second; ++it) {
    caller.authorizations.emplace_back(it->second.data(), it->second.size());
  }
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return caller;
  caller.has_certificate = true;
  for (const char* property : {GRPC_PEER_URI_PROPERTY_NAME, GRPC_PEER_DNS_PROPERTY_NAME}) {
    for (const grpc::string_ref& name : auth->FindPropertyValues(property)) {
      caller.names.emplace_back(name.data(), name.size());
    }
  }
  return caller;
}

// Ends at once.
class RefusedWatch : public grpc::ServerWriteReactor<StreamsUpdate> {
 public:
  explicit RefusedWatch(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

grpc::ServerUnaryReactor* FinishWith(grpc::CallbackServerContext* context,
                                     const grpc::Status& status) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

grpc::Status NoSuchPeer(uint64_t node) {
  return grpc::Status(grpc::StatusCode::NOT_FOUND, absl::StrCat("node ", node, " is not a peer"));
}

const Stream* FindStream(const Snapshot& snapshot, uint64_t node) {
  const auto stream = std::find_if(snapshot.streams.begin(), snapshot.streams.end(),
                                   [node](const Stream& each) { return each.node() == node; });
  return stream == snapshot.streams.end() ? nullptr : &*stream;
}

}  // namespace

AdminService::AdminService(const Permissions* permissions, StatusPoller* poller, Changes changes,
                           uint32_t stalled_ms)
    : permissions_(permissions),
      poller_(poller),
      changes_(std::move(changes)),
      stalled_ms_(stalled_ms) {}

grpc::Status AdminService::Check(const grpc::CallbackServerContext& context, Rule rule,
                                 const char* call) {
  const absl::Status status = (permissions_->*rule)(CallerOf(context));
  if (status.ok()) return grpc::Status::OK;
  const uint64_t refused = refused_.fetch_add(1) + 1;
  if (LogThis(refused)) {
    Log(absl::StrCat("admin: refused ", call, " from ", context.peer(), " (", refused,
                     " so far): ", status.message()));
  }
  return ToGrpc(status);
}

grpc::ServerUnaryReactor* AdminService::Answer(grpc::CallbackServerContext* context,
                                               std::function<grpc::Status(const Snapshot&)> fill) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const bool taken =
      poller_->Get([reactor, fill = std::move(fill)](const SharedSnapshot& snapshot) {
        reactor->Finish(snapshot == nullptr
                            ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server stops")
                            : fill(*snapshot));
      });
  if (!taken) {
    reactor->Finish(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls wait"));
  }
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::ListStreams(grpc::CallbackServerContext* context,
                                                    const ListStreamsRequest* /*request*/,
                                                    StreamList* response) {
  const grpc::Status status = Check(*context, &Permissions::MayRead, "ListStreams");
  if (!status.ok()) return FinishWith(context, status);
  return Answer(context, [response](const Snapshot& snapshot) {
    *response->mutable_node() = snapshot.node;
    for (const Stream& stream : snapshot.streams) *response->add_streams() = stream;
    return grpc::Status::OK;
  });
}

grpc::ServerUnaryReactor* AdminService::GetStream(grpc::CallbackServerContext* context,
                                                  const GetStreamRequest* request,
                                                  Stream* response) {
  const grpc::Status status = Check(*context, &Permissions::MayRead, "GetStream");
  if (!status.ok()) return FinishWith(context, status);
  return Answer(context, [response, node = request->node()](const Snapshot& snapshot) {
    const Stream* const stream = FindStream(snapshot, node);
    if (stream == nullptr) return NoSuchPeer(node);
    *response = *stream;
    return grpc::Status::OK;
  });
}

grpc::ServerWriteReactor<StreamsUpdate>* AdminService::WatchStreams(
    grpc::CallbackServerContext* context, const WatchStreamsRequest* request) {
  const grpc::Status status = Check(*context, &Permissions::MayRead, "WatchStreams");
  if (!status.ok()) return new RefusedWatch(status);
  const auto call = std::make_shared<WatchCall>(context, request, poller_, stalled_ms_);
  call->Begin(call);
  return call.get();
}

grpc::Status AdminService::PinTo(const grpc::CallbackServerContext& context, NodeId node,
                                 hawser::LinkKind link) {
  const absl::Status status = changes_.pin(node, link);
  if (status.ok()) {
    Log(absl::StrCat(
        "admin: node ", node, " is ", link == hawser::LinkKind::kNone ? "released" : "pinned to ",
        link == hawser::LinkKind::kNone ? "" : LinkKindName(link), ", by ", context.peer()));
  }
  return ToGrpc(status);
}

grpc::ServerUnaryReactor* AdminService::PinStream(grpc::CallbackServerContext* context,
                                                  const PinStreamRequest* request,
                                                  PinStreamResponse* /*response*/) {
  const grpc::Status status = Check(*context, &Permissions::MayChange, "PinStream");
  if (!status.ok()) return FinishWith(context, status);
  const absl::optional<hawser::LinkKind> link = PinnableLink(request->link());
  if (!link) {
    return FinishWith(
        context, grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "link: LINK_GRPC or LINK_RDMA"));
  }
  return FinishWith(context, PinTo(*context, request->node(), *link));
}

grpc::ServerUnaryReactor* AdminService::ReleaseStream(grpc::CallbackServerContext* context,
                                                      const ReleaseStreamRequest* request,
                                                      ReleaseStreamResponse* /*response*/) {
  const grpc::Status status = Check(*context, &Permissions::MayChange, "ReleaseStream");
  if (!status.ok()) return FinishWith(context, status);
  return FinishWith(context, PinTo(*context, request->node(), hawser::LinkKind::kNone));
}

grpc::ServerUnaryReactor* AdminService::DrainStream(grpc::CallbackServerContext* context,
                                                    const DrainStreamRequest* request,
                                                    DrainStreamResponse* /*response*/) {
  const grpc::Status status = Check(*context, &Permissions::MayChange, "DrainStream");
  if (!status.ok()) return FinishWith(context, status);
  const absl::Status drained = changes_.drain(request->node());
  if (drained.ok()) {
    Log(absl::StrCat("admin: node ", request->node(), " is drained, by ", context->peer()));
  }
  return FinishWith(context, ToGrpc(drained));
}

grpc::ServerUnaryReactor* AdminService::ResumeStream(grpc::CallbackServerContext* context,
                                                     const ResumeStreamRequest* request,
                                                     ResumeStreamResponse* /*response*/) {
  const grpc::Status status = Check(*context, &Permissions::MayChange, "ResumeStream");
  if (!status.ok()) return FinishWith(context, status);
  return Answer(
      context, [this, caller = context->peer(), node = request->node()](const Snapshot& snapshot) {
        const Stream* const stream = FindStream(snapshot, node);
        if (stream == nullptr) return NoSuchPeer(node);
        const absl::Status updated =
            changes_.update(node, {stream->addresses().begin(), stream->addresses().end()});
        if (updated.ok()) Log(absl::StrCat("admin: node ", node, " is resumed, by ", caller));
        return ToGrpc(updated);
      });
}

}  // namespace hawser::admin
