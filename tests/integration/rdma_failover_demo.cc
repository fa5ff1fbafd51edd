// Two nodes under a steady load with admin servers on 127.0.0.1:7101 and 7102, until the input
// ends: something for hawserctl to look at while rdma_wire cuts the wire, in tools/rdma_vm.
//
//     rdma_failover_demo TOKEN_FILE

#include <unistd.h>

#include <cstdio>

#include "admin/admin_server.h"
#include "tests/integration/rdma_failover_pair.h"

namespace {

int Serve(const char* token_file) {
  hawser::RdmaFailoverPair pair(/*peer_silent_ms=*/350);
  hawser::admin::AdminOptions options;
  options.change_token_file = token_file;
  options.interval_ms = 50;
  options.listen_address = "127.0.0.1:7101";
  const auto sender = hawser::admin::AdminServer::Start(pair.sender(), options);
  options.listen_address = "127.0.0.1:7102";
  const auto receiver = hawser::admin::AdminServer::Start(pair.receiver(), options);
  for (const auto* server : {&sender, &receiver}) {
    if (server->ok()) continue;
    std::fprintf(stderr, "%s\n", server->status().ToString().c_str());
    return 1;
  }
  for (char byte; read(STDIN_FILENO, &byte, 1) > 0;) {
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) return Serve(argv[1]);
  std::fprintf(stderr, "rdma_failover_demo TOKEN_FILE\n");
  return 2;
}
