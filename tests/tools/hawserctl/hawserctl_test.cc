// hawserctl beside a running server: what it prints, and what it ends with.

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/admin_pair.h"

namespace hawser {
namespace {

admin::AdminOptions WithToken() {
  admin::AdminOptions options;
  options.change_token_file = WriteAdminToken();
  return options;
}

struct Outcome {
  int exit_code;
  std::string output;  // With errors.
};

class HawserctlTest : public ::testing::Test {
 protected:
  // Runs it at our server, with these words behind its name.
  Outcome Run(const std::string& words) {
    return RunAt(absl::StrCat("--address=", pair_.admin->listen_address(), " ", words));
  }
  static Outcome RunAt(const std::string& words) {
    const std::string command = absl::StrCat("tools/hawserctl/hawserctl ", words, " 2>&1");
    FILE* const pipe = popen(command.c_str(), "r");
    Outcome outcome;
    char bytes[4096];
    for (size_t count; (count = fread(bytes, 1, sizeof(bytes), pipe)) > 0;) {
      outcome.output.append(bytes, count);
    }
    const int status = pclose(pipe);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
  }
  std::string Token() const {
    return absl::StrCat("--token_file=", testing::TempDir(), "/admin.token");
  }
  static void Expect(const Outcome& outcome, int exit_code, const std::string& text) {
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.output;
    EXPECT_TRUE(absl::StrContains(outcome.output, text)) << outcome.output;
  }

  AdminPair pair_{WithToken()};
};

TEST_F(HawserctlTest, Streams) {
  ASSERT_TRUE(pair_.Delivers(10));
  Expect(Run("streams"), 0, "node 1 of test, listening on 127.0.0.1:");
  Expect(Run("streams"), 0, "grpc");
  Expect(Run("streams"), 0, "\necho");
  const Outcome json = Run("streams --json");
  EXPECT_EQ(json.exit_code, 0);
  admin::StreamList list;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json.output, &list).ok()) << json.output;
  EXPECT_EQ(list.streams(0).node(), 2u);
}

TEST_F(HawserctlTest, Stream) {
  ASSERT_TRUE(pair_.Delivers(10));
  Expect(Run("stream 2"), 0, "ledger: accepted 10");
  Expect(Run("stream 2 --json"), 0, "\"link_reason\"");
  Expect(Run("stream 9"), 1, "node 9 is not a peer");
}

TEST_F(HawserctlTest, WatchEndsAfterSoManyUpdates) {
  Expect(Run("watch --counters --updates=3"), 0, "node 2  grpc");
  Expect(Run("watch 2 --updates=1 --json"), 0, "{\"number\":");
}

TEST_F(HawserctlTest, PinAndRelease) {
  Expect(Run(absl::StrCat("pin 2 grpc ", Token())), 0, "node 2 is pinned to grpc");
  Expect(Run("watch --counters --updates=2"), 0, "[pinned to grpc]");
  Expect(Run(absl::StrCat("pin 2 --release ", Token())), 0, "node 2 is released");
  Expect(Run(absl::StrCat("release 2 ", Token())), 0, "node 2 is released");
  Expect(Run(absl::StrCat("pin 9 grpc ", Token())), 1, "node 9 is not a peer");
}

TEST_F(HawserctlTest, DrainAndResume) {
  Expect(Run(absl::StrCat("drain 2 ", Token())), 0, "node 2 is being drained");
  ASSERT_TRUE(pair_.raft_a.WaitFor([&](const Recorded& seen) { return !seen.downs.empty(); }));
  Expect(Run("watch --counters --updates=2"), 0, "[drained]");
  Expect(Run(absl::StrCat("resume 2 ", Token())), 0, "node 2 is resumed");
  EXPECT_TRUE(pair_.raft_a.WaitFor([&](const Recorded& seen) { return seen.up.size() == 2; }));
  Expect(Run("drain"), 2, "drain takes one node id");
  Expect(Run("drain 2"), 4, "give --token_file");
}

TEST_F(HawserctlTest, WithoutPermissionNothingIsChanged) {
  Expect(Run("pin 2 grpc"), 4, "give --token_file");
  Expect(Run("pin 2 grpc --token_file=/etc/hostname"), 4, "permits");
  EXPECT_EQ(pair_.a->Describe().peers[0].pinned, LinkKind::kNone);
}

TEST_F(HawserctlTest, WhatMakesNoSense) {
  Expect(Run(""), 2, "which command?");
  Expect(Run("strems"), 2, "there is no command 'strems'");
  Expect(Run("stream"), 2, "one node id");
  Expect(Run("stream x"), 2, "one node id");
  Expect(Run("pin 2 tcp"), 2, "grpc or rdma");
  Expect(Run("watch 0"), 2, "no node id");
  Expect(Run("streams --token_file=/nowhere"), 2, "cannot read /nowhere");
  Expect(Run("streams --tls_ca_file=/nowhere"), 2, "TLS needs");
}

TEST_F(HawserctlTest, NobodyAnswers) {
  Expect(RunAt("--address=127.0.0.1:1 --timeout_seconds=2 streams"), 3, "no admin server answers");
  // A port of peers is none of ours.
  const Outcome peers =
      RunAt(absl::StrCat("--address=", pair_.b->listen_address(), " --timeout_seconds=5 streams"));
  EXPECT_NE(peers.exit_code, 0) << peers.output;
}

TEST_F(HawserctlTest, Help) {
  Expect(Run("help"), 0, "streams");
  Expect(Run("help pin"), 0, "until it is released");
  Expect(Run("help nothing"), 2, "no command");
  EXPECT_TRUE(absl::StrContains(Run("--help").output, "--token_file")) << Run("--help").output;
}

}  // namespace
}  // namespace hawser
