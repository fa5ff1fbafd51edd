// Three servers of libraft on RDMA, whose wire is cut and mended: in the machine of tools/rdma_vm.

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "tests/rdma_vm/guest.h"

namespace hawser {
namespace {

constexpr int kSecondsMax = 280;

TEST(LibraftRdmaTest, NothingIsLostWhenTheWireIsCutAndMended) {
  if (!InRdmaVm()) GTEST_SKIP() << "it needs the machine of tools/rdma_vm";
  const ProgramResult result = RunScript(
      "cd tests/integration/libraft && /usr/bin/python3 -E -s libraft_cluster_test.py "
      "./libraft_server --rdma --kinds=rdma_loss,leader_kill",
      kSecondsMax);
  std::printf("%s", result.output.c_str());
  EXPECT_EQ(result.exit_code, 0);
}

}  // namespace
}  // namespace hawser
