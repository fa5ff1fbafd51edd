#include "transport/ownership.h"

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace hawser {
namespace {

// What is left to look at when a buffer is gone.
struct Record {
  std::atomic<int> freed{0};
  std::thread::id freed_on;
};

// A buffer that deletes itself, as one whose link is gone does.
class FakeBuffer : public ReceiveBuffer {
 public:
  FakeBuffer(Record* record, size_t bytes) : record_(record), memory_(bytes, 'x') {}
  size_t pinned_bytes() const override { return memory_.size(); }
  const char* data() const { return memory_.data(); }

 private:
  void Free() override {
    record_->freed_on = std::this_thread::get_id();
    ++record_->freed;
    delete this;
  }

  Record* const record_;
  const std::vector<char> memory_;
};

// A buffer that is used again, as a link's receive slots are.
class ReusedBuffer : public ReceiveBuffer {
 public:
  size_t pinned_bytes() const override { return 8192; }
  void Reuse() { ResetRefs(); }
  int freed = 0;

 private:
  void Free() override { ++freed; }
};

TEST(LeaseTest, LastLeaseFreesTheBufferOnce) {
  Record record;
  {
    Lease first(new FakeBuffer(&record, 100));
    Lease second = first.Share();
    first.Release();
    EXPECT_TRUE(first.empty());
    EXPECT_FALSE(second.empty());
    EXPECT_EQ(record.freed, 0);
  }
  EXPECT_EQ(record.freed, 1);
}

TEST(LeaseTest, ReleasedTwiceFreesOnce) {
  Record record;
  Lease lease(new FakeBuffer(&record, 1));
  lease.Release();
  lease.Release();
  EXPECT_EQ(record.freed, 1);
}

TEST(LeaseTest, MovedFromLeaseHoldsNothing) {
  Record record;
  Lease from(new FakeBuffer(&record, 1));
  Lease to(std::move(from));
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what is tested.
  from.Release();
  EXPECT_EQ(record.freed, 0);
  to.Release();
  EXPECT_EQ(record.freed, 1);
}

TEST(LeaseTest, AssignmentGivesTheOldBufferBack) {
  Record old_record;
  Record new_record;
  Lease lease(new FakeBuffer(&old_record, 1));
  lease = Lease(new FakeBuffer(&new_record, 1));
  EXPECT_EQ(old_record.freed, 1);
  EXPECT_EQ(new_record.freed, 0);
}

TEST(LeaseTest, AssignedToItselfKeepsTheBuffer) {
  Record record;
  Lease lease(new FakeBuffer(&record, 1));
  Lease* same = &lease;
  lease = std::move(*same);
  EXPECT_FALSE(lease.empty());
  EXPECT_EQ(record.freed, 0);
}

TEST(LeaseTest, EmptyLeaseDoesNothing) {
  Lease lease;
  Lease share = lease.Share();
  share.Release();
  EXPECT_TRUE(lease.empty());
  EXPECT_EQ(lease.pinned_bytes(), 0u);
  EXPECT_EQ(lease.Detach(), nullptr);
}

TEST(LeaseTest, TellsWhatItPins) {
  Record record;
  const Lease lease(new FakeBuffer(&record, 4096));
  EXPECT_EQ(lease.pinned_bytes(), 4096u);
}

// A host with a C interface carries the lease as a plain pointer.
TEST(LeaseTest, DetachedAndTakenUpAgain) {
  Record record;
  Lease lease(new FakeBuffer(&record, 1));
  ReceiveBuffer* buffer = lease.Detach();
  EXPECT_TRUE(lease.empty());
  lease.Release();
  EXPECT_EQ(record.freed, 0);
  Lease(buffer).Release();
  EXPECT_EQ(record.freed, 1);
}

TEST(LeaseTest, ReleasedFromAnotherThread) {
  Record record;
  Lease lease(new FakeBuffer(&record, 1));
  std::thread other([lease = std::move(lease)]() mutable { lease.Release(); });
  const std::thread::id other_id = other.get_id();
  other.join();
  EXPECT_EQ(record.freed, 1);
  EXPECT_EQ(record.freed_on, other_id);
}

// Raft's storage thread keeps what it was given, while the peer and the transport go away.
TEST(LeaseTest, OutlivesWhoMadeTheBuffer) {
  Record record;
  Lease lease;
  const char* payload = nullptr;
  {
    // Stands for the link: it has its own reference and drops it when it goes.
    auto* buffer = new FakeBuffer(&record, 3);
    const Lease link_reference(buffer);
    lease = link_reference.Share();
    payload = buffer->data();
  }
  EXPECT_EQ(record.freed, 0);
  EXPECT_EQ(payload[2], 'x');
  lease.Release();
  EXPECT_EQ(record.freed, 1);
}

TEST(LeaseTest, ManyThreadsShareAndReleaseAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10000;
  Record record;
  Lease lease(new FakeBuffer(&record, 1));
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([mine = lease.Share()]() mutable {
      for (int round = 0; round < kRounds; ++round) {
        Lease share = mine.Share();
        mine = std::move(share);
      }
    });
  }
  lease.Release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(record.freed, 1);
}

TEST(ReceiveBufferTest, ReusedBufferIsFreedOncePerUse) {
  ReusedBuffer buffer;
  for (int use = 1; use <= 3; ++use) {
    Lease first(&buffer);
    Lease second = first.Share();
    first.Release();
    EXPECT_EQ(buffer.freed, use - 1);
    second.Release();
    EXPECT_EQ(buffer.freed, use);
    buffer.Reuse();
  }
}

TEST(HoldTest, DefaultMeansCopyAtSend) {
  EXPECT_TRUE(Hold().empty());
  EXPECT_FALSE((Hold{[](void*) {}, nullptr}).empty());
}

}  // namespace
}  // namespace hawser
