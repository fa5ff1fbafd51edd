// The polling thread in the steady state: nothing from the heap, and no lock, for any message.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/ring.h"
#include "tests/support/test_messages.h"
#include "transport/core.h"
#include "transport/loop.h"
#include "transport/peer_directory.h"

// Not under sanitizers, which have their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HAWSER_COUNTS_ALLOCATIONS 1

namespace {

bool counting = false;
uint64_t allocations = 0;
uint64_t locks = 0;

}  // namespace

extern "C" {
void* __libc_malloc(size_t size);                // NOLINT: glibc's name
void* __libc_calloc(size_t count, size_t size);  // NOLINT
void* __libc_realloc(void* block, size_t size);  // NOLINT

void* malloc(size_t size) {
  allocations += counting;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  allocations += counting;
  return __libc_calloc(count, size);
}
void* realloc(void* block, size_t size) {
  allocations += counting;
  return __libc_realloc(block, size);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  using Lock = int (*)(pthread_mutex_t*);
  static const Lock real = reinterpret_cast<Lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  locks += counting;
  return real(mutex);
}
}
#endif

namespace hawser {
namespace {

#ifdef HAWSER_COUNTS_ALLOCATIONS

constexpr size_t kFrameBytes = 160 * 1024;

class PlainProvider;

// A frame's memory at the end that sends and at the one that receives.
class PlainBuffer : public ReceiveBuffer {
 public:
  explicit PlainBuffer(std::vector<PlainBuffer*>* free) : free_(free), memory_(kFrameBytes) {}
  ~PlainBuffer() override = default;

  char* data() { return memory_.data(); }
  size_t pinned_bytes() const override { return kFrameBytes; }
  void Begin() { ResetRefs(); }

 private:
  void Free() override { free_->push_back(this); }

  std::vector<PlainBuffer*>* const free_;
  std::vector<char> memory_;
};

// One end of a connection: what it sends is there at the other end's next Poll.
class PlainLink : public Link {
 public:
  PlainLink(PlainProvider* own, PlainProvider* other) : own_(own), other_(other) {}
  ~PlainLink() override = default;

  LinkKind kind() const override { return LinkKind::kGrpc; }
  const std::string& remote_address() const override { return address_; }
  bool writable() const override { return true; }
  FrameBuffer Allocate(size_t bytes) override;
  void Send(FrameBuffer frame, size_t bytes) override;
  void Flush() override {}
  void Close() override {}

 private:
  PlainProvider* const own_;
  PlainProvider* const other_;
  PlainBuffer* building_ = nullptr;
  const std::string address_ = "plain";
};

// The links of one node: one.
class PlainProvider : public LinkProvider {
 public:
  PlainProvider() {
    for (int i = 0; i < 64; ++i) {
      buffers_.push_back(std::make_unique<PlainBuffer>(&free_));
      free_.push_back(buffers_.back().get());
    }
  }

  const std::string& listen_address() const override { return address_; }
  void Start(LinkAcceptor* acceptor) override { acceptor_ = acceptor; }
  Link* Dial(const std::string&, LinkEvents* events) override {
    link_ = std::make_unique<PlainLink>(this, other);
    events_ = events;
    up_due_ = true;
    other->accept_due_ = true;
    return link_.get();
  }
  int Poll(int64_t) override {
    if (acceptor_ != nullptr) acceptor_->BeforeEvents();
    if (std::exchange(accept_due_, false)) {
      link_ = std::make_unique<PlainLink>(this, other);
      events_ = acceptor_->OnAccepted(link_.get());
      return 1;
    }
    if (std::exchange(up_due_, false)) {
      events_->OnLinkUp();
      return 1;
    }
    if (arrived_.empty()) return 0;
    const Arrived frame = arrived_.front();
    arrived_.pop_front();
    events_->OnFrame(frame.buffer, {frame.buffer->data(), frame.bytes});
    frame.buffer->Unref();
    return 1;
  }
  void Wake() override {}
  int WaitFd() override { return -1; }
  void Shutdown() override {
    while (!arrived_.empty()) {
      arrived_.front().buffer->Unref();
      arrived_.pop_front();
    }
  }

  PlainBuffer* Take() {
    PlainBuffer* buffer = free_.back();
    free_.pop_back();
    buffer->Begin();
    return buffer;
  }
  void Arrive(PlainBuffer* buffer, size_t bytes) { arrived_.push_back({buffer, bytes}); }

  PlainProvider* other = nullptr;

 private:
  struct Arrived {
    PlainBuffer* buffer = nullptr;
    size_t bytes = 0;
  };

  const std::string address_ = "plain";
  std::vector<PlainBuffer*> free_;
  std::vector<std::unique_ptr<PlainBuffer>> buffers_;
  LinkAcceptor* acceptor_ = nullptr;
  std::unique_ptr<PlainLink> link_;
  LinkEvents* events_ = nullptr;
  bool accept_due_ = false;
  bool up_due_ = false;
  Ring<Arrived> arrived_;
};

FrameBuffer PlainLink::Allocate(size_t bytes) {
  building_ = own_->Take();
  return {building_->data(), bytes};
}
void PlainLink::Send(FrameBuffer, size_t bytes) { other_->Arrive(building_, bytes); }

class CountingRaft : public RaftHandler {
 public:
  void OnMessage(NodeId, GroupId, const MessageView&, Lease) override { ++messages; }
  void OnUnreachable(NodeId, const LossReport&) override { ++outages; }

