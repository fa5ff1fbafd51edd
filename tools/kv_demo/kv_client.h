#ifndef HAWSER_TOOLS_KV_DEMO_KV_CLIENT_H_
#define HAWSER_TOOLS_KV_DEMO_KV_CLIENT_H_

// Asks the demo's servers.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hawser::kv {

// Sends one line to "IP:port" and returns all that comes back, without the last newline.
absl::StatusOr<std::string> AskServer(const std::string& address, absl::string_view line,
                                      absl::Duration patience);

// Asks the servers in turn, and whom they name, until one answers and does not send us on.
// DeadlineExceeded: none did within `patience`.
absl::StatusOr<std::string> AskLeader(const std::vector<std::string>& addresses,
                                      absl::string_view line, absl::Duration patience);

}  // namespace hawser::kv

#endif  // HAWSER_TOOLS_KV_DEMO_KV_CLIENT_H_
