#include "tools/hawserctl/doctor_facts.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace hawser::ctl {
namespace {

namespace fs = std::filesystem;

// A root directory as a host's.
class DoctorFactsTest : public ::testing::Test {
 protected:
  DoctorFactsTest()
      : root_(fs::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  static KernelModule::State StateOf(const HostFacts& facts, const std::string& name) {
    const auto found =
        std::find_if(facts.modules.begin(), facts.modules.end(),
                     [&](const KernelModule& module) { return module.name == name; });
    return found == facts.modules.end() ? KernelModule::State::kMissing : found->state;
  }

  const fs::path root_;
};

TEST_F(DoctorFactsTest, AHostWithoutAnything) {
  const HostFacts facts = GatherFacts(root_);
  EXPECT_TRUE(facts.devices.empty());
  EXPECT_FALSE(facts.connection_manager);
  EXPECT_FALSE(facts.ignores_lock_limit);
  EXPECT_EQ(StateOf(facts, "rdma_rxe"), KernelModule::State::kMissing);
  EXPECT_FALSE(facts.kernel.empty());
}

TEST_F(DoctorFactsTest, ADevice) {
  const std::string device = "sys/class/infiniband/mlx5_0/";
  const std::string port = device + "ports/1/";
  Write(device + "fw_ver", "16.35.2000\n");
  Write(port + "state", "4: ACTIVE\n");
  Write(port + "link_layer", "Ethernet\n");
  Write(port + "rate", "100 Gb/sec (4X EDR)\n");
  Write(port + "gids/0", "fe80:0000:0000:0000:0000:00ff:fe00:0001\n");
  Write(port + "gids/1", "0000:0000:0000:0000:0000:0000:0000:0000\n");
  Write(port + "gids/10", "0000:0000:0000:0000:0000:ffff:0a00:0001\n");
  Write(port + "gid_attrs/types/0", "IB/RoCE v1\n");
  Write(port + "gid_attrs/types/10", "RoCE v2\n");
  Write(port + "gid_attrs/ndevs/0", "eth1\n");
  Write(port + "gid_attrs/ndevs/10", "eth1\n");
  Write("sys/class/infiniband_verbs/uverbs3/ibdev", "mlx5_0\n");
  Write("sys/class/infiniband_verbs/uverbs4/ibdev", "mlx5_1\n");
  Write("sys/class/infiniband_verbs/abi_version", "6\n");
  Write("dev/infiniband/uverbs3", "");
  Write("dev/infiniband/rdma_cm", "");
  const HostFacts facts = GatherFacts(root_);
  ASSERT_EQ(facts.devices.size(), 1u);
  EXPECT_EQ(facts.devices[0].name, "mlx5_0");
  EXPECT_EQ(facts.devices[0].firmware, "16.35.2000");
  EXPECT_EQ(facts.devices[0].node, "/dev/infiniband/uverbs3");
  EXPECT_TRUE(facts.devices[0].may_be_opened);
  EXPECT_TRUE(facts.connection_manager_may_be_opened);
  ASSERT_EQ(facts.devices[0].ports.size(), 1u);
  const RdmaPort& found = facts.devices[0].ports[0];
  EXPECT_EQ(found.number, 1);
  EXPECT_EQ(found.state, "ACTIVE");
  EXPECT_EQ(found.rate, "100 Gb/sec (4X EDR)");
  ASSERT_EQ(found.gids.size(), 2u);
  EXPECT_EQ(found.gids[1].index, 10);
  EXPECT_EQ(found.gids[1].type, "RoCE v2");
  EXPECT_EQ(found.gids[1].network, "eth1");
}

TEST_F(DoctorFactsTest, ModulesAndCapabilities) {
  utsname names{};
  uname(&names);
  Write(std::string("lib/modules/") + names.release + "/modules.dep",
        "kernel/drivers/infiniband/sw/rxe/rdma_rxe.ko: kernel/drivers/infiniband/core/ib_core.ko\n"
        "kernel/drivers/infiniband/core/ib_uverbs.ko.xz:\n");
  Write("sys/module/ib_core/refcnt", "1\n");
  Write("proc/self/status", "Name:\tx\nCapEff:\t0000000000004000\n");
  const HostFacts facts = GatherFacts(root_);
  EXPECT_EQ(StateOf(facts, "ib_core"), KernelModule::State::kLoaded);
  EXPECT_EQ(StateOf(facts, "rdma_rxe"), KernelModule::State::kThere);
  EXPECT_EQ(StateOf(facts, "ib_uverbs"), KernelModule::State::kThere);
  EXPECT_EQ(StateOf(facts, "rdma_ucm"), KernelModule::State::kMissing);
  EXPECT_TRUE(facts.ignores_lock_limit);
}

TEST_F(DoctorFactsTest, NonsenseInFiles) {
  Write("sys/class/infiniband/x/ports/one/state", "4: ACTIVE\n");
  Write("sys/class/infiniband/y/ports/1/gids/zero", "fe80::1\n");
  Write("proc/self/status", "CapEff: nonsense\n");
  const HostFacts facts = GatherFacts(root_);
  ASSERT_EQ(facts.devices.size(), 2u);
  EXPECT_TRUE(facts.devices[0].ports.empty());
  EXPECT_TRUE(facts.devices[1].ports[0].gids.empty());
  EXPECT_FALSE(facts.ignores_lock_limit);
}

TEST_F(DoctorFactsTest, ThisHostHasALoopback) {
  const HostFacts facts = GatherFacts();
  const bool loopback = std::any_of(facts.interfaces.begin(), facts.interfaces.end(),
                                    [](const NetworkInterface& i) { return i.loopback; });
  EXPECT_TRUE(loopback);
}

}  // namespace
}  // namespace hawser::ctl
