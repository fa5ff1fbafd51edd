#include "bench/member.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "bench/child_process.h"
#include "bench/contestants.h"
#include "bench/control_channel.h"

namespace hawser::bench {
namespace {

// Ends the process at once: other threads may be in the middle of anything.
[[noreturn]] void Fail(ControlChannel* control, absl::string_view why) {
  control->Send(absl::StrCat("error ", why)).IgnoreError();
  _exit(1);
}

FailFn FailBy(ControlChannel* control) {
  return [control](const std::string& why) { Fail(control, why); };
}

// The value, or the end of the process.
template <typename T>
T OrFail(ControlChannel* control, absl::StatusOr<T> value) {
  if (!value.ok()) Fail(control, value.status().message());
  return *std::move(value);
}

void OrFail(ControlChannel* control, const absl::Status& status) {
  if (!status.ok()) Fail(control, status.message());
}

// The ports of "connect ...", the leader's first.
absl::StatusOr<std::vector<int>> ReceivePorts(ControlChannel* control) {
  absl::StatusOr<std::string> line = control->Receive();
  if (!line.ok()) return line.status();
  std::vector<int> ports;
  absl::string_view rest = *line;
  if (!absl::ConsumePrefix(&rest, "connect ")) {
    return absl::InvalidArgumentError(absl::StrCat("expected 'connect', got '", *line, "'"));
  }
  for (const absl::string_view word : absl::StrSplit(rest, ' ')) {
    int port;
    if (!absl::SimpleAtoi(word, &port)) return absl::InvalidArgumentError("a port is no number");
    ports.push_back(port);
  }
  return ports;
}

int RunLeader(ControlChannel* control, const Workload& workload, const Contestant& contestant) {
  std::unique_ptr<LeaderSide> side = contestant.make_leader(workload, FailBy(control));
  OrFail(control, control->Send(absl::StrCat("listening ", OrFail(control, side->Listen()))));
  std::vector<int> ports = OrFail(control, ReceivePorts(control));
  ports.erase(ports.begin());
  OrFail(control, side->Connect(ports));
  OrFail(control, control->Send("ready"));
  ReplicaLeader leader(workload);
  for (;;) {
    const std::string line = OrFail(control, control->Receive());
    if (line == "stop") return 0;
    const PhaseGoal goal = OrFail(control, ParsePhaseGoal(line));
    const uint64_t drops_before = side->drops();
    side->RunPhase(goal, &leader);
    PhaseResult result = leader.Result();
    result.drops = side->drops() - drops_before;
    OrFail(control, control->Send(Encode(result)));
  }
}

int RunFollower(ControlChannel* control, const Workload& workload, uint64_t node,
                const Contestant& contestant) {
  std::unique_ptr<FollowerSide> side = contestant.make_follower(workload, node, FailBy(control));
  OrFail(control, control->Send(absl::StrCat("listening ", OrFail(control, side->Listen()))));
  const std::vector<int> ports = OrFail(control, ReceivePorts(control));
  OrFail(control, side->Connect(ports.front()));
  OrFail(control, control->Send("ready"));
  std::thread stopper([&] {
    const std::string line = OrFail(control, control->Receive());
    if (line != "stop") Fail(control, absl::StrCat("expected 'stop', got '", line, "'"));
    side->Stop();
  });
  side->Serve();
  stopper.join();
  return 0;
}

}  // namespace

int RunMember(absl::string_view role) {
  ControlChannel control(kChildControlFd);
  fcntl(kChildControlFd, F_SETFD, FD_CLOEXEC);
  const Workload workload = OrFail(&control, ParseWorkload(OrFail(&control, control.Receive())));
  const Contestant* contestant = FindContestant(workload.contestant);
  if (contestant == nullptr) Fail(&control, absl::StrCat("no contestant ", workload.contestant));
  if (role == kLeaderRole) return RunLeader(&control, workload, *contestant);
  int follower;
  if (!absl::ConsumePrefix(&role, kFollowerRole) || !absl::SimpleAtoi(role, &follower)) {
    Fail(&control, absl::StrCat("no role ", role));
  }
  return RunFollower(&control, workload, FollowerNode(follower), *contestant);
}

}  // namespace hawser::bench
