// hawserctl: looks at the streams of a running node, and steers them. docs/operating.md.

#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/hawserctl/command.h"

ABSL_FLAG(std::string, address, "127.0.0.1:7101", "host:port of the node's admin server");
ABSL_FLAG(std::string, token_file, "", "file with the token that permits what is asked");
ABSL_FLAG(std::string, tls_ca_file, "", "PEM file of the CA of the server's certificate");
ABSL_FLAG(std::string, tls_certificate_file, "", "PEM file of our certificate");
ABSL_FLAG(std::string, tls_key_file, "", "PEM file of its key");
ABSL_FLAG(std::string, tls_server_name, "",
          "URI or DNS name that the server's certificate must have: hawser://CLUSTER/NODE");
ABSL_FLAG(bool, json, false, "print JSON, as protobuf maps it; watch: a line each update");
ABSL_FLAG(bool, release, false, "pin: let the transport choose again");
ABSL_FLAG(bool, counters, false, "watch: all streams at each interval");
ABSL_FLAG(int, updates, 0, "watch: end after so many updates; 0: never");
ABSL_FLAG(double, timeout_seconds, 5, "how long an answer may take");

namespace hawser::ctl {
namespace {

ToolFlags FlagsAsGiven() {
  ToolFlags flags;
  flags.address = absl::GetFlag(FLAGS_address);
  flags.token_file = absl::GetFlag(FLAGS_token_file);
  flags.tls_ca_file = absl::GetFlag(FLAGS_tls_ca_file);
  flags.tls_certificate_file = absl::GetFlag(FLAGS_tls_certificate_file);
  flags.tls_key_file = absl::GetFlag(FLAGS_tls_key_file);
  flags.tls_server_name = absl::GetFlag(FLAGS_tls_server_name);
  flags.json = absl::GetFlag(FLAGS_json);
  flags.release = absl::GetFlag(FLAGS_release);
  flags.counters = absl::GetFlag(FLAGS_counters);
  flags.updates = absl::GetFlag(FLAGS_updates);
  flags.timeout_seconds = absl::GetFlag(FLAGS_timeout_seconds);
  return flags;
}

std::string Usage() {
  std::string text =
      "Looks at the streams of a running node, and steers them.\n\n"
      "    hawserctl [FLAGS] COMMAND [ARGUMENTS]\n\n";
  for (const Command& command : Commands()) {
    absl::StrAppend(
        &text, absl::StrFormat("    %-24s %s\n", absl::StrCat(command.name, " ", command.arguments),
                               command.summary));
  }
  absl::StrAppend(&text, "    help COMMAND             more about one\n\n",
                  "Ends with 0: done; 1: the server refused or failed; 2: the command makes no "
                  "sense;\n3: no server answers; 4: not permitted.");
  return text;
}

const Command* Find(const std::string& name) {
  for (const Command& command : Commands()) {
    if (name == command.name) return &command;
  }
  return nullptr;
}

int Help(Arguments arguments) {
  const Command* const command = arguments.empty() ? nullptr : Find(arguments[0]);
  if (!arguments.empty() && command == nullptr) {
    return Complain(kExitUsage, absl::StrCat("there is no command '", arguments[0], "'"));
  }
  if (command == nullptr) {
    std::printf("%s\n\n--help lists the flags.\n", Usage().c_str());
  } else {
    std::printf("hawserctl %s %s: %s\n%s", command->name, command->arguments, command->summary,
                command->help);
  }
  return kExitOk;
}

int Run(const std::vector<std::string>& words) {
  if (words.empty()) return Complain(kExitUsage, "which command? See hawserctl help");
  const Arguments arguments = absl::MakeConstSpan(words).subspan(1);
  if (words[0] == "help") return Help(arguments);
  const Command* const command = Find(words[0]);
  if (command == nullptr) {
    return Complain(kExitUsage,
                    absl::StrCat("there is no command '", words[0], "': see hawserctl help"));
  }
  return command->run(FlagsAsGiven(), arguments);
}

}  // namespace
}  // namespace hawser::ctl

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(hawser::ctl::Usage());
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  return hawser::ctl::Run(std::vector<std::string>(rest.begin() + 1, rest.end()));
}
