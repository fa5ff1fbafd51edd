// Many threads around one transport: senders, onlookers, a stop in between, and a host that sleeps
// on the descriptor.

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"
#include "transport/transport.h"

namespace hawser {
namespace {

constexpr int kThreads = 4;
constexpr int kMessages = 3000;  // a thread

Options OptionsOf(NodeId node, LoopMode mode) {
  Options options;
  options.node_id = node;
  options.cluster_id = "test";
  options.loop_mode = mode;
  options.redial_delay_ms_max = 100;
  options.peer_silent_ms = 10000;  // threads wait for a core
  return options;
}

// Runs `body(thread)` in some threads at once and waits for them.
void RunThreads(int threads, const std::function<void(int)>& body) {
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : running) thread.join();
}

// Sends `count` appends of group `group` with Holds, trying again while the queue is full; returns
// how many were accepted before the transport stopped.
int SendAll(Transport* transport, GroupId group, int count, HoldCounter* holds) {
  for (int i = 0; i < count;) {
    static const std::string payload(200, 'p');
    EntryView entry;
    entry.data = payload;  // stays: the Hold needs no bytes of its own
    MessageView message = TestMessage(MessageType::kApp, i);
    message.entries = absl::MakeConstSpan(&entry, 1);
    const SendResult result = transport->Send(2, group, message, holds->Next());
    if (result == SendResult::kStopped) return i;
    if (result == SendResult::kAccepted) {
      ++i;
    } else {
      std::this_thread::yield();
    }
  }
  return count;
}

// Node 1, from which many threads send, and node 2.
class ThreadsTest : public ::testing::Test {
 protected:
  void Open(LoopMode mode) {
    a_ = *Transport::Create(OptionsOf(1, mode), &raft_a_);
    b_ = *Transport::Create(OptionsOf(2, LoopMode::kThread), &raft_b_);
    ASSERT_TRUE(a_->AddPeer(2, {b_->listen_address()}).ok());
    ASSERT_TRUE(b_->AddPeer(1, {a_->listen_address()}).ok());
    ASSERT_TRUE(a_->Start().ok());
    ASSERT_TRUE(b_->Start().ok());
  }

  Ledger LedgerOfA() { return a_->Describe().peers[0].ledger; }

  // Messages of each group came in order and only once.
  void ExpectInOrder() {
    std::vector<uint64_t> next(kThreads);
    const Recorded seen = raft_b_.Seen();
    for (const ReceivedMessage& message : seen.messages) {
      ASSERT_EQ(message.index, next[message.group]++) << "group " << message.group;
    }
  }

  RecordingRaft raft_a_;
  RecordingRaft raft_b_;
  HoldCounter holds_;
  std::unique_ptr<Transport> a_;
  std::unique_ptr<Transport> b_;
};

TEST_F(ThreadsTest, ManySendersKeepTheOrderOfEach) {
  Open(LoopMode::kThread);
  ASSERT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  std::atomic<bool> done{false};
  std::thread onlooker([&] {
    while (!done.load()) {
      const TransportStatus status = a_->Describe();
      ASSERT_EQ(status.peers.size(), 1u);
      ASSERT_TRUE(status.peers[0].ledger.Balanced());
    }
  });
  RunThreads(kThreads, [&](int thread) { SendAll(a_.get(), thread, kMessages, &holds_); });
  EXPECT_TRUE(raft_b_.WaitFor(
      [&](const Recorded& seen) { return seen.messages.size() == size_t{kThreads * kMessages}; }));
  done.store(true);
  onlooker.join();
  a_->Stop(absl::Seconds(10));
  b_->Stop(absl::ZeroDuration());
  ExpectInOrder();
  EXPECT_EQ(holds_.released(), kThreads * kMessages);
  EXPECT_EQ(LedgerOfA().acknowledged.messages, uint64_t{kThreads * kMessages});
}

// Each accepted message is acknowledged or lost(stopped); nothing stays, no Hold is forgotten.
TEST_F(ThreadsTest, StopWhileOthersSend) {
  for (const absl::Duration patience : {absl::ZeroDuration(), absl::Milliseconds(20)}) {
    Open(LoopMode::kThread);
    ASSERT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return !seen.up.empty(); }));
    HoldCounter holds;
    std::atomic<int> accepted{0};
    std::atomic<int> sending{0};
    std::thread stopper([&] {
      while (sending.load() < kThreads) std::this_thread::yield();
      raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() > 100; });
      a_->Stop(patience);
    });
    RunThreads(kThreads, [&](int thread) {
      ++sending;
      accepted += SendAll(a_.get(), thread, 1000 * 1000, &holds);
    });
    stopper.join();
    const Ledger ledger = LedgerOfA();
    EXPECT_EQ(ledger.accepted.messages, static_cast<uint64_t>(accepted.load()));
    EXPECT_EQ(
        ledger.acknowledged.messages + ledger.lost[static_cast<int>(LossReason::kStopped)].messages,
        ledger.accepted.messages);
    EXPECT_EQ(holds.released(), accepted.load());
    b_->Stop(absl::ZeroDuration());
    EXPECT_LE(ledger.acknowledged.messages, raft_b_.MessageCount());
    raft_a_.Forget();
    raft_b_.Forget();
  }
}

