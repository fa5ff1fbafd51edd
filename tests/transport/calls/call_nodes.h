#ifndef HAWSER_TESTS_TRANSPORT_CALLS_CALL_NODES_H_
#define HAWSER_TESTS_TRANSPORT_CALLS_CALL_NODES_H_

// Two nodes, of which the first calls the second.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"

namespace hawser {

// What `done` of one call was told.
struct Outcome {
  int times = 0;
  CallStatus status = CallStatus::kOk;
  std::string text;
  std::string response;
  MessageType type = MessageType::kHup;
  uint64_t index = 0;
};

// On virtual time. The second has an endpoint "echo", and one "later" whose responders, as those
// of appends, are kept.
class PeerCallTest : public ::testing::Test {
 protected:
  void Open(const Options& first = FakeOptions(1), const Options& second = FakeOptions(2),
            const FakeNodeParts& parts = {}) {
    a_ = cluster_.Add(first, parts);
    b_ = cluster_.Add(second, parts);
    AddEndpoint(b_, "echo",
                [](const Caller&, absl::string_view request, Lease, CallResponder responder) {
                  std::move(responder).Reply(request);
                });
    AddEndpoint(b_, "later",
                [this](const Caller&, absl::string_view, Lease, CallResponder responder) {
                  Keep(std::move(responder));
                });
    b_->raft.on_call_append = [this](NodeId, GroupId, const MessageView&, CallResponder responder) {
      Keep(std::move(responder));
    };
    ASSERT_TRUE(cluster_.Connect(a_, b_));
    cluster_.RunFor(10);
  }
  static void AddEndpoint(FakeNode* node, absl::string_view name, EndpointHandler handler,
                          EndpointOptions options = {}) {
    ASSERT_TRUE(node->endpoints.Add(name, std::move(handler), std::move(options)).ok());
  }
  void Keep(CallResponder responder) { kept_.emplace_back(std::move(responder)); }

  CallDone Record(Outcome* outcome) {
    return [this, outcome](CallResult result) {
      ++outcome->times;
      outcome->status = result.status;
      outcome->text = std::string(result.text);
      outcome->response = std::string(result.response);
      if (result.message != nullptr) {
        outcome->type = result.message->type;
        outcome->index = result.message->index;
        EXPECT_EQ(result.message->zero_fields, 0);
      }
      order_.push_back(outcome);
    };
  }
  Outcome* Call(absl::string_view endpoint, absl::string_view request, int64_t deadline_ms = 0,
                Lane lane = Lane::kAppend) {
    outcomes_.push_back(std::make_unique<Outcome>());
    call_ = a_->Call(2, endpoint, request, deadline_ms, Record(outcomes_.back().get()), lane);
    return outcomes_.back().get();
  }
  Outcome* CallAppend(uint64_t index, GroupId group = 0, int64_t deadline_ms = 0) {
    outcomes_.push_back(std::make_unique<Outcome>());
    call_ = a_->CallAppend(2, group, TestAppend(index).view(), {}, deadline_ms,
                           Record(outcomes_.back().get()));
    return outcomes_.back().get();
  }
  // The answer to the append that was kept as the `at`th.
  void Answer(size_t at, uint64_t index) {
    std::move(*kept_[at]).Reply(TestMessage(MessageType::kAppResp, index));
    kept_[at].reset();
  }
  // A responder cannot be assigned to.
  struct Kept : absl::optional<CallResponder> {
    explicit Kept(CallResponder responder) { emplace(std::move(responder)); }
    Kept(Kept&& other) noexcept : absl::optional<CallResponder>(std::move(other)) {}
  };
  // The other end answers all that it kept, by letting go, and there is room for calls again.
  void ExpectRoomOnceAnswered() {
    kept_.clear();
    cluster_.RunFor(10);
    const Outcome* const call = Call("echo", "");
    cluster_.RunFor(10);
    EXPECT_EQ(call->status, CallStatus::kOk);
  }
  void CutAndReconnect() {
    cluster_.network.Cut(a_->address(), b_->address());
    ASSERT_TRUE(cluster_.RunUntil([&] { return a_->Describe(2).state != PeerState::kUp; }));
    ASSERT_TRUE(cluster_.RunUntil([&] {
      return a_->Describe(2).state == PeerState::kUp && b_->Describe(1).state == PeerState::kUp;
    }));
  }

  // Calls end with the nodes at the latest.
  std::vector<std::unique_ptr<Outcome>> outcomes_;
  std::vector<const Outcome*> order_;
  FakeCluster cluster_;
  FakeNode* a_ = nullptr;
  FakeNode* b_ = nullptr;
  std::vector<Kept> kept_;
  CallId call_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_TRANSPORT_CALLS_CALL_NODES_H_
