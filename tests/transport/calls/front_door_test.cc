// Calls at the front door: real threads, real gRPC, executors, protobuf messages.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "raftpb/hawser_raftpb.pb.h"
#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"
#include "tests/support/wait_until.h"
#include "transport/transport.h"
#include "transport/typed_call.h"

namespace hawser {
namespace {

// Runs work on two threads of its own.
class Pool {
 public:
  Pool() {
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mu_);
      ended_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  CallExecutor executor() {
    return [this](absl::AnyInvocable<void() &&> work) {
      std::lock_guard<std::mutex> lock(mu_);
      work_.push_back(std::move(work));
      changed_.notify_one();
    };
  }

 private:
  void Run() {
    std::unique_lock<std::mutex> lock(mu_);
    for (;;) {
      changed_.wait(lock, [this] { return ended_ || !work_.empty(); });
      if (work_.empty()) return;
      absl::AnyInvocable<void()&&> work = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      std::move(work)();
      lock.lock();
    }
  }

  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<absl::AnyInvocable<void() &&>> work_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

class CallTest : public ::testing::Test {
 protected:
  static Options OptionsOf(NodeId node) {
    Options options;
    options.node_id = node;
    options.cluster_id = "test";
    options.link_policy = LinkPolicy::kGrpc;
    return options;
  }
  void Create() {
    auto a = Transport::Create(OptionsOf(1), &raft_a_);
    auto b = Transport::Create(OptionsOf(2), &raft_b_);
    ASSERT_TRUE(a.ok() && b.ok());
    a_ = *std::move(a);
    b_ = *std::move(b);
  }
  void Connect() {
    ASSERT_TRUE(a_->AddPeer(2, {b_->listen_address()}).ok());
    ASSERT_TRUE(b_->AddPeer(1, {a_->listen_address()}).ok());
    ASSERT_TRUE(a_->Start().ok());
    ASSERT_TRUE(b_->Start().ok());
    ASSERT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return !seen.up.empty(); }));
    ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return !seen.up.empty(); }));
  }
  void Echo(absl::string_view name, EndpointOptions options = {}) {
    ASSERT_TRUE(b_->RegisterEndpoint(
                      name,
                      [](const Caller&, absl::string_view request, Lease, CallResponder responder) {
                        std::move(responder).Reply(request);
                      },
                      std::move(options))
                    .ok());
  }
  static absl::Time Soon() { return absl::Now() + absl::Seconds(60); }

  RecordingRaft raft_a_;
  RecordingRaft raft_b_;
  Pool pool_;  // It ends after the transports.
  std::unique_ptr<Transport> a_;
  std::unique_ptr<Transport> b_;
};

