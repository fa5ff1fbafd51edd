// What doctor says of the host it runs on: in tools/rdma_vm that RDMA can be used.

#include "tools/hawserctl/doctor.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace hawser::ctl {
namespace {

TEST(DoctorTest, SaysWhichLinkThisHostCanUse) {
  bool rdma = false;
  const std::string text = Doctor(/*json=*/false, &rdma);
  EXPECT_NE(text.find("  grpc  least "), std::string::npos) << text;
  EXPECT_EQ(rdma, text.find("This host can use RDMA") != std::string::npos) << text;
  EXPECT_EQ(rdma, text.find("This host can use gRPC only: ") == std::string::npos) << text;
  if (std::getenv("HAWSER_RDMA_VM") == nullptr) return;
  EXPECT_TRUE(rdma) << text;
  EXPECT_NE(text.find("rxe0 port 1: ACTIVE, Ethernet"), std::string::npos) << text;
  EXPECT_NE(text.find("  rdma  least "), std::string::npos) << text;
}

TEST(DoctorTest, TheSameAsJson) {
  if (std::getenv("HAWSER_RDMA_VM") != nullptr) GTEST_SKIP() << "it takes long here";
  bool rdma = false;
  const std::string text = Doctor(/*json=*/true, &rdma);
  EXPECT_NE(text.find(rdma ? "\"link\": \"rdma\"" : "\"link\": \"grpc\""), std::string::npos)
      << text;
}

}  // namespace
}  // namespace hawser::ctl
