// kv: a replicated key-value store on libraft and Hawser, and its client. docs/libraft.md.

#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tools/kv_demo/kv_client.h"
#include "tools/kv_demo/kv_server.h"

ABSL_FLAG(std::string, servers, "",
          "ID=RAFT_ADDRESS/CLIENT_ADDRESS of every server, with commas between; addresses are "
          "IP:port");
ABSL_FLAG(int, id, 0, "serve: which of them this is");
ABSL_FLAG(std::string, directory, "", "serve: an existing directory for log and snapshots");
ABSL_FLAG(bool, grpc_only, false, "serve: never use RDMA");
ABSL_FLAG(double, patience_seconds, 10, "put, get: how long a leader is looked for");

namespace hawser::kv {
namespace {

constexpr char kUsage[] =
    "A replicated key-value store on libraft and Hawser.\n\n"
    "    kv --servers=... --id=N --directory=DIR serve\n"
    "    kv --servers=... put KEY VALUE\n"
    "    kv --servers=... get KEY\n"
    "    kv --servers=... status          of every server, with its streams";

int Fail(absl::string_view words) {
  std::fprintf(stderr, "kv: %.*s\n", static_cast<int>(words.size()), words.data());
  return 1;
}

bool ParseServers(const std::string& text, std::map<raft_id, KvServerOptions::Member>* members) {
  for (absl::string_view server : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::vector<std::string> id_and_addresses = absl::StrSplit(server, '=');
    if (id_and_addresses.size() != 2) return false;
    const std::vector<std::string> addresses = absl::StrSplit(id_and_addresses[1], '/');
    uint64_t id = 0;
    if (addresses.size() != 2 || !absl::SimpleAtoi(id_and_addresses[0], &id) || id == 0) {
      return false;
    }
    (*members)[id] = {addresses[0], addresses[1]};
  }
  return !members->empty();
}

int Serve(const std::map<raft_id, KvServerOptions::Member>& members) {
  KvServerOptions options;
  options.id = static_cast<raft_id>(absl::GetFlag(FLAGS_id));
  options.members = members;
  options.directory = absl::GetFlag(FLAGS_directory);
  options.io.transport.cluster_id = "kv-demo";
  if (absl::GetFlag(FLAGS_grpc_only)) options.io.transport.link_policy = LinkPolicy::kGrpc;
  if (members.count(options.id) == 0) return Fail("--id is none of --servers");
  KvServer server(options);
  const absl::Status status = server.Run();
  return status.ok() ? 0 : Fail(status.message());
}

int ShowStatus(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    const absl::StatusOr<std::string> answer = AskServer(address, "status", absl::Seconds(2));
    const std::string text = answer.ok() ? *answer : std::string(answer.status().message());
    std::printf("%s\n", text.c_str());
  }
  return 0;
}

int Main(const std::vector<char*>& arguments) {
  std::map<raft_id, KvServerOptions::Member> members;
  if (!ParseServers(absl::GetFlag(FLAGS_servers), &members)) return Fail("what is in --servers?");
  std::vector<std::string> addresses;
  for (const auto& [id, member] : members) addresses.push_back(member.client_address);
  const std::vector<std::string> words(arguments.begin() + 1, arguments.end());
  if (words.empty()) return Fail("serve, put, get or status?");
  if (words[0] == "serve") return Serve(members);
  if (words[0] == "status") return ShowStatus(addresses);
  const absl::StatusOr<std::string> answer = AskLeader(
      addresses, absl::StrJoin(words, " "), absl::Seconds(absl::GetFlag(FLAGS_patience_seconds)));
  if (!answer.ok()) return Fail(answer.status().message());
  std::printf("%s\n", answer->c_str());
  return 0;
}

}  // namespace
}  // namespace hawser::kv

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(hawser::kv::kUsage);
  return hawser::kv::Main(absl::ParseCommandLine(argc, argv));
}
