// Much traffic between two transports over real verbs: a million mixed messages, receivers that are
// slow or blocked, a hundred connections, and what is left of them.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/rdma_fixture.h"
#include "tests/support/test_messages.h"
#include "transport/raft_handler.h"

namespace hawser {
namespace {

// Of appends, in turn; every 5000th is larger than any slot.
constexpr std::array<size_t, 16> kSizes = {64, 64, 64,  200, 0,  64, 1000, 64,
                                           64, 64, 300, 64,  64, 64, 64,   4000};
constexpr uint64_t kLargeEvery = 5000;
constexpr size_t kLargeBytes = 100000;
// One answer in the URGENT lane for so many appends.
constexpr uint64_t kAnswerEvery = 8;

size_t SizeOf(uint64_t append) {
  return append % kLargeEvery == kLargeEvery - 1 ? kLargeBytes : kSizes[append % kSizes.size()];
}

char LetterOf(uint64_t append) { return static_cast<char>('a' + append % 26); }

// Checks that each lane's messages come in order, unchanged, and keeps none of them.
class OrderedRaft : public RaftHandler {
 public:
  void OnMessage(NodeId, GroupId, const MessageView& message, Lease lease) override {
    if (message.type == MessageType::kApp) {
      const absl::string_view data = message.entries[0].data;
      const bool right =
          message.index == appends && data.size() == SizeOf(appends) &&
          (data.empty() || (data.front() == LetterOf(appends) && data.back() == LetterOf(appends)));
      if (!right) ++wrong;
      ++appends;
    } else {
      if (message.index != answers * kAnswerEvery) ++wrong;
      ++answers;
    }
    if (pause_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
    if (keep_leases) leases.push_back(std::move(lease));
  }
  void OnUnreachable(NodeId, const LossReport&) override { ++outages; }
  void OnWritable(NodeId) override { ++writable; }

  std::atomic<uint64_t> appends{0};
  std::atomic<uint64_t> answers{0};
  std::atomic<uint64_t> wrong{0};
  std::atomic<uint64_t> outages{0};
  std::atomic<uint64_t> writable{0};
  std::atomic<int> pause_us{0};
  std::atomic<bool> keep_leases{false};
  std::vector<Lease> leases;  // Of the loop's thread, or when it does not run.
};

// How often a frame found no receive posted, at any device of the host.
uint64_t NotReady() { return RdmaCounter("send_rnr_err") + RdmaCounter("rcvd_rnr_err"); }

class RdmaTrafficTest : public RdmaFixture {
 protected:
  void Open(const Options& first, const Options& second) {
    RdmaFixture::Open(first, &raft_a_, second, &raft_b_);
  }
  // Sends append number `sent` once; false when the queue is full.
  static bool TrySend(Transport* from, NodeId to, uint64_t sent) {
    const TestAppend append(sent, std::string(SizeOf(sent), LetterOf(sent)));
    const SendResult result = from->Send(to, 0, append.view());
    EXPECT_TRUE(result == SendResult::kAccepted || result == SendResult::kQueueMessages ||
                result == SendResult::kQueueBytes)
        << static_cast<int>(result);
    return result == SendResult::kAccepted;
  }
  // Sends so many more appends, and an answer now and then; counts how often the queue was full.
  void SendMixed(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i, ++sent_) {
      if (sent_ % kAnswerEvery == 0) {
        const MessageView answer = TestMessage(MessageType::kAppResp, sent_);
        ASSERT_TRUE(WaitUntil([&] { return a_->Send(2, 0, answer) == SendResult::kAccepted; }));
      }
      if (TrySend(a_.get(), 2, sent_)) continue;
      ++full_;
      ASSERT_TRUE(WaitUntil([&] { return TrySend(a_.get(), 2, sent_); }));
    }
  }
  void ExpectAll(std::chrono::seconds timeout) {
    const uint64_t answers = (sent_ + kAnswerEvery - 1) / kAnswerEvery;
    ASSERT_TRUE(WaitUntil([&] { return raft_b_.appends == sent_ && raft_b_.answers == answers; },
                          absl::FromChrono(timeout)))
        << raft_b_.appends << " of " << sent_;
    EXPECT_EQ(raft_b_.wrong, 0u);
    EXPECT_EQ(raft_a_.outages + raft_b_.outages, 0u);
    ASSERT_TRUE(WaitUntil([&] {
      const Ledger ledger = OnlyPeer(a_.get()).ledger;
      return ledger.Balanced() && ledger.in_flight.messages == 0;
    }));
    EXPECT_EQ(OnlyPeer(a_.get()).disconnects, 0u);
    EXPECT_EQ(OnlyPeer(a_.get()).link, LinkKind::kRdma);
  }

