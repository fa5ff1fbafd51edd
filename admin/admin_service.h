#ifndef HAWSER_ADMIN_ADMIN_SERVICE_H_
#define HAWSER_ADMIN_ADMIN_SERVICE_H_

// The calls of admin.proto.

#include <grpcpp/grpcpp.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "admin/admin.grpc.pb.h"
#include "admin/permissions.h"
#include "admin/status_poller.h"
#include "transport/types.h"

namespace hawser::admin {

// Checks who calls, then answers from the poller's copies; changes by the functions it was given.
//
// One per AdminServer, owned by it. Threads: gRPC's.
class AdminService : public Admin::CallbackService {
 public:
  // What may be done to a stream, as Transport does it.
  struct Changes {
    std::function<absl::Status(NodeId, hawser::LinkKind)> pin;
    std::function<absl::Status(NodeId)> drain;
    std::function<absl::Status(NodeId, std::vector<std::string> addresses)> update;
  };

  // All must outlive the service.
  AdminService(const Permissions* permissions, StatusPoller* poller, Changes changes,
               uint32_t stalled_ms);

  // Calls that were refused for want of permission.
  uint64_t refused() const { return refused_.load(); }

 private:
  grpc::ServerUnaryReactor* ListStreams(grpc::CallbackServerContext* context,
                                        const ListStreamsRequest* request,
                                        StreamList* response) override;
  grpc::ServerUnaryReactor* GetStream(grpc::CallbackServerContext* context,
                                      const GetStreamRequest* request, Stream* response) override;
  grpc::ServerWriteReactor<StreamsUpdate>* WatchStreams(
      grpc::CallbackServerContext* context, const WatchStreamsRequest* request) override;
  grpc::ServerUnaryReactor* PinStream(grpc::CallbackServerContext* context,
                                      const PinStreamRequest* request,
                                      PinStreamResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseStream(grpc::CallbackServerContext* context,
                                          const ReleaseStreamRequest* request,
                                          ReleaseStreamResponse* response) override;
  grpc::ServerUnaryReactor* DrainStream(grpc::CallbackServerContext* context,
                                        const DrainStreamRequest* request,
                                        DrainStreamResponse* response) override;
  grpc::ServerUnaryReactor* ResumeStream(grpc::CallbackServerContext* context,
                                         const ResumeStreamRequest* request,
                                         ResumeStreamResponse* response) override;

  // Decides by `rule`, and counts and logs a refusal.
  using Rule = absl::Status (Permissions::*)(const Caller&) const;
  grpc::Status Check(const grpc::CallbackServerContext& context, Rule rule, const char* call);
  // Finishes with what `fill` makes of the next look.
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                   std::function<grpc::Status(const Snapshot&)> fill);
  grpc::Status PinTo(const grpc::CallbackServerContext& context, NodeId node,
                     hawser::LinkKind link);

  const Permissions* const permissions_;
  StatusPoller* const poller_;
  const Changes changes_;
  const uint32_t stalled_ms_;
  std::atomic<uint64_t> refused_{0};
};

}  // namespace hawser::admin

#endif  // HAWSER_ADMIN_ADMIN_SERVICE_H_
