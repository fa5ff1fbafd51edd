#ifndef HAWSER_ADMIN_ADMIN_SERVER_H_
#define HAWSER_ADMIN_ADMIN_SERVER_H_

// The operator's view of a running transport, over gRPC.
//
//   hawser::admin::AdminOptions options;
//   options.listen_address = "127.0.0.1:7101";
//   options.change_token_file = "/etc/hawser/admin.token";
//   auto admin = hawser::admin::AdminServer::Start(transport.get(), options);
//   if (!admin.ok()) ...
//
// Then `hawserctl --address 127.0.0.1:7101 streams`. docs/operating.md.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "admin/admin_options.h"
#include "transport/transport.h"

namespace hawser::admin {

// A gRPC server of its own, with admin.proto's service and gRPC's health service; with
// //admin:reflection linked, reflection too.
//
// One per Transport, made by Start, owned by the host program; the transport must outlive it, and
// may be stopped before. It sees copies only (Transport::Describe), and asks for them at most once
// an interval, however many watch: it never runs on the transport's loop.
//
// Threads: any. It has one of its own, and gRPC's, which it shares with the process's other users
// of gRPC's callbacks.
class AdminServer {
 public:
  // Errors: InvalidArgument (which option or file, and what to change), Unavailable (the address is
  // in use or not ours).
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(Transport* transport,
                                                            const AdminOptions& options);

  // Ends all calls. Not on a thread of gRPC's.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Where it listens, with the port that the kernel chose.
  const std::string& listen_address() const;

  // Calls refused for want of permission.
  uint64_t refused() const;
  // How often it looked at the transport.
  uint64_t looks() const;

 private:
  class Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hawser::admin

#endif  // HAWSER_ADMIN_ADMIN_SERVER_H_
