#include <cstdio>
#include <string>

#include "tools/hawserctl/command.h"
#include "tools/hawserctl/doctor.h"

namespace hawser::ctl {
namespace {

constexpr Command kCommands[] = {
    {"streams", "", "all streams of the node, a line each",
     "Each line: the peer, the state of the stream, the link it sends on and why, what waits and\n"
     "what is on its way, the round trip, the codec's savings, and what was lost.\n",
     &RunStreams},
    {"stream", "NODE", "all that is known of the stream to one peer", "", &RunStream},
    {"watch", "[NODE...]", "what changes, a line each, until it is interrupted",
     "Prints all streams first, then each change of link, state, reason, epoch or loss.\n"
     "--counters prints all of them at each interval; --updates=N ends after N updates.\n",
     &RunWatch},
    {"pin", "NODE grpc|rdma", "keeps what is sent to a peer on one link (needs permission)",
     "The pin holds while there is such a link, and until it is released.\n"
     "`pin NODE --release` is `release NODE`.\n",
     &RunPin},
    {"release", "NODE", "lets the transport choose the link again (needs permission)", "",
     &RunRelease},
    {"drain", "NODE", "ends the stream to a peer without a loss (needs permission)",
     "Messages to it are refused from now on, what was accepted is acknowledged, then the links\n"
     "close. `watch NODE` shows when it is drained; it stays so until `resume NODE`.\n",
     &RunDrain},
    {"resume", "NODE", "ends a drain: the peer is dialled again (needs permission)", "",
     &RunResume},
    {"doctor", "", "which link this host can use, and what mends RDMA; asks no server",
     "Looks at devices, ports, addresses, modules, permissions, libraries and the limit of locked\n"
     "memory, and times round trips on gRPC and on RDMA between two nodes of its own.\n"
     "Ends with 0 when RDMA can be used, else with 1.\n",
     &RunDoctor},
};

}  // namespace

int RunDoctor(const ToolFlags& flags, Arguments arguments) {
  if (!arguments.empty()) return Complain(kExitUsage, "doctor takes no arguments");
  bool rdma = false;
  const std::string text = Doctor(flags.json, &rdma);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return rdma ? kExitOk : kExitFailed;
}

absl::Span<const Command> Commands() { return kCommands; }

int Complain(int exit_code, absl::string_view what) {
  std::fprintf(stderr, "hawserctl: %.*s\n", static_cast<int>(what.size()), what.data());
  return exit_code;
}

}  // namespace hawser::ctl
