// Two transports over real verbs: sizes, slots, MACs, switches, leases.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/integration/rdma_fixture.h"
#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

class RdmaPairTest : public RdmaFixture {
 protected:
  void Open(const Options& first, const Options& second) {
    RdmaFixture::Open(first, &raft_a_, second, &raft_b_);
  }
  void Open() { Open(OptionsOf(1), OptionsOf(2)); }
  // Sends appends of `sizes` in turn until `count` were accepted.
  void SendAppends(int count, const std::vector<size_t>& sizes) {
    for (int i = 0; i < count; ++i) {
      const TestAppend append(sent_, std::string(sizes[sent_ % sizes.size()], 'x'));
      SendResult result;
      ASSERT_TRUE(WaitUntil([&] {
        result = a_->Send(2, 0, append.view());
        return result != SendResult::kQueueMessages && result != SendResult::kQueueBytes;
      }));
      ASSERT_EQ(result, SendResult::kAccepted) << i;
      ++sent_;
    }
  }
  void ExpectAllInOrder() {
    ASSERT_TRUE(raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() >= sent_; },
                                kRdmaPatience))
        << raft_b_.MessageCount();
    const Recorded seen = raft_b_.Seen();
    ASSERT_EQ(seen.messages.size(), sent_);
    for (uint64_t i = 0; i < sent_; ++i) ASSERT_EQ(seen.messages[i].index, i);
    EXPECT_EQ(raft_a_.Seen().lost, 0u);
  }

  RecordingRaft raft_a_;
  RecordingRaft raft_b_;
  uint64_t sent_ = 0;
};

TEST_F(RdmaPairTest, MessagesOfAllSizesKeepTheirOrder) {
  Open();
  SendAppends(6000, {64, 0, 300, 5000, 64, 1, 8192, 200});
  ExpectAllInOrder();
  const PeerStatus status = OnlyPeer(a_.get());
  EXPECT_EQ(status.link, LinkKind::kRdma);
  EXPECT_TRUE(status.ledger.Balanced());
  EXPECT_EQ(status.disconnects, 0u);
}

TEST_F(RdmaPairTest, EntriesLargerThanASlotAreJoined) {
  Open();
  SendAppends(15, {3000000, 64, 65536});
  ExpectAllInOrder();
  EXPECT_EQ(raft_b_.Seen().messages[0].data[0].size(), 3000000u);
}

TEST_F(RdmaPairTest, FramesWithAMac) {
  Options first = OptionsOf(1);
  first.rdma_security = RdmaSecurity::kMac;
  // The stricter end wins.
  Open(first, OptionsOf(2));
  SendAppends(800, {64, 5000, 20000});
  ExpectAllInOrder();
  EXPECT_EQ(OnlyPeer(a_.get()).disconnects, 0u);
}

TEST_F(RdmaPairTest, OtherSlotSizesMeet) {
  Options first = OptionsOf(1);
  first.rdma_slot_bytes = 64 * 1024;
  first.rdma_receive_slots = 64;
  Options second = OptionsOf(2);
  second.rdma_slot_bytes = 16 * 1024;
  Open(first, second);
  SendAppends(200, {64, 5000, 60000, 100000});
  ExpectAllInOrder();
}

TEST_F(RdmaPairTest, SwitchingUnderLoadLosesNothing) {
  Open();
  for (int i = 0; i < 6; ++i) {
    const LinkKind kind = i % 2 == 0 ? LinkKind::kGrpc : LinkKind::kRdma;
    ASSERT_TRUE(a_->PinLink(2, kind).ok());
    ASSERT_TRUE(b_->PinLink(1, kind).ok());
    SendAppends(500, {64, 2000});
    ASSERT_TRUE(WaitUntil([&] { return On(kind); })) << i;
  }
  ExpectAllInOrder();
  EXPECT_EQ(OnlyPeer(a_.get()).disconnects, 0u);
}

// The handler keeps what it gets: credit stops the sender, nobody fails, and all arrives at last.
TEST_F(RdmaPairTest, AHandlerThatKeepsItsLeases) {
  Options second = OptionsOf(2);
  second.leased_bytes_max = 1024 * 1024;
  std::vector<Lease> leases;
  raft_b_.on_message = [&](NodeId, GroupId, const MessageView&, Lease* lease) {
    if (leases.size() < 2000) {
      leases.push_back(std::move(*lease));
    } else {
      leases.clear();
    }
  };
  Open(OptionsOf(1), second);
  SendAppends(6000, {4000, 100});
  const auto released = [&] { return OnlyPeer(b_.get()).leased_bytes; };
  ASSERT_TRUE(WaitUntil([&] {
    return raft_b_.WaitFor([&](const Recorded& seen) { return seen.messages.size() == sent_; },
                           std::chrono::milliseconds(10)) ||
           released() >= second.leased_bytes_max;
  }));
  EXPECT_EQ(OnlyPeer(a_.get()).disconnects, 0u);
  b_->Stop(absl::ZeroDuration());
  leases.clear();
}