TEST_F(ThreadsTest, StopFromSeveralThreads) {
  Open(LoopMode::kThread);
  RunThreads(kThreads, [&](int thread) {
    if (thread == 0) SendAll(a_.get(), 0, 1000, &holds_);
    a_->Stop(absl::Milliseconds(10));
  });
  const Ledger ledger = LedgerOfA();
  EXPECT_EQ(ledger.queued.messages + ledger.in_flight.messages, 0u);
}

TEST_F(ThreadsTest, PeersComeAndGoWhileOthersSend) {
  Open(LoopMode::kThread);
  // What waits for a first link expires.
  ASSERT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  std::atomic<bool> done{false};
  std::thread changer([&] {
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(a_->AddPeer(100 + i, {"127.0.0.1:1"}).ok());
      EXPECT_TRUE(a_->UpdatePeer(2, {b_->listen_address()}).ok());
      a_->Send(100 + i, 0, TestMessage(MessageType::kVote), holds_.Next());
      EXPECT_TRUE(a_->RemovePeer(100 + i).ok());
    }
    done.store(true);
  });
  RunThreads(2, [&](int thread) { SendAll(a_.get(), thread, 500, &holds_); });
  changer.join();
  EXPECT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == 1000; }));
}

TEST_F(ThreadsTest, LeasesAreReleasedOnAnotherThreadAndOutliveTheTransport) {
  std::mutex mu;
  std::vector<Lease> leases;
  std::vector<absl::string_view> views;
  raft_b_.on_message = [&](NodeId, GroupId, const MessageView& message, Lease* lease) {
    std::lock_guard<std::mutex> lock(mu);
    views.push_back(message.entries[0].data);
    leases.push_back(std::move(*lease));
  };
  Open(LoopMode::kThread);
  ASSERT_TRUE(raft_a_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  SendAll(a_.get(), 0, 200, &holds_);
  ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == 200; }));
  std::thread releaser([&] {
    std::lock_guard<std::mutex> lock(mu);
    leases.resize(100);
    views.resize(100);
  });
  releaser.join();
  b_.reset();
  a_.reset();
  for (const absl::string_view view : views) EXPECT_EQ(view, std::string(200, 'p'));
  std::thread([&] { leases.clear(); }).join();
}

TEST_F(ThreadsTest, PollModeIsDrivenByItsHost) {
  Open(LoopMode::kPoll);
  const auto poll_until = [&](const std::function<bool()>& done) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (!done() && absl::Now() < deadline) {
      a_->Poll(std::min(deadline, absl::Now() + absl::Milliseconds(100)));
    }
    return done();
  };
  ASSERT_TRUE(poll_until([&] { return raft_a_.Seen().up.size() == 1; }));
  EXPECT_EQ(SendAll(a_.get(), 0, 100, &holds_), 100);
  // Sent outside of Poll: it must be called soon.
  EXPECT_LE(a_->PollDeadline(), absl::Now());
  ASSERT_TRUE(poll_until([&] { return LedgerOfA().acknowledged.messages == 100; }));
  std::thread other([&] { SendAll(a_.get(), 1, 100, &holds_); });
  ASSERT_TRUE(poll_until([&] { return LedgerOfA().acknowledged.messages == 200; }));
  other.join();
  a_->Stop(absl::Seconds(1));
  EXPECT_EQ(a_->Poll(absl::InfinitePast()), 0);
  EXPECT_EQ(holds_.released(), 200);
}

TEST_F(ThreadsTest, WakeEndsAPollThatWaits) {
  Open(LoopMode::kPoll);
  while (a_->Poll(absl::Now() + absl::Milliseconds(50)) > 0 || raft_a_.Seen().up.empty()) {
  }
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> woken{false};
    std::thread waker([&] {
      woken.store(true);
      a_->Wake();
    });
    const absl::Time before = absl::Now();
    // Timers and pings end a Poll as well; only Wake before the deadline counts.
    while (!woken.load()) a_->Poll(absl::Now() + absl::Seconds(20));
    waker.join();
    EXPECT_LT(absl::Now() - before, absl::Seconds(10));
  }
}

