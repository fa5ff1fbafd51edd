// What a message over real gRPC costs in our code: blocks from the heap, and copied bytes. Counted
// by the linker's --wrap, which sees the calls from what we compile and not those inside gRPC.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "transport/transport.h"

namespace {

struct Counts {
  uint64_t allocations = 0;
  uint64_t copied_bytes = 0;
};

Counts nobody;
// Of whoever runs; set by the test's one thread.
thread_local Counts* counts = &nobody;

}  // namespace

extern "C" {
// NOLINTBEGIN: the linker's names.
void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* block, size_t size);
void* __real__Znwm(size_t size);
void* __real__Znam(size_t size);
void* __real_memcpy(void* to, const void* from, size_t bytes);
void* __real_memmove(void* to, const void* from, size_t bytes);

void* __wrap_malloc(size_t size) {
  ++counts->allocations;
  return __real_malloc(size);
}
void* __wrap_calloc(size_t count, size_t size) {
  ++counts->allocations;
  return __real_calloc(count, size);
}
void* __wrap_realloc(void* block, size_t size) {
  ++counts->allocations;
  return __real_realloc(block, size);
}
void* __wrap__Znwm(size_t size) {
  ++counts->allocations;
  return __real__Znwm(size);
}
void* __wrap__Znam(size_t size) {
  ++counts->allocations;
  return __real__Znam(size);
}
void* __wrap_memcpy(void* to, const void* from, size_t bytes) {
  counts->copied_bytes += bytes;
  return __real_memcpy(to, from, bytes);
}
void* __wrap_memmove(void* to, const void* from, size_t bytes) {
  counts->copied_bytes += bytes;
  return __real_memmove(to, from, bytes);
}
// NOLINTEND
}

namespace hawser {
namespace {

constexpr uint64_t kWarmUp = 2000;
constexpr uint64_t kMeasured = 2000;

// Answers appends, counts answers.
class CountingRaft : public RaftHandler {
 public:
  void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease) override {
    if (message.type == MessageType::kAppResp) {
      answered = message.index;
      return;
    }
    MessageView answer;
    answer.type = MessageType::kAppResp;
    answer.term = 7;
    answer.index = message.index + 1;
    transport->Send(from, group, answer);
  }
  void OnUnreachable(NodeId, const LossReport&) override { ++outages; }
  void OnPeerChange(NodeId, bool is_up, LinkKind, CloseReason) override { up = is_up; }

  Transport* transport = nullptr;
  uint64_t answered = 0;
  uint64_t outages = 0;
  bool up = false;
};

struct Node {
  explicit Node(NodeId id) {
    Options options;
    options.node_id = id;
    options.cluster_id = "test";
    options.loop_mode = LoopMode::kPoll;
    options.peer_silent_ms = 10000;
    transport = *Transport::Create(options, &raft);
    raft.transport = transport.get();
  }
  void Poll() {
    counts = &counted;
    transport->Poll(absl::InfinitePast());
    counts = &nobody;
  }

  CountingRaft raft;
  Counts counted;
  std::unique_ptr<Transport> transport;
};

void NothingToRelease(void*) {}

// Node 1 sends appends of one entry to node 2, which answers each.
class GrpcCountsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(a_.transport->AddPeer(2, {b_.transport->listen_address()}).ok());
    ASSERT_TRUE(b_.transport->AddPeer(1, {}).ok());
    ASSERT_TRUE(a_.transport->Start().ok());
    ASSERT_TRUE(b_.transport->Start().ok());
    while (!a_.raft.up || !b_.raft.up) Turns();
    append_.type = MessageType::kApp;
    append_.term = append_.log_term = entry_.term = 7;
    append_.entries = absl::MakeConstSpan(&entry_, 1);
  }

  void TearDown() override {
    // One thread drives both.
    a_.transport->Stop(absl::ZeroDuration());
    EXPECT_EQ(a_.raft.outages, 0u);
  }

  void Turns() {
    a_.Poll();
    b_.Poll();
  }

  // `depth` appends without an answer, until `count` more are answered.
  void Replicate(uint64_t count, uint64_t depth) {
    const uint64_t last = sent_ + count;
    while (a_.raft.answered < last) {
      counts = &a_.counted;
      while (sent_ < last && sent_ - a_.raft.answered < depth) {
        append_.index = append_.commit = sent_;
        entry_.index = sent_ + 1;
        if (a_.transport->Send(2, 0, append_, Hold{&NothingToRelease, nullptr}) !=
            SendResult::kAccepted) {
          break;
        }
        ++sent_;
      }
      Turns();
    }
  }

  // Replicates entries of `bytes` and keeps what that cost in a_ and b_; a byte sent.
  void Measure(size_t bytes, uint64_t depth) {
    data_.assign(bytes, 'x');
    entry_.data = data_;
    Replicate(kWarmUp, depth);
    a_.counted = b_.counted = Counts();
    Replicate(kMeasured, depth);
    const double payload = static_cast<double>(kMeasured * bytes);
    send_copies_ = static_cast<double>(a_.counted.copied_bytes) / payload;
    receive_copies_ = static_cast<double>(b_.counted.copied_bytes) / payload;
    std::printf("%zu B, depth %d: allocations %d and %d, copies a byte %.3f and %.3f\n", bytes,
                static_cast<int>(depth), static_cast<int>(a_.counted.allocations),
                static_cast<int>(b_.counted.allocations), send_copies_, receive_copies_);
  }

  Node a_{1};
  Node b_{2};
  uint64_t sent_ = 0;
  std::string data_;
  EntryView entry_;
  MessageView append_;
  double send_copies_ = 0;
  double receive_copies_ = 0;
  // Known when it runs only, so that the copy is a call.
  volatile size_t block_bytes_ = 1000;
};

constexpr size_t kEntryBytes[] = {64, 4096, 65536};
constexpr uint64_t kDepths[] = {1, 16, 256};

TEST_F(GrpcCountsTest, NoAllocationAndOneCopyToSend) {
  for (size_t bytes : kEntryBytes) {
    for (uint64_t depth : kDepths) {
      SCOPED_TRACE(testing::Message() << bytes << " B, depth " << depth);
      Measure(bytes, depth);
      // Memory that is used again grows now and then, when more than ever is on its way.
      EXPECT_LE(a_.counted.allocations + b_.counted.allocations, 5u);
      // Into the frame. What comes beside it: fields of each message, a few bytes.
      EXPECT_LE(send_copies_, 1.05);
      // A frame that goes over several of gRPC's blocks (64 KiB at most) is put together.
      EXPECT_LE(receive_copies_, 1.05);
    }
  }
}

// What comes in one block is lent from there: its bytes are those that gRPC read.
TEST_F(GrpcCountsTest, NothingIsCopiedOfWhatComesInOneBlock) {
  Measure(64, 1);
  EXPECT_LE(receive_copies_, 0.05);
}

// The counters count.
TEST_F(GrpcCountsTest, CountersCount) {
  const size_t bytes = block_bytes_;
  a_.counted = Counts();
  counts = &a_.counted;
  const std::unique_ptr<char[]> block(new char[bytes]);
  std::memset(block.get(), 'x', bytes);
  const std::unique_ptr<char[]> copy(new char[bytes]);
  std::memcpy(copy.get(), block.get(), bytes);
  counts = &nobody;
  EXPECT_EQ(a_.counted.allocations, 2u);
  EXPECT_EQ(a_.counted.copied_bytes, bytes);
}

}  // namespace
}  // namespace hawser
