#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "docs/sketches/sketches.h"
#include "gtest/gtest.h"

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

class AcceptAll : public foreign::msg_handler {
 public:
  foreign::ptr<foreign::resp_msg> process_req(foreign::req_msg& request) override {
    return std::make_shared<foreign::resp_msg>();
  }
};

void RunNow(absl::AnyInvocable<void()> function) { function(); }

// Calls are not built in this version: each must end, once, saying so, and give its request back.
TEST(NuRaftRpcClientTest, CallThatIsNotBuiltEndsWithAnException) {
  Options options;
  options.cluster_id = "nuraft";
  options.node_id = 1;
  auto rpc = MakeNuRaftRpc(options, RunNow);
  ASSERT_EQ(rpc.status(), absl::OkStatus());
  foreign::ptr<foreign::msg_handler> handler = std::make_shared<AcceptAll>();
  (*rpc)->listen(handler);
  const auto client = (*rpc)->create_client("127.0.0.1:9");
  for (const foreign::msg_type type :
       {foreign::append_entries_request, foreign::request_vote_request}) {
    auto request = std::make_shared<foreign::req_msg>();
    request->type = type;
    request->src = 1;
    request->dst = -2;  // Ids are signed.
    auto entry = std::make_shared<foreign::log_entry>();
    entry->val_type = foreign::conf;
    entry->buf = std::make_shared<foreign::buffer>("configuration");
    request->log_entries.push_back(std::move(entry));
    std::atomic<int> ended{0};
    std::string what;
    foreign::rpc_handler when_done = [&](foreign::ptr<foreign::resp_msg>& response,
                                         foreign::ptr<foreign::rpc_exception>& error) {
      EXPECT_EQ(response, nullptr);
      if (error != nullptr) what = error->what();
      ++ended;
    };
    client->send(request, when_done, 100);
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (ended == 0 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
    EXPECT_EQ(ended, 1);
    EXPECT_TRUE(absl::StartsWith(what, "not_built")) << what;
  }
  (*rpc)->stop();
  (*rpc)->shutdown();
}

}  // namespace
}  // namespace hawser::sketches
