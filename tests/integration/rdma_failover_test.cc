// RDMA is cut and mended under a steady load, again and again, and pinned to and fro: what was
// accepted is delivered or told lost, and the traffic moves by itself. Prints how long it took. For
// the machine of tools/rdma_vm: elsewhere the tests are skipped, with the reason.
//
// HAWSER_FAILOVER_CYCLES, _PINS and _SILENT_MS in the environment ask for longer runs.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/integration/rdma_failover_pair.h"
#include "tests/rdma_vm/guest.h"

namespace hawser {
namespace {

// Few and patient where many run: CI's machine is emulated, and others use it.
int FromEnvironment(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  int value;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

void Wire(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

size_t OpenFiles() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

// What the process has in memory, without what it maps of files.
int64_t ResidentKib() {
  std::ifstream file("/proc/self/status");
  int64_t kib = 0;
  for (std::string word; file >> word;) {
    if (word == "RssAnon:") file >> kib;
  }
  return kib;
}

// Queue pairs, memory regions and the like that the kernel counts, all devices.
std::string RdmaResources() { return RunScript("rdma resource show").output; }

// What one cycle took, in milliseconds.
struct Cycle {
  double detection;   // From the command that cuts to the first end that gives the link up.
  double resumption;  // From there to the next delivery, on gRPC.
  double blackout;    // Between two deliveries, at most.
  double back;        // From the command that mends to RDMA.
  uint64_t lost;
};

double Ms(int64_t ns) { return static_cast<double>(ns) / 1e6; }

void PrintColumn(const char* name, const std::vector<Cycle>& cycles, double Cycle::*column) {
  std::vector<double> values;
  for (const Cycle& cycle : cycles) values.push_back(cycle.*column);
  std::sort(values.begin(), values.end());
  std::printf("%-34s least %7.1f  median %7.1f  p90 %7.1f  most %7.1f\n", name, values.front(),
              values[values.size() / 2], values[values.size() * 9 / 10], values.back());
}

class RdmaFailoverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access("/sys/class/net/wire1", F_OK) != 0) {
      GTEST_SKIP() << "there is no virtual wire here: run it with tools/rdma_vm test";
    }
    pair_ = std::make_unique<RdmaFailoverPair>(FromEnvironment("HAWSER_FAILOVER_SILENT_MS", 2000));
    ASSERT_TRUE(pair_->UntilOn(LinkKind::kRdma)) << pair_->status().rdma_text;
    ASSERT_TRUE(pair_->Delivers(100));
  }
  void TearDown() override { pair_.reset(); }

  // Cuts (`what`: cut or mute), waits for gRPC, mends, waits for RDMA.
  void RunCycle(const std::string& what) {
    const uint64_t lost_before = pair_->told_lost();
    FailoverMarks* const marks = pair_->marks();
    pair_->ResetMarks();
    const int64_t cut_ns = SteadyNs();
    Wire("rdma_wire " + what + " 1");
    ASSERT_TRUE(pair_->Until([&](const PeerStatus& status) {
      return marks->resumed_ns != 0 && status.link == LinkKind::kGrpc;
    }));
    const PeerStatus down = pair_->status();
    EXPECT_EQ(down.link, LinkKind::kGrpc);
    EXPECT_FALSE(down.rdma_text.empty());
    EXPECT_TRUE(down.ledger.Balanced());
    ASSERT_TRUE(pair_->Delivers(50));
    Cycle cycle;
    cycle.detection = Ms(marks->detected_ns - cut_ns);
    cycle.resumption = Ms(marks->resumed_ns - marks->detected_ns);
    cycle.blackout = Ms(marks->blackout_ns);
    const int64_t mended_ns = SteadyNs();
    Wire("rdma_wire heal 1");
    ASSERT_TRUE(pair_->UntilOn(LinkKind::kRdma)) << pair_->status().rdma_text;
    cycle.back = Ms(SteadyNs() - mended_ns);
    ASSERT_TRUE(pair_->Delivers(50));
    cycle.lost = pair_->told_lost() - lost_before;
    cycles_.push_back(cycle);
    std::printf(
        "cycle %3zu %-4s detected %6.1f ms, resumed %6.1f ms later, blackout %6.1f ms, "
        "lost %llu, back on rdma %7.1f ms after mending\n",
        cycles_.size(), what.c_str(), cycle.detection, cycle.resumption, cycle.blackout,
        static_cast<unsigned long long>(cycle.lost), cycle.back);
    std::fflush(stdout);
  }