  OrderedRaft raft_a_;
  OrderedRaft raft_b_;
  uint64_t sent_ = 0;
  uint64_t full_ = 0;
};

// HAWSER_RDMA_MESSAGES=1000000 for the whole million.
TEST_F(RdmaTrafficTest, MixedMessagesArriveInOrder) {
  const char* const wanted = std::getenv("HAWSER_RDMA_MESSAGES");
  const uint64_t count = wanted == nullptr ? 50000 : std::strtoull(wanted, nullptr, 10);
  Open(OptionsOf(1), OptionsOf(2));
  const uint64_t not_ready = NotReady();
  const auto began = std::chrono::steady_clock::now();
  SendMixed(count);
  ExpectAll(std::chrono::seconds(600));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.0f messages a second\n",
              static_cast<double>(raft_b_.appends + raft_b_.answers) / took.count());
  EXPECT_EQ(NotReady(), not_ready);
}

TEST_F(RdmaTrafficTest, ASlowReceiverIsWaitedFor) {
  Options first = OptionsOf(1);
  first.append_queue_messages_max = 256;
  Open(first, OptionsOf(2));
  const uint64_t not_ready = NotReady();
  raft_b_.pause_us = 500;
  SendMixed(3000);
  EXPECT_GT(full_, 0u);
  EXPECT_GT(raft_a_.writable, 0u);
  raft_b_.pause_us = 0;
  ExpectAll(kRdmaPatience);
  EXPECT_EQ(NotReady(), not_ready);
}

// Neither takes back what it lent, until both have stopped sending. Urgent messages go on.
TEST_F(RdmaTrafficTest, BothSidesBlocked) {
  Options options[] = {OptionsOf(1), OptionsOf(2)};
  for (Options& side : options) {
    side.leased_bytes_max = 1024 * 1024;
    side.message_bytes_max = 256 * 1024;
    side.append_queue_bytes_max = 1024 * 1024;
  }
  Open(options[0], options[1]);
  const uint64_t not_ready = NotReady();
  raft_a_.keep_leases = raft_b_.keep_leases = true;
  uint64_t sent[] = {0, 0};
  const auto blocked = [&](Transport* transport, NodeId to, uint64_t* count) {
    for (int refused = 0; refused < 200;) {
      if (TrySend(transport, to, *count)) {
        ++*count;
        refused = 0;
      } else {
        ++refused;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  };
  std::thread other([&] { blocked(b_.get(), 1, &sent[1]); });
  blocked(a_.get(), 2, &sent[0]);
  other.join();
  EXPECT_LT(raft_b_.appends, sent[0]);
  EXPECT_LT(raft_a_.appends, sent[1]);
  ASSERT_EQ(a_->Send(2, 0, TestMessage(MessageType::kAppResp, 0)), SendResult::kAccepted);
  EXPECT_TRUE(WaitUntil([&] { return raft_b_.answers == 1; }));
  raft_a_.keep_leases = raft_b_.keep_leases = false;
  raft_a_.leases.clear();
  raft_b_.leases.clear();
  EXPECT_TRUE(WaitUntil([&] { return raft_b_.appends == sent[0] && raft_a_.appends == sent[1]; }))
      << raft_b_.appends << " of " << sent[0] << ", " << raft_a_.appends << " of " << sent[1];
  EXPECT_EQ(raft_a_.wrong + raft_b_.wrong, 0u);
  EXPECT_EQ(OnlyPeer(a_.get()).disconnects, 0u);
  EXPECT_EQ(NotReady(), not_ready);
}

// Its pages are its own, and the NIC's stay the parent's.
TEST_F(RdmaTrafficTest, AForkedChildDisturbsNothing) {
  Open(OptionsOf(1), OptionsOf(2));
  SendMixed(500);
  std::vector<char> heap(1 << 20, 'p');
  int go[2];
  ASSERT_EQ(pipe(go), 0);
  const pid_t child = fork();
  if (child == 0) {
    // It lives while the parent's links work, and writes to what both had.
    char byte;
    const bool told = read(go[0], &byte, 1) == 1;
    std::fill(heap.begin(), heap.end(), 'c');
    _exit(told ? 0 : 1);
  }
  ASSERT_GT(child, 0);
  SendMixed(500);
  ExpectAll(kRdmaPatience);
  ASSERT_EQ(write(go[1], "x", 1), 1);
  int status = 1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(heap[0], 'p');
  SendMixed(500);
  ExpectAll(kRdmaPatience);
  close(go[0]);
  close(go[1]);
}

TEST_F(RdmaTrafficTest, AHundredConnectionsLeaveNothing) {
  Open(OptionsOf(1), OptionsOf(2));
  const std::string resources = RdmaResources();
  if (std::getenv("HAWSER_RDMA_VM") != nullptr) {
    ASSERT_NE(resources.find(" qp "), std::string::npos) << resources;
  }
  const size_t descriptors = OpenDescriptors();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(a_->RemovePeer(2).ok());
    ASSERT_TRUE(WaitUntil([&] { return OnlyPeer(b_.get()).state == PeerState::kIdle; })) << i;
    ASSERT_TRUE(a_->AddPeer(2, {b_->listen_address()}).ok());
    ASSERT_TRUE(a_->PinLink(2, LinkKind::kRdma).ok());
    ASSERT_TRUE(WaitUntil([&] { return On(LinkKind::kRdma); })) << i;
  }
  // One link, as before, of what were a hundred and one.
  EXPECT_TRUE(WaitUntil([&] { return RdmaResources() == resources; })) << resources << "and now\n"
                                                                       << RdmaResources();
  EXPECT_TRUE(WaitUntil([&] { return OpenDescriptors() <= descriptors; }))
      << descriptors << " and now " << OpenDescriptors();
}

}  // namespace
}  // namespace hawser