// A host with a loop of its own: it sleeps on the descriptor, no longer than PollDeadline says.
TEST_F(ThreadsTest, HostSleepsOnTheDescriptor) {
  Open(LoopMode::kPoll);
  const int fd = a_->WaitFd();
  ASSERT_GE(fd, 0);
  EXPECT_EQ(a_->WaitFd(), fd);
  uint64_t sleeps = 0;
  const auto drive_until = [&](const std::function<bool()>& done) {
    const absl::Time give_up = absl::Now() + absl::Seconds(20);
    while (!done() && absl::Now() < give_up) {
      while (a_->Poll(absl::InfinitePast()) > 0) {
      }
      const absl::Duration left = std::min(a_->PollDeadline(), give_up) - absl::Now();
      pollfd waiting = {fd, POLLIN, 0};
      const int64_t ms = absl::ToInt64Milliseconds(left) + 1;
      if (left > absl::ZeroDuration()) {
        poll(&waiting, 1, static_cast<int>(std::min<int64_t>(ms, 20000)));
      }
      ++sleeps;
    }
    return done();
  };
  ASSERT_TRUE(drive_until([&] { return raft_a_.Seen().up.size() == 1; }));
  ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  std::thread sender([&] { SendAll(a_.get(), 0, 500, &holds_); });
  std::thread answerer([&] {
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(b_->Send(1, 0, TestMessage(MessageType::kVote, i)), SendResult::kAccepted);
    }
  });
  EXPECT_TRUE(drive_until(
      [&] { return raft_a_.MessageCount() == 50 && LedgerOfA().acknowledged.messages == 500; }));
  sender.join();
  answerer.join();
  a_->Stop(absl::Seconds(1));
}

TEST_F(ThreadsTest, StopInsideACallbackTakesEffectAtTheEndOfTheTurn) {
  raft_a_.on_message = [&](NodeId, GroupId, const MessageView&, Lease*) {
    a_->Stop(absl::ZeroDuration());
    EXPECT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVote)), SendResult::kStopped);
  };
  Open(LoopMode::kThread);
  ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  ASSERT_EQ(b_->Send(1, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
  EXPECT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return !seen.downs.empty(); }));
  EXPECT_EQ(raft_b_.Seen().downs[0], CloseReason::kPeerStop);
  a_->Stop(absl::ZeroDuration());
}

// Another thread's Send returned before the callback's Send: it arrives first, though the callback
// runs on the loop thread and needs no queue between threads.
TEST_F(ThreadsTest, ASendInsideACallbackDoesNotOvertakeAnEarlierOne) {
  constexpr int kRounds = 100;
  raft_a_.on_message = [&](NodeId, GroupId, const MessageView& message, Lease*) {
    std::thread([&] {
      EXPECT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVote, 2 * message.index)),
                SendResult::kAccepted);
    }).join();
    EXPECT_EQ(a_->Send(2, 0, TestMessage(MessageType::kVote, 2 * message.index + 1)),
              SendResult::kAccepted);
  };
  Open(LoopMode::kThread);
  ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_EQ(b_->Send(1, 0, TestMessage(MessageType::kVote, i)), SendResult::kAccepted);
  }
  ASSERT_TRUE(
      raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == 2 * kRounds; }));
  ExpectInOrder();
  a_->Stop(absl::ZeroDuration());
}

TEST_F(ThreadsTest, PeersChangeInsideACallback) {
  raft_a_.on_message = [&](NodeId from, GroupId, const MessageView&, Lease*) {
    EXPECT_TRUE(a_->AddPeer(50, {"127.0.0.1:1"}).ok());
    EXPECT_EQ(a_->Send(50, 0, TestMessage(MessageType::kVote), holds_.Next()),
              SendResult::kAccepted);
    EXPECT_TRUE(a_->RemovePeer(from).ok());
    EXPECT_EQ(a_->Send(from, 0, TestMessage(MessageType::kVote)), SendResult::kUnknownPeer);
    EXPECT_EQ(a_->Describe().peers.size(), 1u);
  };
  Open(LoopMode::kThread);
  ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
  ASSERT_EQ(b_->Send(1, 0, TestMessage(MessageType::kVote)), SendResult::kAccepted);
  EXPECT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return !seen.downs.empty(); }));
  EXPECT_EQ(raft_b_.Seen().downs[0], CloseReason::kPeerRemoved);
  a_->Stop(absl::ZeroDuration());
  EXPECT_EQ(holds_.released(), 1);
}

}  // namespace
}  // namespace hawser
