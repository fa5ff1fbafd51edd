#ifndef HAWSER_TESTS_INTEGRATION_ADMIN_PAIR_H_
#define HAWSER_TESTS_INTEGRATION_ADMIN_PAIR_H_

// Two connected nodes, the admin server of the first, and clients of it.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "admin/admin.grpc.pb.h"
#include "admin/admin_server.h"
#include "tests/support/recording_raft.h"
#include "transport/transport.h"

namespace hawser {

inline constexpr char kAdminToken[] = "0123456789abcdef-token";

// Writes kAdminToken to a file that only we may read.
std::string WriteAdminToken();

// Node 1 with an admin server, and node 2; both run until the end, and answer calls to "echo" with
// what they are asked. Threads: one test's.
class AdminPair {
 public:
  explicit AdminPair(const admin::AdminOptions& options, const Options& base = {});

  // Each has a connection of its own.
  std::unique_ptr<admin::Admin::Stub> Stub() const;
  std::shared_ptr<grpc::Channel> Channel() const;
  // Sends so many appends to node 2, and waits until they are there.
  bool Delivers(int count);
  // A deadline, and a token if there is one.
  static std::unique_ptr<grpc::ClientContext> Context(const std::string& token = "");

  RecordingRaft raft_a;
  RecordingRaft raft_b;
  std::unique_ptr<Transport> a;
  std::unique_ptr<Transport> b;
  std::unique_ptr<admin::AdminServer> admin;

 private:
  uint64_t sent_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_INTEGRATION_ADMIN_PAIR_H_
