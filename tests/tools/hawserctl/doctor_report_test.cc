#include "tools/hawserctl/doctor_report.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>

namespace hawser::ctl {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

// A host on which all is as it should be.
HostFacts GoodHost() {
  HostFacts facts;
  RdmaPort port;
  port.number = 1;
  port.state = "ACTIVE";
  port.link_layer = "Ethernet";
  port.rate = "100 Gb/sec (4X EDR)";
  port.gids = {{0, "fe80::1", "IB/RoCE v1", "eth1"}, {3, "::ffff:10.0.0.1", "RoCE v2", "eth1"}};
  RdmaDevice device;
  device.name = "mlx5_0";
  device.firmware = "16.35.2000";
  device.node = "/dev/infiniband/uverbs0";
  device.may_be_opened = true;
  device.ports = {port};
  facts.devices = {device};
  facts.interfaces = {{"lo", true, true, {"127.0.0.1"}},
                      {"eth0", true, false, {"192.168.0.5"}},
                      {"eth1", true, false, {"10.0.0.1", "fd00::1"}}};
  for (const char* name : {"ib_core", "ib_uverbs", "rdma_cm", "rdma_ucm"}) {
    facts.modules.push_back({name, KernelModule::State::kLoaded});
  }
  facts.modules.push_back({"rdma_rxe", KernelModule::State::kThere});
  facts.connection_manager = facts.connection_manager_may_be_opened = true;
  facts.locked_bytes_max = kUnlimited;
  facts.kernel = "6.1.0-56-amd64";
  return facts;
}

SelfTest GoodTest() {
  SelfTest test;
  test.round_trips = 200;
  test.grpc = {true, 40, 55, ""};
  test.rdma = {true, 4, 6, ""};
  return test;
}

// The first thing that is wrong, and the command against it.
void ExpectFirstBad(const HostFacts& facts, const std::string& text, const std::string& command) {
  const Report report = Diagnose(facts);
  EXPECT_FALSE(report.rdma);
  for (const Finding& finding : report.findings) {
    if (finding.kind != Finding::Kind::kBad) continue;
    EXPECT_EQ(finding.text, text);
    EXPECT_EQ(finding.command, command);
    return;
  }
  ADD_FAILURE() << "nothing is wrong: " << text;
}

TEST(DoctorReportTest, AGoodHost) {
  const HostFacts facts = GoodHost();
  Report report = Diagnose(facts);
  AddSelfTest(GoodTest(), &report);
  EXPECT_TRUE(report.rdma);
  EXPECT_EQ(ReportText(report, GoodTest()),
            "  ok    mlx5_0 port 1: ACTIVE, Ethernet, 100 Gb/sec (4X EDR); eth1 10.0.0.1, fd00::1; "
            "2 GIDs (IB/RoCE v1, RoCE v2)\n"
            "  ok    any amount of memory may be locked\n"
            "Self-test: 200 round trips of an append and its answer, both ends in this process\n"
            "  grpc  least 40.0 us, median 55.0 us\n"
            "  rdma  least 4.0 us, median 6.0 us\n"
            "This host can use RDMA, with listen_address or rdma_listen_address at 10.0.0.1 or "
            "fd00::1.\n");
}

TEST(DoctorReportTest, NoDevice) {
  HostFacts facts = GoodHost();
  facts.devices.clear();
  const char text[] = "this host has no RDMA device; soft-RoCE makes one of any network interface";
  ExpectFirstBad(facts, text, "modprobe rdma_rxe && rdma link add rxe0 type rxe netdev eth0");
  facts.modules.back().state = KernelModule::State::kLoaded;
  ExpectFirstBad(facts, text, "rdma link add rxe0 type rxe netdev eth0");
  facts.modules.back().state = KernelModule::State::kMissing;
  ExpectFirstBad(facts,
                 "this host has no RDMA device, and its kernel 6.1.0-56-amd64 no rdma_rxe "
                 "(soft-RoCE), which makes one of any network interface",
                 "apt-get install linux-image-amd64 && reboot    # Debian; its cloud kernels have "
                 "none");
}

TEST(DoctorReportTest, WhyAndTheCommandComeLast) {
  HostFacts facts = GoodHost();
  facts.devices.clear();
  SelfTest test = GoodTest();
  test.rdma = LinkTimes();
  const std::string text = ReportText(Diagnose(facts), test);
  const std::string end =
      "  grpc  least 40.0 us, median 55.0 us\n"
      "This host can use gRPC only: this host has no RDMA device; soft-RoCE makes one of any "
      "network interface.\n"
      "To mend that: modprobe rdma_rxe && rdma link add rxe0 type rxe netdev eth0\n";
  ASSERT_GE(text.size(), end.size());
  EXPECT_EQ(text.substr(text.size() - end.size()), end);
}

TEST(DoctorReportTest, FilesAndPermissions) {
  HostFacts facts = GoodHost();
  facts.devices[0].node.clear();
  ExpectFirstBad(facts, "mlx5_0 has no file in /dev/infiniband",
                 "modprobe ib_uverbs    # in a container: --device=/dev/infiniband");
  facts = GoodHost();
  facts.devices[0].may_be_opened = false;
  ExpectFirstBad(facts, "this user may not open /dev/infiniband/uverbs0, which is mlx5_0",
                 "chmod 666 /dev/infiniband/uverbs0    # for good: apt-get install rdma-core");
  facts = GoodHost();
  facts.connection_manager = false;
  ExpectFirstBad(facts, "there is no /dev/infiniband/rdma_cm, the connection manager",
                 "modprobe rdma_ucm    # in a container: --device=/dev/infiniband");
  facts = GoodHost();
  facts.connection_manager_may_be_opened = false;
  ExpectFirstBad(facts, "this user may not open /dev/infiniband/rdma_cm",
                 "chmod 666 /dev/infiniband/rdma_cm    # for good: apt-get install rdma-core");
}

TEST(DoctorReportTest, Libraries) {
  HostFacts facts = GoodHost();
  facts.missing_libraries = {"libibverbs.so.1", "librdmacm.so.1"};
  ExpectFirstBad(facts, "libibverbs.so.1 and librdmacm.so.1 cannot be opened",
                 "apt-get install libibverbs1 ibverbs-providers librdmacm1");
}

TEST(DoctorReportTest, Ports) {
  HostFacts facts = GoodHost();
  facts.devices[0].ports[0].state = "DOWN";
  ExpectFirstBad(facts, "mlx5_0 port 1 is DOWN", "ip link set eth1 up    # and look at the cable");
  facts = GoodHost();
  facts.interfaces[2].addresses.clear();
  ExpectFirstBad(facts, "mlx5_0 port 1 has no IP address: connections are made by address",
                 "ip address add ADDRESS/PREFIX dev eth1");
  facts = GoodHost();
  facts.devices[0].ports[0].gids.clear();
  ExpectFirstBad(facts, "mlx5_0 port 1 has no IP address: connections are made by address",
                 "ip address add ADDRESS/PREFIX dev INTERFACE");
  facts = GoodHost();
  facts.devices[0].ports.clear();
  ExpectFirstBad(facts, "no RDMA device has a port", "");
}

TEST(DoctorReportTest, OneGoodPortIsEnough) {
  HostFacts facts = GoodHost();
  facts.devices.push_back(facts.devices[0]);
  facts.devices[1].name = "mlx5_1";
  facts.devices[1].ports[0].state = "DOWN";
  const Report report = Diagnose(facts);
  EXPECT_TRUE(report.rdma);
  EXPECT_NE(ReportText(report, {}).find("note  mlx5_1 port 1 is DOWN\n"), std::string::npos);
}

TEST(DoctorReportTest, LockedMemory) {
  HostFacts facts = GoodHost();
  facts.locked_bytes_max = 64 * 1024;
  ExpectFirstBad(facts, "only 0.06 MiB of memory may be locked; one link needs 2.75 MiB",
                 "ulimit -l unlimited    # a systemd unit: LimitMEMLOCK=infinity");
  facts.ignores_lock_limit = true;
  EXPECT_TRUE(Diagnose(facts).rdma);
  facts.ignores_lock_limit = false;
  facts.locked_bytes_max = 8 * kMiB;
  const Report report = Diagnose(facts);
  EXPECT_TRUE(report.rdma);
  EXPECT_EQ(report.findings.back().text,
            "8.00 MiB of memory may be locked: enough for 2 peers with default options");
}

TEST(DoctorReportTest, TheSelfTestHasTheLastWord) {
  Report report = Diagnose(GoodHost());
  SelfTest test = GoodTest();
  test.rdma = {false, 0, 0, "cannot connect: event 8, status -110"};
  AddSelfTest(test, &report);
  EXPECT_FALSE(report.rdma);
  const std::string text = ReportText(report, test);
  EXPECT_NE(text.find("This host can use gRPC only: RDMA was tried and failed: cannot connect"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  rdma  failed: cannot connect"), std::string::npos);
}

TEST(DoctorReportTest, SlowRdmaIsNoted) {
  Report report = Diagnose(GoodHost());
  SelfTest test = GoodTest();
  test.rdma.least_us = 100;
  AddSelfTest(test, &report);
  EXPECT_TRUE(report.rdma);
  EXPECT_EQ(report.findings.back().text.find("RDMA is slower than gRPC here"), 0u);
}

TEST(DoctorReportTest, Json) {
  HostFacts facts = GoodHost();
  facts.interfaces[2].addresses.clear();
  google::protobuf::Struct json;
  const std::string text = ReportJson(facts, Diagnose(facts), GoodTest());
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text, &json).ok()) << text;
  const auto& fields = json.fields();
  EXPECT_EQ(fields.at("link").string_value(), "grpc");
  EXPECT_NE(fields.at("why").string_value().find("has no IP address"), std::string::npos);
  EXPECT_EQ(fields.at("findings").list_value().values_size(), 2);
  const auto& device = fields.at("devices").list_value().values(0).struct_value().fields();
  EXPECT_EQ(device.at("name").string_value(), "mlx5_0");
  const auto& port = device.at("ports").list_value().values(0).struct_value().fields();
  EXPECT_EQ(port.at("gids").list_value().values_size(), 2);
  const auto& times = fields.at("selfTest").struct_value().fields();
  EXPECT_EQ(times.at("rdma").struct_value().fields().at("medianUs").number_value(), 6);
}

}  // namespace
}  // namespace hawser::ctl
