#ifndef HAWSER_TOOLS_HAWSERCTL_COMMAND_H_
#define HAWSER_TOOLS_HAWSERCTL_COMMAND_H_

// The subcommands of hawserctl: a table that main looks into.

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace hawser::ctl {

// What the program ends with.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // The server refuses or fails, or there is no such peer.
inline constexpr int kExitUsage = 2;   // The command makes no sense.
inline constexpr int kExitUnreachable = 3;  // No server answers at the address.
inline constexpr int kExitForbidden =
    4;  // No token or certificate, or one that does not permit it.

// The flags of all subcommands.
struct ToolFlags {
  std::string address;
  std::string token_file;
  std::string tls_ca_file;
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string tls_server_name;
  bool json = false;
  bool release = false;
  bool counters = false;
  int updates = 0;
  double timeout_seconds = 5;
};

// Runs with what stands behind the subcommand's name; returns what the program ends with.
using Arguments = absl::Span<const std::string>;
using RunCommand = int (*)(const ToolFlags& flags, Arguments arguments);

struct Command {
  const char* name;
  // "NODE grpc|rdma", for the usage.
  const char* arguments;
  const char* summary;
  // Further lines for `hawserctl help NAME`.
  const char* help;
  RunCommand run;
};

// All of them: a new one is a row in commands.cc.
absl::Span<const Command> Commands();

int RunStreams(const ToolFlags& flags, Arguments arguments);
int RunStream(const ToolFlags& flags, Arguments arguments);
int RunWatch(const ToolFlags& flags, Arguments arguments);
int RunPin(const ToolFlags& flags, Arguments arguments);
int RunRelease(const ToolFlags& flags, Arguments arguments);
int RunDrain(const ToolFlags& flags, Arguments arguments);
int RunResume(const ToolFlags& flags, Arguments arguments);
int RunDoctor(const ToolFlags& flags, Arguments arguments);

// "hawserctl: ..." on stderr; returns `exit_code`.
int Complain(int exit_code, absl::string_view what);

}  // namespace hawser::ctl

#endif  // HAWSER_TOOLS_HAWSERCTL_COMMAND_H_
