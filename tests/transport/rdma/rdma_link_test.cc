// Links over queue pairs on a fake NIC: order, credit's slots, leases, ends of all kinds.

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_format.h"
#include "tests/transport/rdma/rdma_pair.h"

namespace hawser {
namespace {

std::string Body(int i, size_t bytes) {
  std::string body(bytes, static_cast<char>('a' + i % 26));
  if (bytes >= 8) body.replace(0, 8, absl::StrFormat("%08d", i));
  return body;
}

TEST(RdmaLinkTest, ConnectsAndCarriesFramesBothWays) {
  RdmaPair pair;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  EXPECT_EQ(pair.a.user.link->kind(), LinkKind::kRdma);
  EXPECT_EQ(pair.a.user.link->identity().node, 2u);
  EXPECT_EQ(pair.b.user.link->identity().node, 1u);
  EXPECT_TRUE(pair.b.user.link->identity().required);
  EXPECT_EQ(pair.a.user.link->frame_bytes_max(), 8192u);
  const std::string small = TestFrame(FrameType::kData, "small");
  const std::string large = TestFrame(FrameType::kData, std::string(8192 - 16, 'x'));
  pair.a.Send(small);
  pair.b.Send(large);
  ASSERT_TRUE(
      pair.RunUntil([&] { return pair.a.user.frames_seen + pair.b.user.frames_seen == 2; }));
  EXPECT_EQ(pair.b.user.frames[0], small);
  EXPECT_EQ(pair.a.user.frames[0], large);
  EXPECT_TRUE(pair.NothingLeft());
}

TEST(RdmaLinkTest, TenThousandFramesOfAllSizesKeepTheirOrder) {
  RdmaPair pair;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  int sent = 0;
  uint64_t next = 0;
  bool in_order = true;
  pair.b.user.keep_bytes = false;
  pair.b.user.on_frame = [&](absl::string_view frame) {
    const size_t bytes = 1 + (next * 7919) % 8000;
    in_order = in_order && frame.substr(kFrameHeaderBytes) == Body(static_cast<int>(next), bytes);
    ++next;
  };
  while (sent < 10000) {
    while (sent < 10000 && pair.a.user.link->writable() &&
           sent - static_cast<int>(pair.b.user.frames_seen) < 200) {
      const size_t bytes = 1 + (uint64_t{static_cast<unsigned>(sent)} * 7919) % 8000;
      pair.a.SendUnflushed(TestFrame(FrameType::kData, Body(sent, bytes)));
      ++sent;
    }
    pair.a.user.link->Flush();
    pair.RunFor(5);
  }
  ASSERT_TRUE(pair.RunUntil([&] { return pair.b.user.frames_seen == 10000; }));
  EXPECT_TRUE(in_order);
  EXPECT_EQ(pair.b.nic->counters().not_ready, 0u);
}

// All that credit allows, at once, before the receiver looks: every frame must find a slot.
TEST(RdmaLinkTest, AWindowOfFramesFindsItsSlots) {
  RdmaPair pair;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  const uint32_t window = pair.b.options.rdma_receive_slots - kRdmaUngrantedSlots;
  uint64_t expected = 0;
  for (int round = 0; round < 20; ++round) {
    // HELLO's slot is not granted: one more than the window in the first round.
    const uint32_t frames = window + (round == 0 ? 1 : 0);
    for (uint32_t i = 0; i < frames; ++i) {
      pair.a.Send(TestFrame(FrameType::kData, "x"));
      pair.a.provider->Poll(0);
      pair.fabric.RunFor(3000);
    }
    expected += frames;
    ASSERT_TRUE(pair.RunUntil([&] { return pair.b.user.frames_seen == expected; }));
  }
  EXPECT_EQ(pair.b.nic->counters().not_ready, 0u);
}

TEST(RdmaLinkTest, LeasedSlotsAreReplacedAndThenCopied) {
  RdmaPair pair;
  pair.b.options.rdma_receive_slots = 64;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  pair.b.user.keep_buffers = true;
  for (int i = 0; i < 200; ++i) {
    pair.a.Send(TestFrame(FrameType::kData, Body(i, 4000)));
    ASSERT_TRUE(pair.RunUntil([&] { return pair.b.user.frames_seen == uint64_t(i + 1); }));
  }
  // Eight spare slots were lent; the rest was copied, and nobody had to wait.
  EXPECT_EQ(pair.b.provider->counters().copied_out, 192u);
  EXPECT_EQ(pair.b.nic->counters().not_ready, 0u);
  const std::string first = pair.b.user.frames[0];
  auto* const slot = static_cast<ReceiveSlot*>(pair.b.user.buffers[0]);
  EXPECT_EQ(absl::string_view(slot->data(), first.size()), first);
  // A lease outlives link, provider and device; only then the memory goes.
  const std::string kept = pair.b.user.frames[7];
  auto* const late = static_cast<ReceiveSlot*>(pair.b.user.buffers[7]);
  pair.a.provider.reset();
  pair.b.provider.reset();
  EXPECT_TRUE(pair.b.nic->counters().NothingLeft());
  EXPECT_EQ(absl::string_view(late->data(), kept.size()), kept);
}

TEST(RdmaLinkTest, GivenBackSlotsAreLentAgain) {
  RdmaPair pair;
  pair.b.options.rdma_receive_slots = 64;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  pair.b.user.keep_buffers = true;
  for (int i = 0; i < 400; ++i) {
    pair.a.Send(TestFrame(FrameType::kData, "x"));
    ASSERT_TRUE(pair.RunUntil([&] { return pair.b.user.frames_seen == uint64_t(i + 1); }));
    if (pair.b.user.buffers.size() == 6) pair.b.user.ReleaseBuffers();
  }
  EXPECT_EQ(pair.b.provider->counters().copied_out, 0u);
}

// The other end is stuck: frames find no slot, later ones wait in the ring, then beside it.
TEST(RdmaLinkTest, AFullRingKeepsControlFramesInOrder) {
  RdmaPair pair;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  pair.fabric.options.latency_ns = 1000000;
  const uint32_t slots = pair.a.options.rdma_receive_slots / 4;
  uint32_t sent = 0;
  for (; pair.a.user.link->writable(); ++sent) {
    pair.a.Send(TestFrame(FrameType::kData, Body(static_cast<int>(sent), 500)));
  }
  EXPECT_EQ(sent, slots - RdmaLink::kSendSlotsReserved);
  for (int i = 0; i < 20; ++i, ++sent) {
    pair.a.Send(TestFrame(FrameType::kData, Body(static_cast<int>(sent), 500)));
  }
  ASSERT_TRUE(pair.RunUntil([&] { return pair.b.user.frames_seen == sent; }));
  for (uint32_t i = 0; i < sent; ++i) {
    ASSERT_EQ(pair.b.user.frames[i].substr(16, 8), Body(static_cast<int>(i), 500).substr(0, 8));
  }
  EXPECT_EQ(pair.a.provider->counters().backlogged, 16u);
  EXPECT_GE(pair.a.user.writables, 1);
  EXPECT_TRUE(pair.a.user.link->writable());
}

TEST(RdmaLinkTest, LastWordsArriveBeforeTheEnd) {
  for (const bool flush : {true, false}) {
    FakeFabricOptions fabric;
    fabric.flush_on_disconnect = flush;
    RdmaPair pair(fabric);
    pair.Open();
    ASSERT_TRUE(pair.Connect());
    for (int i = 0; i < 40; ++i) pair.a.SendUnflushed(TestFrame(FrameType::kData, Body(i, 300)));
    pair.a.Send(TestFrame(FrameType::kGoaway, ""));
    pair.a.user.link->Close();
    ASSERT_TRUE(pair.RunUntil([&] { return pair.b.user.down; }));
    EXPECT_EQ(pair.b.user.frames_seen, 41u);
    EXPECT_TRUE(pair.RunUntil([&] { return pair.a.provider->links() == 0; }));
    EXPECT_TRUE(pair.RunUntil([&] { return pair.b.provider->links() == 0; }));
    EXPECT_TRUE(pair.NothingLeft());
  }
}

TEST(RdmaLinkTest, LastWordsToADeadHostAreGivenUp) {
  RdmaPair pair;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  pair.fabric.Cut("10.0.0.1", "10.0.0.2", true);
  pair.a.Send(TestFrame(FrameType::kGoaway, ""));
  pair.a.user.link->Close();
  const int64_t began_ns = pair.fabric.now_ns();
  ASSERT_TRUE(pair.RunUntil([&] { return pair.a.provider->links() == 0; }));
  EXPECT_LE(pair.fabric.now_ns() - began_ns, 350 * 1000000);
}

TEST(RdmaLinkTest, AKilledProcessIsNoticed) {
  for (const bool flush : {true, false}) {
    FakeFabricOptions fabric;
    fabric.flush_on_disconnect = flush;
    RdmaPair pair(fabric);
    pair.Open();
    ASSERT_TRUE(pair.Connect());
    pair.a.nic->Kill();
    ASSERT_TRUE(pair.RunUntil([&] { return pair.b.user.down; }, 100));
    EXPECT_EQ(pair.b.user.down_text.find("the other end disconnected"), 0u);
  }
}

// No event tells of a cut wire; the first send that is not acknowledged does.
TEST(RdmaLinkTest, ACutWireEndsTheLinkInHalfASecond) {
  RdmaPair pair;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  pair.fabric.Cut("10.0.0.1", "10.0.0.2", true);
  for (int i = 0; i < 10; ++i) pair.a.Send(TestFrame(FrameType::kData, "x"));
  const int64_t began_ns = pair.fabric.now_ns();
  ASSERT_TRUE(pair.RunUntil([&] { return pair.a.user.down; }));
  EXPECT_LE(pair.fabric.now_ns() - began_ns, 500 * 1000000);
  EXPECT_EQ(pair.a.user.down_text.find("no answer from the other host"), 0u)
      << pair.a.user.down_text;
  // What was lost is settled on gRPC before the thread takes the link down.
  const int64_t down_ns = pair.fabric.now_ns();
  EXPECT_EQ(pair.a.provider->links(), 1u);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.a.provider->links() == 0; }));
  EXPECT_GE(pair.fabric.now_ns() - down_ns, 90 * 1000000);
}

