// bench/admin_watchers: what 200 watchers of the admin server cost the data path.
//
//     bazel run -c opt //bench:admin_watchers
//
// Two nodes in this process; the watchers, half of whom read nothing after the first update, are in
// another. Rounds with and without them take turns; the figure is the ratio.

#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "admin/admin.grpc.pb.h"
#include "admin/admin_server.h"
#include "base/check.h"
#include "base/log.h"
#include "bench/clock.h"
#include "transport/transport.h"

ABSL_FLAG(int, watchers, 200, "how many watch");
ABSL_FLAG(int, rounds, 7, "rounds of each kind");
ABSL_FLAG(double, seconds, 1, "how long each takes");
ABSL_FLAG(std::string, watch, "", "for the other process: the address to watch");

extern char** environ;

namespace hawser::bench {
namespace {

constexpr uint64_t kDepth = 256;

// The follower answers each append; the leader keeps kDepth of them on their way.
class Follower : public RaftHandler {
 public:
  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease) override {
    MessageView answer;
    answer.type = MessageType::kAppResp;
    answer.from = 2;
    answer.to = 1;
    answer.term = 1;
    answer.index = message.index + 1;
    transport->Send(from, group, answer);
  }
  void OnUnreachable(NodeId, const LossReport&) override { HAWSER_CHECK(false); }
  Transport* transport = nullptr;
};

class Leader : public RaftHandler {
 public:
  void OnMessage(NodeId, GroupId, const MessageView&, Lease) override {
    answered.fetch_add(1, std::memory_order_relaxed);
    SendOne();
  }
  void OnUnreachable(NodeId, const LossReport&) override { HAWSER_CHECK(false); }
  void OnPeerChange(NodeId, bool up, LinkKind, CloseReason) override {
    for (uint64_t i = 0; up && i < kDepth; ++i) SendOne();
  }
  void SendOne() {
    EntryView entry;
    entry.term = 1;
    entry.index = next_ + 1;
    entry.data = data_;
    MessageView append;
    append.type = MessageType::kApp;
    append.from = 1;
    append.to = 2;
    append.term = append.log_term = 1;
    append.index = next_;
    append.entries = absl::MakeConstSpan(&entry, 1);
    if (transport->Send(2, 0, append) == SendResult::kAccepted) ++next_;
  }
  Transport* transport = nullptr;
  std::atomic<uint64_t> answered{0};

 private:
  const std::string data_ = std::string(64, 'x');
  uint64_t next_ = 0;
};

std::unique_ptr<Transport> Make(NodeId node, RaftHandler* handler) {
  Options options;
  options.node_id = node;
  options.cluster_id = "bench";
  options.link_policy = LinkPolicy::kGrpc;
  options.peer_silent_ms = 5000;
  return *Transport::Create(options, handler);
}

// The other process: watches until it is killed. Says when all have had their first update.
int Watch(const std::string& address, int count) {
  std::vector<std::thread> readers;
  std::atomic<int> ready{0};
  for (int i = 0; i < count; ++i) {
    readers.emplace_back([&, i] {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      const auto stub = admin::Admin::NewStub(
          grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
      grpc::ClientContext context;
      admin::WatchStreamsRequest request;
      request.set_counters(true);
      const auto reader = stub->WatchStreams(&context, request);
      admin::StreamsUpdate update;
      HAWSER_CHECK(reader->Read(&update));
      if (++ready == count) {
        std::printf("ready\n");
        std::fflush(stdout);
      }
      while (i % 2 == 0 && reader->Read(&update)) {
      }
      pause();
    });
  }
  for (std::thread& reader : readers) reader.join();
  return 0;
}

// Watchers in a process of their own, while it lives.
class Watchers {
 public:
  explicit Watchers(const std::string& address) {
    int out[2];
    HAWSER_CHECK(pipe(out) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::string name = "/proc/self/exe";
    std::string watch = absl::StrCat("--watch=", address);
    std::string count = absl::StrCat("--watchers=", absl::GetFlag(FLAGS_watchers));
    char* const arguments[] = {&name[0], &watch[0], &count[0], nullptr};
    HAWSER_CHECK(posix_spawn(&pid_, name.c_str(), &actions, nullptr, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    char byte;
    HAWSER_CHECK(read(out[0], &byte, 1) == 1);
    close(out[0]);
  }
  ~Watchers() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

 private:
  pid_t pid_ = -1;
};

// Appends answered each second.
double Measure(const Leader& leader) {
  const int64_t began_ns = NowNs();
  const uint64_t before = leader.answered;
  std::this_thread::sleep_for(
      std::chrono::milliseconds(static_cast<int64_t>(absl::GetFlag(FLAGS_seconds) * 1000)));
  return static_cast<double>(leader.answered - before) * 1e9 /
         static_cast<double>(NowNs() - began_ns);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Run() {
  Leader leader;
  Follower follower;
  const std::unique_ptr<Transport> b = Make(2, &follower);
  const std::unique_ptr<Transport> a = Make(1, &leader);
  leader.transport = a.get();
  follower.transport = b.get();
  HAWSER_CHECK(b->AddPeer(1, {}).ok() && a->AddPeer(2, {b->listen_address()}).ok());
  HAWSER_CHECK(b->Start().ok() && a->Start().ok());
  const auto server = admin::AdminServer::Start(a.get(), {});
  HAWSER_CHECK(server.ok());
  std::vector<double> without;
  std::vector<double> with;
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    without.push_back(Measure(leader));
    const Watchers watchers((*server)->listen_address());
    const uint64_t looks = (*server)->looks();
    with.push_back(Measure(leader));
    std::printf("round %d: %.0f appends/s without, %.0f with %d watchers, ratio %.3f, %llu looks\n",
                round + 1, without.back(), with.back(), absl::GetFlag(FLAGS_watchers),
                with.back() / without.back(),
                static_cast<unsigned long long>((*server)->looks() - looks));
    std::fflush(stdout);
  }
  std::printf("median: %.0f without, %.0f with, ratio %.3f\n", Median(without), Median(with),
              Median(with) / Median(without));
  SetLogSink([](absl::string_view /*line*/) {});
  return 0;
}

}  // namespace
}  // namespace hawser::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const std::string watch = absl::GetFlag(FLAGS_watch);
  if (!watch.empty()) return hawser::bench::Watch(watch, absl::GetFlag(FLAGS_watchers));
  return hawser::bench::Run();
}
