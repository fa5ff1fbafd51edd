#include "tests/adapters/libraft/c_node.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/adapters/libraft/raft_node.h"
#include "tests/support/loopback_address.h"

namespace hawser::libraft {
namespace {

// A program in C needs nothing but the header for C and libraft's own.
TEST(CNodeTest, AProgramInCUsesIt) {
  const std::string directory1 = NewDirectory();
  const std::string directory2 = NewDirectory();
  const std::string address1 = NewLoopbackAddress();
  const std::string address2 = NewLoopbackAddress();
  char link[8] = "";
  EXPECT_STREQ(
      RunCServers(address1.c_str(), directory1.c_str(), address2.c_str(), directory2.c_str(), link),
      nullptr);
  EXPECT_STREQ(link, "grpc");
}

}  // namespace
}  // namespace hawser::libraft