TEST_F(RdmaPairTest, LargeTrafficBothWays) {
  Open();
  const TestAppend append(0, std::string(50000, 'x'));
  int accepted_b = 0;
  for (int i = 0; i < 150; ++i) {
    SendAppends(1, {50000});
    if (b_->Send(1, 0, append.view()) == SendResult::kAccepted) ++accepted_b;
  }
  ExpectAllInOrder();
  EXPECT_TRUE(raft_a_.WaitFor(
      [&](const Recorded& seen) { return seen.messages.size() == static_cast<size_t>(accepted_b); },
      kRdmaPatience));
}

// Of the pool and of the host's own memory; what is sent stays as it is until its Hold comes back.
TEST_F(RdmaPairTest, PayloadIsReadWhereItLies) {
  Open();
  PayloadPool* const pool = a_->payload_pool();
  std::string memory(1800000, '?');
  auto registration = a_->RegisterMemory(absl::MakeSpan(memory));
  ASSERT_TRUE(registration.ok()) << registration.status();
  EXPECT_TRUE((*registration)->registered());
  constexpr size_t kSizes[] = {100, 4096, 8100, 6000, 20000, 300000};
  HoldCounter holds;
  int held = 0;
  std::vector<std::string> expected;
  for (int i = 0; i < 180; ++i) {
    const size_t bytes = kSizes[i % 6];
    const bool from_pool = i % 5 != 0;
    // Of the registered memory each has a place of its own until all of a round are back.
    ASSERT_TRUE(i % 6 != 0 || WaitUntil([&] { return holds.released() == held; }));
    const absl::Span<char> buffer =
        from_pool ? pool->Allocate(bytes) : absl::MakeSpan(&memory[(i % 6) * 300000], bytes);
    const std::string data(bytes, static_cast<char>('a' + i % 26));
    data.copy(buffer.data(), bytes);
    expected.push_back(data);
    const TestAppend whole(sent_++);
    EntryView entry = whole.view().entries[0];
    entry.data = absl::string_view(buffer.data(), bytes);
    MessageView append = whole.view();
    append.entries = absl::MakeConstSpan(&entry, 1);
    held += from_pool ? 0 : 1;
    ASSERT_EQ(a_->Send(2, 0, append, from_pool ? pool->HoldFor(buffer.data()) : holds.Next()),
              SendResult::kAccepted);
    // Some are on their way when the link is changed.
    ASSERT_TRUE(i != 90 || a_->PinLink(2, LinkKind::kGrpc).ok());
    ASSERT_TRUE(i != 120 || a_->PinLink(2, LinkKind::kRdma).ok());
  }
  ExpectAllInOrder();
  const Recorded seen = raft_b_.Seen();
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(seen.messages[i].data[0], expected[i]) << i;
  }
  EXPECT_TRUE(WaitUntil([&] { return holds.released() == held; }));
  EXPECT_EQ(OnlyPeer(a_.get()).disconnects, 0u);
  registration->reset();
  // With bytes on their way. The pool checks that it has every buffer back.
  const absl::Span<char> last = pool->Allocate(500000);
  MessageView append = TestMessage(MessageType::kApp);
  EntryView entry;
  entry.data = absl::string_view(last.data(), last.size());
  append.entries = absl::MakeConstSpan(&entry, 1);
  ASSERT_EQ(a_->Send(2, 0, append, pool->HoldFor(last.data())), SendResult::kAccepted);
  a_->Stop(absl::ZeroDuration());
  a_.reset();
}

TEST_F(RdmaPairTest, RdmaOrNothing) {
  Options first = OptionsOf(1);
  first.link_policy = LinkPolicy::kRdma;
  Open(first, OptionsOf(2));
  EXPECT_FALSE(a_->PinLink(2, LinkKind::kGrpc).ok());
  SendAppends(200, {64, 5000});
  ExpectAllInOrder();
  EXPECT_EQ(OnlyPeer(a_.get()).switches, 0u);
  EXPECT_EQ(OnlyPeer(a_.get()).link_reason, LinkReason::kRdmaOnly);
  EXPECT_EQ(OnlyPeer(b_.get()).link_reason, LinkReason::kRdmaOnly);
}

TEST_F(RdmaPairTest, TransportsLeaveNoDescriptor) {
  // Libraries keep some.
  Open();
  a_.reset();
  b_.reset();
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 5; ++i) {
    Open();
    a_.reset();
    b_.reset();
  }
  // There may have been more: gRPC closes its sockets some time after the stream's end.
  EXPECT_TRUE(WaitUntil([&] { return OpenDescriptors() <= before; }))
      << before << " and now " << OpenDescriptors();
}

}  // namespace
}  // namespace hawser