TEST_F(CallTest, ManyCallsOfManyThreadsEachGetTheirAnswer) {
  Create();
  Echo("inline");
  EndpointOptions options;
  options.executor = pool_.executor();
  Echo("executor", options);
  Connect();
  constexpr int kThreads = 3;
  constexpr int kCalls = 1000;
  std::atomic<int> done{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kCalls; ++i) {
        const std::string request = std::to_string(thread) + ":" + std::to_string(i);
        a_->Call(2, i % 2 == 0 ? "inline" : "executor", request, Soon(),
                 [&, request](CallResult result) {
                   if (result.status != CallStatus::kOk || result.response != request) ++wrong;
                   ++done;
                 });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(WaitUntil([&] { return done.load() == kThreads * kCalls; }));
  EXPECT_EQ(wrong.load(), 0);
  for (const EndpointStatus& endpoint : b_->Describe().endpoints) {
    EXPECT_EQ(endpoint.calls, uint64_t{kThreads * kCalls / 2});
  }
  a_->Stop(absl::Seconds(10));
  b_->Stop(absl::Seconds(10));
}

// Answered by other threads, in any order.
TEST_F(CallTest, AppendsInFlightAreAnsweredInOrder) {
  Create();
  raft_b_.on_call_append = [this](NodeId, GroupId, const MessageView& message,
                                  CallResponder responder) {
    const uint64_t index = message.index;
    pool_.executor()([index, responder = std::move(responder)]() mutable {
      std::move(responder).Reply(TestMessage(MessageType::kAppResp, index));
    });
  };
  Connect();
  constexpr uint64_t kAppends = 3000;
  HoldCounter holds;
  std::vector<std::unique_ptr<TestAppend>> appends;
  std::vector<uint64_t> answers;
  std::atomic<uint64_t> done{0};
  for (uint64_t i = 1; i <= kAppends; ++i) {
    appends.push_back(std::make_unique<TestAppend>(i));
    a_->CallAppend(2, 5, appends.back()->view(), holds.Next(), Soon(), [&](CallResult result) {
      EXPECT_EQ(result.status, CallStatus::kOk);
      if (result.message != nullptr) answers.push_back(result.message->index);
      ++done;
    });
  }
  ASSERT_TRUE(WaitUntil([&] { return done.load() == kAppends; }));
  ASSERT_EQ(answers.size(), kAppends);
  for (uint64_t i = 0; i < kAppends; ++i) ASSERT_EQ(answers[i], i + 1);
  a_->Stop(absl::Seconds(10));
  EXPECT_EQ(static_cast<uint64_t>(holds.released()), kAppends);
  b_->Stop(absl::Seconds(10));
}

TEST_F(CallTest, TypedCallsCarryMessages) {
  Create();
  ASSERT_TRUE((RegisterTyped<raftpb::Message, raftpb::Entry>(
                   b_.get(), "typed",
                   [](const Caller& caller, const raftpb::Message& request,
                      TypedResponder<raftpb::Entry> responder) {
                     EXPECT_EQ(caller.node, 1u);
                     raftpb::Entry entry;
                     entry.set_index(request.index() + 1);
                     std::move(responder).Reply(entry);
                   }))
                  .ok());
  Connect();
  raftpb::Message request;
  request.set_index(41);
  std::atomic<int> done{0};
  CallTyped<raftpb::Entry>(
      a_.get(), 2, "typed", request, Soon(),
      [&](CallStatus status, absl::string_view, const raftpb::Entry& response) {
        EXPECT_EQ(status, CallStatus::kOk);
        EXPECT_EQ(response.index(), 42u);
        ++done;
      });
  a_->Call(2, "typed", "\xff\xff", Soon(), [&](CallResult result) {
    EXPECT_EQ(result.status, CallStatus::kRequestError);
    ++done;
  });
  ASSERT_TRUE(WaitUntil([&] { return done.load() == 2; }));
}

TEST_F(CallTest, HandlersThatHoldTheLoopAreCountedAndNamed) {
  Create();
  ASSERT_TRUE(b_->RegisterEndpoint("slow", [](const Caller&, absl::string_view, Lease,
                                              CallResponder responder) {
                  const absl::Time end = absl::Now() + absl::Milliseconds(3);
                  while (absl::Now() < end) {
                  }
                  std::move(responder).Reply("");
                }).ok());
  Connect();
  std::atomic<bool> done{false};
  a_->Call(2, "slow", "", Soon(), [&](CallResult) { done = true; });
  ASSERT_TRUE(WaitUntil([&] { return done.load(); }));
  const std::vector<EndpointStatus> endpoints = b_->Describe().endpoints;
  ASSERT_EQ(endpoints.size(), 1u);
  EXPECT_EQ(endpoints[0].slow, 1u);
  EXPECT_GE(endpoints[0].slowest_us, 1000);
}

TEST_F(CallTest, StopEndsCallsAndLateRespondersAreHarmless) {
  Create();
  std::mutex mu;
  std::vector<CallResponder> kept;
  EndpointOptions options;
  options.executor = pool_.executor();
  ASSERT_TRUE(b_->RegisterEndpoint(
                    "later",
                    [&](const Caller&, absl::string_view, Lease, CallResponder responder) {
                      std::lock_guard<std::mutex> lock(mu);
                      kept.push_back(std::move(responder));
                    },
                    options)
                  .ok());
  Connect();
  constexpr size_t kCalls = 50;
  std::atomic<size_t> unavailable{0};
  std::atomic<size_t> done{0};
  for (size_t i = 0; i < kCalls; ++i) {
    a_->Call(2, "later", "", absl::InfiniteFuture(), [&](CallResult result) {
      unavailable += result.status == CallStatus::kUnavailable;
      ++done;
    });
  }
  ASSERT_TRUE(WaitUntil([&] {
    std::lock_guard<std::mutex> lock(mu);
    return kept.size() == kCalls;
  }));
  a_->Stop(absl::ZeroDuration());
  EXPECT_EQ(done.load(), kCalls);
  EXPECT_EQ(unavailable.load(), kCalls);
  b_->Stop(absl::ZeroDuration());
  a_.reset();
  b_.reset();
  for (CallResponder& responder : kept) std::move(responder).Reply("too late");
}

TEST_F(CallTest, WhatCannotBeACallIsNotSent) {
  Create();
  Connect();
  std::atomic<int> done{0};
  const auto expect_not_sent = [&](CallResult result) {
    EXPECT_EQ(result.status, CallStatus::kNotSent);
    EXPECT_FALSE(result.text.empty());
    ++done;
  };
  HoldCounter holds;
  a_->Call(2, "", "", Soon(), expect_not_sent);
  a_->Call(2, std::string(65, 'x'), "", Soon(), expect_not_sent);
  a_->Call(9, "echo", "", Soon(), expect_not_sent);
  a_->Call(2, "echo", std::string(size_t{65} << 20, 'x'), Soon(), expect_not_sent);
  a_->CallAppend(2, 0, TestMessage(MessageType::kVote), holds.Next(), Soon(), expect_not_sent);
  ASSERT_TRUE(WaitUntil([&] { return done.load() == 5; }));
  EXPECT_EQ(holds.released(), 1);
  MessageView message = TestMessage(MessageType::kVote);
  message.zero_fields = kCallBit;
  EXPECT_EQ(a_->Send(2, 0, message), SendResult::kMalformed);
  EXPECT_FALSE(b_->RegisterEndpoint("late", nullptr).ok());
  a_->Stop(absl::ZeroDuration());
  // Here, at once.
  a_->Call(2, "echo", "", Soon(), expect_not_sent);
  EXPECT_EQ(done.load(), 6);
}

TEST_F(CallTest, NamesOfEndpointsAreCheckedAndUnique) {
  Create();
  const EndpointHandler handler = [](const Caller&, absl::string_view, Lease, CallResponder) {};
  EXPECT_TRUE(a_->RegisterEndpoint("one", handler).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(a_->RegisterEndpoint("one", handler)));
  EXPECT_TRUE(absl::IsInvalidArgument(a_->RegisterEndpoint("", handler)));
  EXPECT_TRUE(absl::IsInvalidArgument(a_->RegisterEndpoint(std::string(65, 'x'), handler)));
}

}  // namespace
}  // namespace hawser