  // Nothing was lost silently, twice or out of order, and what was lost is known one by one.
  void ExpectExactAccount() {
    ASSERT_TRUE(pair_->Quiesce());
    const PeerStatus status = pair_->status();
    const uint64_t lost = status.ledger.lost_total().messages;
    std::printf(
        "accepted %llu, delivered %llu, acknowledged %llu, lost %llu (told %llu); "
        "upgrades %llu, fallbacks %llu\n",
        static_cast<unsigned long long>(pair_->accepted()),
        static_cast<unsigned long long>(pair_->delivered()),
        static_cast<unsigned long long>(status.ledger.acknowledged.messages),
        static_cast<unsigned long long>(lost), static_cast<unsigned long long>(pair_->told_lost()),
        static_cast<unsigned long long>(status.upgrades),
        static_cast<unsigned long long>(status.fallbacks));
    EXPECT_TRUE(status.ledger.Balanced());
    EXPECT_EQ(status.ledger.accepted.messages, pair_->accepted());
    EXPECT_EQ(status.ledger.acknowledged.messages, pair_->delivered());
    EXPECT_EQ(status.ledger.superseded.messages, 0u);
    EXPECT_EQ(pair_->accepted(), pair_->delivered() + lost);
    EXPECT_EQ(pair_->told_lost(), lost);
    EXPECT_EQ(pair_->out_of_order(), 0u);
    EXPECT_LE(pair_->missing(), lost);
    for (const std::string& line : pair_->seen()) std::printf("seen %s\n", line.c_str());
  }

  std::unique_ptr<RdmaFailoverPair> pair_;
  std::vector<Cycle> cycles_;
};

TEST_F(RdmaFailoverTest, CutAndMendedUnderLoad) {
  const int count = FromEnvironment("HAWSER_FAILOVER_CYCLES", 4);
  size_t files = 0;
  int64_t resident_kib = 0;
  std::string resources;
  for (int i = 0; i < count; ++i) {
    ASSERT_NO_FATAL_FAILURE(RunCycle(i % 2 == 0 ? "cut" : "mute"));
    if (i != 1) continue;
    files = OpenFiles();
    resident_kib = ResidentKib();
    resources = RdmaResources();
  }
  PrintColumn("detection, ms", cycles_, &Cycle::detection);
  PrintColumn("on gRPC after detection, ms", cycles_, &Cycle::resumption);
  PrintColumn("blackout, ms", cycles_, &Cycle::blackout);
  PrintColumn("back on RDMA after mending, ms", cycles_, &Cycle::back);
  std::printf("files %zu, then %zu; memory %lld KiB, then %lld KiB\n%s%s", files, OpenFiles(),
              static_cast<long long>(resident_kib), static_cast<long long>(ResidentKib()),
              resources.c_str(), RdmaResources().c_str());
  // Each RDMA link has 2.75 MiB of its own: one that stayed for each cycle would show.
  EXPECT_LE(ResidentKib() - resident_kib, 1024 * 8);
  EXPECT_LE(OpenFiles(), files + 2);
  EXPECT_EQ(RdmaResources(), resources);
  // Never a link without its reason.
  for (const std::string& line : pair_->seen()) {
    EXPECT_EQ(line.find("no link is up"), std::string::npos) << line;
  }
  ExpectExactAccount();
}

TEST_F(RdmaFailoverTest, PinnedToAndFroUnderLoad) {
  const int count = FromEnvironment("HAWSER_FAILOVER_PINS", 20);
  pair_->ResetMarks();
  for (int i = 0; i < count; ++i) {
    const LinkKind kind = i % 2 == 0 ? LinkKind::kGrpc : LinkKind::kRdma;
    ASSERT_TRUE(pair_->sender()->PinLink(2, kind).ok());
    ASSERT_TRUE(pair_->UntilOn(kind)) << i << ": " << pair_->status().rdma_text;
    ASSERT_TRUE(pair_->Delivers(5));
  }
  std::printf("%d pins, longest time between two deliveries %.1f ms\n", count,
              Ms(pair_->marks()->blackout_ns));
  ExpectExactAccount();
  EXPECT_EQ(pair_->told_lost(), 0u);
  EXPECT_EQ(pair_->missing(), 0u);
}

}  // namespace
}  // namespace hawser
