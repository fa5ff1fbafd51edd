#include "docs/sketches/c_api.h"

#include <poll.h>

#include <thread>

#include "gtest/gtest.h"
#include "tests/sketches/c_user.h"

namespace {

TEST(CApiTest, CProgramSendsHoldsAndKeepsALease) { EXPECT_STREQ(RunCUser(), nullptr); }

// A host that sleeps on the descriptor and not in Poll must hear of what its other threads send.
TEST(CApiTest, SleeperOnTheDescriptorIsWokenByAnotherThreadsSend) {
  const hawser_callbacks callbacks = {nullptr,
                                      [](void*, uint64_t, uint64_t, const hawser_message*,
                                         hawser_lease* lease) { hawser_release(lease); },
                                      [](void*, uint64_t, uint64_t) {}, [](void*, uint64_t) {}};
  char error[200];
  hawser_node* node = hawser_create("c-users", 1, "127.0.0.1:0", &callbacks, error, sizeof error);
  ASSERT_NE(node, nullptr) << error;
  ASSERT_EQ(hawser_add_peer(node, 2, "127.0.0.1:9"), 0);
  pollfd descriptor = {hawser_wait_fd(node), POLLIN, 0};
  ASSERT_GE(descriptor.fd, 0);
  // What the first dial has to say is over.
  while (hawser_poll(node, 0) > 0 || poll(&descriptor, 1, 0) > 0) {
  }
  std::thread other([node] {
    hawser_message vote = {};
    vote.type = 5;
    EXPECT_EQ(hawser_send(node, 2, 0, &vote, nullptr, nullptr), 0);
  });
  other.join();
  EXPECT_EQ(poll(&descriptor, 1, 10000), 1);
  hawser_poll(node, 0);
  hawser_destroy(node, 0);
}

TEST(CApiTest, ErrorOfCreateIsText) {
  EXPECT_STREQ(CreateBadNode(),
               "cluster_id is \"not allowed\"; use 1 to 64 letters, digits, '.', '_' or '-'");
}

TEST(CApiTest, SendResultsHaveNames) {
  EXPECT_STREQ(hawser_send_result_name(0), "accepted");
  EXPECT_STREQ(hawser_send_result_name(1), "unknown_peer");
}

}  // namespace
