// Soft-RoCE in tools/rdma_vm: the programs of rdma-core and perftest find real verbs there.

#include <sys/resource.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rdma_vm/guest.h"

namespace hawser {
namespace {

using ::testing::HasSubstr;

class VerbsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!InRdmaVm()) GTEST_SKIP() << "not inside tools/rdma_vm";
  }
};

bool HasProgram(const std::string& name) { return RunScript("command -v " + name).exit_code == 0; }

// Starts the server and repeats the client until it has reached it.
ProgramResult RunPair(const std::string& server, const std::string& client) {
  return RunScript(absl::StrCat(server, " & server=$!\nfor attempt in {1..40}; do\n", client,
                                " && break\nsleep 0.25\ndone\nwait $server"));
}

TEST_F(VerbsTest, BothDevicesAreActive) {
  for (int port = 0; port < 2; ++port) {
    const ProgramResult result = RunScript(absl::StrCat("ibv_devinfo -d rxe", port));
    EXPECT_EQ(0, result.exit_code) << result.output;
    EXPECT_THAT(result.output, HasSubstr("PORT_ACTIVE"));
    EXPECT_THAT(result.output, HasSubstr("active_mtu:\t\t4096"));
  }
}

TEST_F(VerbsTest, MemoryMayBeRegisteredWithoutLimit) {
  rlimit limit = {};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_MEMLOCK, &limit));
  EXPECT_EQ(RLIM_INFINITY, limit.rlim_cur);
}

TEST_F(VerbsTest, ConnectionManagerConnectsOverTheWire) {
  for (const char* net : {"10.77.0.", "fd77::"}) {
    const int64_t before = FramesToPort(1);
    const ProgramResult result =
        RunPair(absl::StrCat("rping -s -a ", net, "2 -C 20 -S 1000"),
                absl::StrCat("rping -c -a ", net, "2 -I ", net, "1 -C 20 -S 1000 -V"));
    EXPECT_EQ(0, result.exit_code) << result.output;
    EXPECT_GE(FramesToPort(1) - before, 20) << result.output;
  }
}

TEST_F(VerbsTest, SendLatencyCanBeMeasuredOverTheWire) {
  if (!HasProgram("ib_send_lat")) GTEST_SKIP() << "ib_send_lat (package perftest) not found";
  const int64_t before = FramesToPort(1);
  const ProgramResult result =
      RunPair("ib_send_lat -d rxe1 -s 64 -n 100", "ib_send_lat -d rxe0 -s 64 -n 100 10.77.0.2");
  EXPECT_EQ(0, result.exit_code) << result.output;
  EXPECT_THAT(result.output, HasSubstr("t_typical[usec]"));
  EXPECT_GE(FramesToPort(1) - before, 100) << result.output;
}

}  // namespace
}  // namespace hawser