  uint64_t messages = 0;
  uint64_t outages = 0;
};

class SetClock : public LoopClock {
 public:
  virtual ~SetClock() = default;
  int64_t NowNs() const override { return now_ns; }
  int64_t now_ns = 1000000000;
};

// A node as a host runs it that polls.
class PlainNode {
 public:
  PlainNode(NodeId id, const SetClock* clock) : directory_(OptionsOf(id)), options_(OptionsOf(id)) {
    Core::Parts parts{};
    parts.options = &options_;
    parts.handler = &raft;
    parts.directory = &directory_;
    parts.provider = &provider;
    parts.messages = &messages_;
    parts.incarnation = id;
    core_ = std::make_unique<Core>(parts);
    core_->set_now(clock->NowNs());
    loop_ = std::make_unique<Loop>(options_, core_.get(), &provider, clock);
  }
  void Start(NodeId peer) {
    gate_ = directory_.FindOrAdd(peer);
    gate_->Open();
    core_->AddPeer(gate_, {"plain"});
    loop_->Start();
  }
  void Send(const MessageView& message, Hold hold) {
    const Lane lane = LaneOfType(message.type);
    const uint64_t bytes = PayloadBytes(message);
    ASSERT_EQ(gate_->TryEnter(lane, bytes), PeerGate::Verdict::kEntered);
    QueuedMessage* queued = messages_.MakeLocal(message, hold);
    queued->gate = gate_;
    queued->lane = lane;
    core_->Enqueue(queued);
  }
  void Turn() { loop_->Turn(0); }
  // Before either node is destroyed: frames that wait at one lie in memory of the other.
  void Stop() { loop_->RunDown(0); }

  CountingRaft raft;
  PlainProvider provider;

 private:
  static Options OptionsOf(NodeId id) {
    Options options;
    options.node_id = id;
    options.cluster_id = "test";
    options.loop_mode = LoopMode::kPoll;
    return options;
  }

  PeerDirectory directory_;
  const Options options_;
  MessageStore messages_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<Loop> loop_;
  PeerGate* gate_ = nullptr;
};

class SteadyStateTest : public ::testing::Test {
 protected:
  SteadyStateTest() : a_(1, &clock_), b_(2, &clock_) {
    a_.provider.other = &b_.provider;
    b_.provider.other = &a_.provider;
    b_.Start(1);
    a_.Start(2);
    for (int i = 0; i < 100; ++i) Turns();
  }

  ~SteadyStateTest() override {
    a_.Stop();
    b_.Stop();
  }

  void Turns() {
    clock_.now_ns += 50000;
    a_.Turn();
    b_.Turn();
  }
  // An append with a Hold, one that is copied, a heartbeat; their answers.
  void Round(uint64_t index) {
    entry_.index = index + 1;
    append_.index = append_.commit = heartbeat_.commit = answer_.index = index;
    a_.Send(append_, holds_.Next());
    append_.index = entry_.index++;
    a_.Send(append_, {});
    a_.Send(heartbeat_, {});
    for (int i = 0; i < 4; ++i) Turns();
    b_.Send(answer_, {});
    b_.Send(beaten_, {});
    for (int i = 0; i < 4; ++i) Turns();
  }

  const std::string data_ = std::string(64, 'x');
  EntryView entry_;
  MessageView append_ = TestMessage(MessageType::kApp);
  MessageView heartbeat_ = TestMessage(MessageType::kHeartbeat);
  MessageView answer_ = TestMessage(MessageType::kAppResp);
  MessageView beaten_ = TestMessage(MessageType::kHeartbeatResp);
  HoldCounter holds_;
  SetClock clock_;
  PlainNode a_;
  PlainNode b_;
};

TEST_F(SteadyStateTest, NoAllocationAndNoLockAMessage) {
  entry_.term = append_.log_term = 7;
  entry_.data = data_;
  append_.entries = absl::MakeConstSpan(&entry_, 1);
  uint64_t index = 0;
  for (int i = 0; i < 2000; ++i) Round(index += 2);
  const uint64_t before = a_.raft.messages + b_.raft.messages;
  allocations = locks = 0;
  counting = true;
  for (int i = 0; i < 5000; ++i) Round(index += 2);
  counting = false;
  EXPECT_EQ(a_.raft.messages + b_.raft.messages - before, 25000u);
  EXPECT_EQ(allocations, 0u);
  EXPECT_EQ(locks, 0u);
  EXPECT_EQ(a_.raft.outages + b_.raft.outages, 0u);
  EXPECT_EQ(holds_.released(), 7000);
}

// The counters count: a lock and a block of memory.
TEST_F(SteadyStateTest, CountersCount) {
  allocations = locks = 0;
  counting = true;
  {
    std::vector<int> block(100);
    Mutex mu;
    MutexLock lock(&mu);
    ASSERT_EQ(block.size(), 100u);
  }
  counting = false;
  EXPECT_EQ(allocations, 1u);
  EXPECT_EQ(locks, 1u);
}

#else

TEST(SteadyStateTest, NoAllocationAndNoLockAMessage) {
  GTEST_SKIP() << "sanitizers have an allocator and locks of their own";
}

#endif

}  // namespace
}  // namespace hawser
