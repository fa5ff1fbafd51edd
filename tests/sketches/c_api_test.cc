#include "docs/sketches/c_api.h"

#include "gtest/gtest.h"
#include "tests/sketches/c_user.h"

namespace {

TEST(CApiTest, CProgramSendsHoldsAndKeepsALease) { EXPECT_STREQ(RunCUser(), nullptr); }

TEST(CApiTest, ErrorOfCreateIsText) {
  EXPECT_STREQ(CreateBadNode(),
               "cluster_id is \"not allowed\"; use 1 to 64 letters, digits, '.', '_' or '-'");
}

TEST(CApiTest, SendResultsHaveNames) {
  EXPECT_STREQ(hawser_send_result_name(0), "accepted");
  EXPECT_STREQ(hawser_send_result_name(1), "unknown_peer");
}

}  // namespace
