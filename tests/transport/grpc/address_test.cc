// Addresses: what is one, and which stay on this machine.

#include "transport/grpc/address.h"

#include <gtest/gtest.h>

#include <string>

namespace hawser {
namespace {

TEST(AddressTest, GoodOnes) {
  const struct {
    const char* text;
    const char* host;
    int port;
  } cases[] = {
      {"127.0.0.1:7001", "127.0.0.1", 7001}, {"localhost:0", "localhost", 0},
      {"[::1]:65535", "::1", 65535},         {"node-1.example.org:7", "node-1.example.org", 7},
      {"0.0.0.0:7001", "0.0.0.0", 7001},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Address> address = ParseAddress(c.text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
    EXPECT_EQ(address->ToString(), c.text);
  }
}

TEST(AddressTest, BadOnesSayWhy) {
  const std::string long_host(300, 'h');
  for (const std::string& text :
       {std::string(), std::string("localhost"), std::string(":7001"), std::string("host:"),
        std::string("host:port"), std::string("host:65536"), std::string("host:-1"),
        std::string("host:70 01"), std::string("::1:7001"), std::string("[::1]7001"),
        std::string("[nonsense]:7001"), std::string("[::1:7001"), std::string("ho st:7001"),
        std::string("dns:///host:7001"), std::string("unix:/tmp/socket:1"), long_host + ":7001"}) {
    const absl::StatusOr<Address> address = ParseAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(address.status().message().find("host:port"), absl::string_view::npos) << text;
  }
}

TEST(AddressTest, Loopback) {
  for (const char* text : {"127.0.0.1:1", "127.255.1.2:1", "[::1]:1", "localhost:1"}) {
    EXPECT_TRUE(IsLoopback(*ParseAddress(text))) << text;
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "128.0.0.1:1", "10.0.0.1:1", "example.org:1",
                           "localhost.example.org:1", "[::ffff:10.0.0.1]:1"}) {
    EXPECT_FALSE(IsLoopback(*ParseAddress(text))) << text;
  }
}

// As gRPC names the other end: the address that a connection really has.
TEST(AddressTest, LoopbackConnections) {
  for (const char* peer : {"ipv4:127.0.0.1:42", "ipv4:127.8.9.10:42", "ipv6:%5B::1%5D:42",
                           "ipv6:[::1]:42", "ipv6:[::ffff:127.0.0.1]:42"}) {
    EXPECT_TRUE(IsLoopbackConnection(peer)) << peer;
  }
  for (const char* peer :
       {"ipv4:10.0.0.1:42", "ipv4:0.0.0.0:42", "ipv6:%5Bfe80::1%5D:42", "ipv6:[::ffff:10.0.0.1]:42",
        "ipv4:localhost:42", "localhost:42", "unix:/run/socket", "127.0.0.1:42", "ipv4:", ""}) {
    EXPECT_FALSE(IsLoopbackConnection(peer)) << peer;
  }
}

}  // namespace
}  // namespace hawser
