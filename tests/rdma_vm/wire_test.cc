// The wire of tools/rdma_vm: it is a wire, and breaks in the ways that RDMA tests rely on.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/rdma_vm/guest.h"
#include "tests/support/wait_until.h"

namespace hawser {
namespace {

constexpr uint16_t kUdpPort = 7777;

// A datagram socket at one port of the machine.
class PortSocket {
 public:
  explicit PortSocket(const std::string& address)
      : fd_(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 self = Resolve(address);
    EXPECT_EQ(0, ::bind(fd_, reinterpret_cast<sockaddr*>(&self), sizeof(self)))
        << address << ": " << std::strerror(errno);
  }
  ~PortSocket() { ::close(fd_); }
  PortSocket(const PortSocket&) = delete;
  PortSocket& operator=(const PortSocket&) = delete;

  bool Send(const std::string& to, uint64_t number) {
    const sockaddr_in6 peer = Resolve(to);
    return ::sendto(fd_, &number, sizeof(number), 0, reinterpret_cast<const sockaddr*>(&peer),
                    sizeof(peer)) == sizeof(number);
  }

  // The next number that arrives within the time; 0 when none does.
  uint64_t Receive(absl::Duration patience) {
    pollfd readable = {fd_, POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) != 1) return 0;
    uint64_t number = 0;
    return ::recv(fd_, &number, sizeof(number), 0) == sizeof(number) ? number : 0;
  }

 private:
  static sockaddr_in6 Resolve(const std::string& address) {
    sockaddr_in6 resolved = {};
    resolved.sin6_family = AF_INET6;
    resolved.sin6_port = htons(kUdpPort);
    const bool four = address.find(':') == std::string::npos;
    const std::string six = four ? absl::StrCat("::ffff:", address) : address;
    EXPECT_EQ(1, ::inet_pton(AF_INET6, six.c_str(), &resolved.sin6_addr)) << address;
    return resolved;
  }

  const int fd_;
};

class WireTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!InRdmaVm()) GTEST_SKIP() << "not inside tools/rdma_vm";
  }
  void TearDown() override {
    if (InRdmaVm()) Wire("heal 1");
  }

  static void Wire(const std::string& what) {
    const ProgramResult result = RunScript("rdma_wire " + what);
    ASSERT_EQ(0, result.exit_code) << what << ": " << result.output;
  }

  static std::string PortState(int port) {
    return FirstLine(absl::StrCat("/sys/class/infiniband/rxe", port, "/ports/1/state"));
  }

  static std::string Carrier(int port) {
    return FirstLine(absl::StrCat("/sys/class/net/rdma", port, "/carrier"));
  }
};

TEST_F(WireTest, DatagramsCrossIt) {
  const std::string addresses[][2] = {{"10.77.0.1", "10.77.0.2"}, {"fd77::1", "fd77::2"}};
  for (const auto& [from, to] : addresses) {
    PortSocket first(from);
    PortSocket second(to);
    const int64_t before = FramesToPort(1);
    for (uint64_t number = 1; number <= 100; ++number) {
      ASSERT_TRUE(first.Send(to, number)) << std::strerror(errno);
      ASSERT_EQ(number, second.Receive(absl::Seconds(10))) << to;
    }
    EXPECT_GE(FramesToPort(1) - before, 100) << to;
  }
}

// Numbers sent while the wire was broken never arrive, not even after it is mended.
TEST_F(WireTest, CutWireLosesCarrierAndDatagrams) {
  PortSocket first("10.77.0.1");
  PortSocket second("10.77.0.2");
  Wire("cut 1");
  EXPECT_TRUE(WaitUntil([] { return Carrier(1) == "0"; })) << Carrier(1);
  EXPECT_TRUE(WaitUntil([] { return PortState(1) == "1: DOWN"; })) << PortState(1);
  EXPECT_EQ("4: ACTIVE", PortState(0));
  for (uint64_t number = 1; number <= 10; ++number) first.Send("10.77.0.2", number);

  Wire("heal 1");
  EXPECT_TRUE(WaitUntil([] { return PortState(1) == "4: ACTIVE"; })) << PortState(1);
  uint64_t received = 0;
  EXPECT_TRUE(WaitUntil([&] {
    first.Send("10.77.0.2", 1000);
    received = second.Receive(absl::Milliseconds(50));
    return received != 0;
  }));
  EXPECT_EQ(1000u, received);
}

TEST_F(WireTest, MutedWireKeepsCarrierAndLosesDatagramsBothWays) {
  PortSocket first("10.77.0.1");
  PortSocket second("10.77.0.2");
  Wire("mute 1");
  for (uint64_t number = 1; number <= 10; ++number) {
    first.Send("10.77.0.2", number);
    second.Send("10.77.0.1", number);
  }
  EXPECT_EQ("1", Carrier(1));
  EXPECT_EQ("4: ACTIVE", PortState(1));

  Wire("heal 1");
  ASSERT_TRUE(first.Send("10.77.0.2", 1000));
  EXPECT_EQ(1000u, second.Receive(absl::Seconds(10)));
  ASSERT_TRUE(second.Send("10.77.0.1", 2000));
  EXPECT_EQ(2000u, first.Receive(absl::Seconds(10)));
}

TEST_F(WireTest, NetemDelaysBothWays) {
  PortSocket first("10.77.0.1");
  PortSocket second("10.77.0.2");
  Wire("netem 1 delay 100ms");
  const absl::Time started = absl::Now();
  ASSERT_TRUE(first.Send("10.77.0.2", 1));
  ASSERT_EQ(1u, second.Receive(absl::Seconds(10)));
  ASSERT_TRUE(second.Send("10.77.0.1", 2));
  ASSERT_EQ(2u, first.Receive(absl::Seconds(10)));
  EXPECT_GE(absl::Now() - started, absl::Milliseconds(199));
}

}  // namespace
}  // namespace hawser
