#include "adapters/libraft/send_requests.h"

#include <functional>

#include "gtest/gtest.h"

namespace hawser::libraft {
namespace {

// A raft_io_send that notes its callback's status.
struct Call {
  Call() { request.data = this; }
  static void Done(raft_io_send* request, int status) {
    auto* const call = static_cast<Call*>(request->data);
    ++call->count;
    call->status = status;
    if (call->then) call->then();
  }

  raft_io_send request{};
  int count = 0;
  int status = -1;
  std::function<void()> then;
};

class SendRequestsTest : public testing::Test {
 protected:
  // As an append of so many bytes to node 2 that was accepted.
  SendRequest* Append(Call* call, uint64_t bytes) {
    SendRequest* const request = requests_.Open(&call->request, &Call::Done, 2);
    request->held_bytes = bytes;
    request->append = true;
    requests_.Held(request);
    return request;
  }
  SendRequest* Snapshot(Call* call, raft_index index) {
    SendRequest* const request = requests_.Open(&call->request, &Call::Done, 2);
    request->snapshot = true;
    request->snapshot_index = index;
    requests_.Held(request);
    return request;
  }
  void Release(SendRequest* request) {
    const Hold hold = requests_.HoldOf(request);
    hold.release(hold.argument);
  }

  bool pipelines_ = true;
  SendRequests requests_{[this](NodeId) { return pipelines_; }};
};

// libraft touches its request after send has returned.
TEST_F(SendRequestsTest, NothingIsCalledBackBeforeFire) {
  Call call;
  requests_.Finish(requests_.Open(&call.request, &Call::Done, 2), RAFT_NOCONNECTION);
  EXPECT_EQ(call.count, 0);
  EXPECT_TRUE(requests_.Fire());
  EXPECT_EQ(call.count, 1);
  EXPECT_EQ(call.status, RAFT_NOCONNECTION);
  EXPECT_FALSE(requests_.Fire());
}

// A leadership transfer wants no callback, and its request dies with it.
TEST_F(SendRequestsTest, ARequestWithoutACallbackIsNotTouched) {
  auto request = std::make_unique<raft_io_send>();
  SendRequest* const opened = requests_.Open(request.get(), nullptr, 2);
  request.reset();
  requests_.Finish(opened, 0);
  EXPECT_TRUE(requests_.Fire());
}

// libraft sends from its callbacks: what that makes due is for the next time.
TEST_F(SendRequestsTest, ACallbackMaySend) {
  Call first;
  Call second;
  first.then = [&] { requests_.Finish(requests_.Open(&second.request, &Call::Done, 2), 0); };
  requests_.Finish(requests_.Open(&first.request, &Call::Done, 2), 0);
  EXPECT_TRUE(requests_.Fire());
  EXPECT_EQ(second.count, 0);
  EXPECT_TRUE(requests_.due());
  EXPECT_TRUE(requests_.Fire());
  EXPECT_EQ(second.count, 1);
}

TEST_F(SendRequestsTest, HeldBytesAreCountedUntilTheyLeave) {
  Call first;
  Call second;
  SendRequest* const request = Append(&first, 100);
  SendRequest* const waiting = Append(&second, 50);
  EXPECT_EQ(requests_.held_bytes(2), 150u);
  EXPECT_EQ(requests_.held_bytes(3), 0u);
  Release(request);
  EXPECT_EQ(requests_.held_bytes(2), 50u);
  requests_.Fire();
  EXPECT_EQ(first.status, 0);
  EXPECT_EQ(second.count, 0);
  Release(waiting);
  requests_.Fire();
}

// Hawser releases what was lost right before it tells of the outage.
TEST_F(SendRequestsTest, AnOutageFailsWhatWasReleasedWithIt) {
  Call lost;
  Call other;
  Call later;
  Release(Append(&lost, 10));
  SendRequest* const elsewhere = requests_.Open(&other.request, &Call::Done, 3);
  requests_.Held(elsewhere);
  Release(elsewhere);
  requests_.OnOutage(2, false);
  Release(Append(&later, 10));
  requests_.Fire();
  EXPECT_EQ(lost.status, RAFT_NOCONNECTION);
  EXPECT_EQ(other.status, 0);
  EXPECT_EQ(later.status, 0);
}

// libraft that probes a node goes back further with each rejection; an error would reset that.
TEST_F(SendRequestsTest, AnAppendThatProbesHasNoError) {
  Call call;
  SendRequest* const request = Append(&call, 10);
  request->status = RAFT_NOCONNECTION;
  pipelines_ = false;
  Release(request);
  requests_.Fire();
  EXPECT_EQ(call.status, 0);
}

// A snapshot whose bytes have left is not there yet: libraft would wait for 30 s if it is lost.
TEST_F(SendRequestsTest, ASnapshotEndsWhenItHasArrived) {
  Call call;
  SendRequest* const request = Snapshot(&call, 40);
  EXPECT_TRUE(requests_.SnapshotUnderWay(2, 40));
  EXPECT_FALSE(requests_.SnapshotUnderWay(2, 41));
  EXPECT_FALSE(requests_.SnapshotsUnderWay(3));
  Release(request);
  EXPECT_FALSE(requests_.Fire());
  requests_.OnSnapshotArrived(2);
  EXPECT_FALSE(requests_.SnapshotsUnderWay(2));
  EXPECT_TRUE(requests_.Fire());
  EXPECT_EQ(call.status, 0);
}

// Sent from where it lies, it may arrive before its memory comes back.
TEST_F(SendRequestsTest, ASnapshotThatArrivedWaitsForItsRelease) {
  Call call;
  SendRequest* const request = Snapshot(&call, 40);
  requests_.OnSnapshotArrived(2);
  EXPECT_FALSE(requests_.Fire());
  Release(request);
  requests_.OnOutage(2, true);
  EXPECT_TRUE(requests_.Fire());
  EXPECT_EQ(call.status, 0);
}

TEST_F(SendRequestsTest, ALostSnapshotFailsAndAQueuedOneStays) {
  Call lost;
  Call queued;
  Release(Snapshot(&lost, 40));
  SendRequest* const request = Snapshot(&queued, 50);
  requests_.OnOutage(2, true);
  EXPECT_TRUE(requests_.SnapshotUnderWay(2, 50));
  requests_.Fire();
  EXPECT_EQ(lost.status, RAFT_NOCONNECTION);
  EXPECT_EQ(queued.count, 0);
  Release(request);
  requests_.OnSnapshotArrived(2);
  requests_.Fire();
  EXPECT_EQ(queued.status, 0);
}

TEST_F(SendRequestsTest, RemovalFailsSnapshotsOnceReleased) {
  Call call;
  SendRequest* const request = Snapshot(&call, 40);
  requests_.OnRemoved(2);
  EXPECT_FALSE(requests_.Fire());
  Release(request);
  requests_.Fire();
  EXPECT_EQ(call.status, RAFT_NOCONNECTION);
}

// raft_close: all callbacks come, and say why.
TEST_F(SendRequestsTest, CancelEndsAll) {
  Call append;
  Call snapshot;
  Call small;
  Release(Append(&append, 10));
  Release(Snapshot(&snapshot, 40));
  requests_.Finish(requests_.Open(&small.request, &Call::Done, 2), 0);
  requests_.Cancel();
  requests_.Fire();
  for (const Call* call : {&append, &snapshot, &small}) {
    EXPECT_EQ(call->count, 1);
    EXPECT_EQ(call->status, RAFT_CANCELED);
  }
}

}  // namespace
}  // namespace hawser::libraft