TEST(RdmaLinkTest, AFrameLargerThanTheSlotEndsBothEnds) {
  RdmaPair pair;
  pair.a.options.rdma_slot_bytes = 16 * 1024;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  // A link knows the other end's slots; what does not keep to them is refused by the NIC.
  EXPECT_EQ(pair.a.user.link->frame_bytes_max(), 8192u);
  EXPECT_EQ(pair.b.user.link->frame_bytes_max(), 8192u);
  pair.a.Send(TestFrame(FrameType::kData, std::string(9000, 'x')));
  ASSERT_TRUE(pair.RunUntil([&] { return pair.a.user.down && pair.b.user.down; }));
  EXPECT_EQ(pair.b.user.frames_seen, 0u);
  EXPECT_EQ(pair.b.user.down_text.find("a frame larger than its slot"), 0u);
}

TEST(RdmaLinkTest, AHundredCyclesLeaveNothing) {
  RdmaPair pair;
  pair.Open();
  for (int i = 0; i < 100; ++i) {
    pair.a.user = RecordingUser();
    pair.b.user = RecordingUser();
    ASSERT_TRUE(pair.Connect()) << i;
    pair.a.Send(TestFrame(FrameType::kData, "x"));
    RdmaHost& closer = i % 2 == 0 ? pair.a : pair.b;
    closer.Send(TestFrame(FrameType::kGoaway, ""));
    closer.user.link->Close();
    ASSERT_TRUE(
        pair.RunUntil([&] { return pair.a.provider->links() + pair.b.provider->links() == 0; }));
    EXPECT_EQ(pair.a.nic->counters().qps, 0);
    EXPECT_EQ(pair.a.nic->counters().regions, 0);
    EXPECT_EQ(pair.a.nic->counters().ids, 1);  // the listener
  }
  EXPECT_TRUE(pair.NothingLeft());
}

