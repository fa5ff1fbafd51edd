#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "base/mutex.h"
#include "docs/sketches/sketches.h"
#include "gtest/gtest.h"
#include "tests/support/wait_until.h"

namespace foreign {

// Whole messages as bytes: enough for a vote.
std::string serialize(const req_msg& request) {
  return std::string(reinterpret_cast<const char*>(&request.term), sizeof request.term);
}
std::string serialize(const resp_msg& response) {
  return std::string(reinterpret_cast<const char*>(&response.term), sizeof response.term);
}
ptr<req_msg> parse_request(const char* data, size_t size) {
  if (size != sizeof(uint64_t)) return nullptr;
  auto request = std::make_shared<req_msg>();
  std::memcpy(&request->term, data, size);
  return request;
}
ptr<resp_msg> parse_response(const char* data, size_t size) {
  if (size != sizeof(uint64_t)) return nullptr;
  auto response = std::make_shared<resp_msg>();
  std::memcpy(&response->term, data, size);
  return response;
}

}  // namespace foreign

namespace hawser::sketches {
namespace {

// Keeps what it was asked last, and answers in NuRaft's way.
class Server : public foreign::msg_handler {
 public:
  foreign::ptr<foreign::resp_msg> process_req(foreign::req_msg& request) override {
    {
      MutexLock lock(&mu_);
      last_ = request;
    }
    auto response = std::make_shared<foreign::resp_msg>();
    response->term = request.term + 1;
    response->src = request.dst;
    response->dst = request.src;
    response->next_idx = request.last_log_idx + request.log_entries.size() + 1;
    response->accepted = true;
    response->next_batch_size_hint_in_bytes = -1;
    return response;
  }

  foreign::req_msg last() {
    MutexLock lock(&mu_);
    return last_;
  }

 private:
  Mutex mu_;
  foreign::req_msg last_ ABSL_GUARDED_BY(mu_);
};

void RunNow(absl::AnyInvocable<void()> function) { function(); }

// What one request ended with.
struct Ended {
  foreign::ptr<foreign::resp_msg> response;
  std::string what;
};

class NuRaftRpcClientTest : public ::testing::Test {
 protected:
  struct Node {
    foreign::ptr<NuRaftRpc> rpc;
    foreign::ptr<Server> server = std::make_shared<Server>();
  };

  static void Start(NodeId id, Node* node) {
    Options options;
    options.cluster_id = "nuraft";
    options.node_id = id;
    auto rpc = MakeNuRaftRpc(options, RunNow);
    ASSERT_EQ(rpc.status(), absl::OkStatus());
    node->rpc = *rpc;
    foreign::ptr<foreign::msg_handler> handler = node->server;
    node->rpc->listen(handler);
  }
  static void End(Node* node) {
    node->rpc->stop();
    node->rpc->shutdown();
  }
  // Sends and waits. The first requests find no stream yet, as NuRaft's may.
  static Ended Send(foreign::rpc_client* client, foreign::ptr<foreign::req_msg> request) {
    Ended ended;
    std::atomic<int> times{0};
    foreign::rpc_handler when_done = [&](foreign::ptr<foreign::resp_msg>& response,
                                         foreign::ptr<foreign::rpc_exception>& error) {
      ended.response = response;
      if (error != nullptr) ended.what = error->what();
      ++times;
    };
    client->send(request, when_done, 5000);
    EXPECT_TRUE(WaitUntil([&] { return times.load() > 0; }));
    EXPECT_EQ(times.load(), 1);
    return ended;
  }
};

TEST_F(NuRaftRpcClientTest, AppendsAndVotesAreAnswered) {
  Node one;
  Node two;
  Start(1, &one);
  Start(2, &two);
  // They know one another by address.
  const auto client = one.rpc->create_client(two.rpc->listen_address());
  const auto back = two.rpc->create_client(one.rpc->listen_address());
  auto vote = std::make_shared<foreign::req_msg>();
  vote->type = foreign::request_vote_request;
  vote->src = 1;
  vote->dst = 2;
  vote->term = 7;
  auto vote_back = std::make_shared<foreign::req_msg>(*vote);
  std::swap(vote_back->src, vote_back->dst);
  ASSERT_TRUE(WaitUntil([&] {
    Send(back.get(), vote_back);
    return Send(client.get(), vote).response != nullptr;
  }));
  for (uint64_t i = 0; i < 20; ++i) {
    auto append = std::make_shared<foreign::req_msg>();
    append->src = 1;
    append->dst = 2;
    append->term = 7;
    append->last_log_term = 7;
    append->last_log_idx = 2 * i;
    for (const auto type : {foreign::app_log, foreign::conf}) {
      append->log_entries.push_back(std::make_shared<foreign::log_entry>(foreign::log_entry{
          7, type, std::make_shared<foreign::buffer>("entry " + std::to_string(i))}));
    }
    const Ended ended = Send(client.get(), append);
    ASSERT_NE(ended.response, nullptr) << ended.what;
    EXPECT_TRUE(ended.response->accepted);
    EXPECT_EQ(ended.response->term, 8u);
    EXPECT_EQ(ended.response->src, 2);
    EXPECT_EQ(ended.response->next_idx, 2 * i + 3);
    EXPECT_EQ(ended.response->next_batch_size_hint_in_bytes, -1);
    const foreign::req_msg seen = two.server->last();
    EXPECT_EQ(seen.last_log_idx, 2 * i);
    ASSERT_EQ(seen.log_entries.size(), 2u);
    EXPECT_EQ(seen.log_entries[0]->val_type, foreign::app_log);
    EXPECT_EQ(seen.log_entries[1]->val_type, foreign::conf);
    EXPECT_EQ(*seen.log_entries[1]->buf, "entry " + std::to_string(i));
  }
  End(&one);
  End(&two);
}

TEST_F(NuRaftRpcClientTest, RequestToNobodyEndsWithAnException) {
  Node one;
  Start(1, &one);
  const auto client = one.rpc->create_client("127.0.0.1:9");
  for (const foreign::msg_type type :
       {foreign::append_entries_request, foreign::request_vote_request}) {
    auto request = std::make_shared<foreign::req_msg>();
    request->type = type;
    request->src = 1;
    request->dst = -2;  // Ids are signed.
    const Ended ended = Send(client.get(), request);
    EXPECT_EQ(ended.response, nullptr);
    EXPECT_TRUE(absl::StartsWith(ended.what, "not_sent")) << ended.what;
  }
  End(&one);
}

}  // namespace
}  // namespace hawser::sketches