TEST(RdmaLinkTest, DeviceFailuresEndTheLink) {
  for (const int which : {0, 1, 2, 3}) {
    RdmaPair pair;
    pair.Open();
    ASSERT_TRUE(pair.Connect());
    auto* const link = static_cast<RdmaLink*>(pair.a.user.link);
    if (which == 0) pair.a.nic->RaiseAsync(IBV_EVENT_DEVICE_FATAL);
    if (which == 1) pair.a.nic->RaiseAsync(IBV_EVENT_QP_FATAL, link->id()->qp);
    if (which == 2) pair.a.nic->RaiseCm(RDMA_CM_EVENT_ADDR_CHANGE);
    if (which == 3) pair.a.nic->RaiseCm(RDMA_CM_EVENT_DEVICE_REMOVAL);
    ASSERT_TRUE(pair.RunUntil([&] { return pair.a.user.down && pair.b.user.down; })) << which;
    EXPECT_EQ(pair.a.provider->links(), 0u);
    // A removed device must be let go of at once.
    EXPECT_EQ(pair.a.nic->counters().pds, which == 3 ? 0 : 1);
    EXPECT_TRUE(pair.NothingLeft());
  }
}

TEST(RdmaLinkTest, EventsThatMeanNothingChangeNothing) {
  RdmaPair pair;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  auto* const link = static_cast<RdmaLink*>(pair.a.user.link);
  pair.a.nic->RaiseAsync(IBV_EVENT_PORT_ERR);
  pair.a.nic->RaiseAsync(IBV_EVENT_PORT_ACTIVE);
  pair.a.nic->RaiseAsync(IBV_EVENT_COMM_EST, link->id()->qp);
  pair.a.nic->RaiseAsync(IBV_EVENT_GID_CHANGE);
  pair.a.nic->RaiseCm(RDMA_CM_EVENT_TIMEWAIT_EXIT);
  pair.RunFor(1000);
  pair.a.Send(TestFrame(FrameType::kData, "x"));
  EXPECT_TRUE(pair.RunUntil([&] { return pair.b.user.frames_seen == 1; }));
}

}  // namespace
}  // namespace hawser
