// What a frame may cost, counted on the fake NIC: independent of hardware, so asserted.

#include <gtest/gtest.h>

#include <string>

#include "tests/transport/rdma/rdma_pair.h"

namespace hawser {
namespace {

class RdmaBudgetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    pair_.Open();
    ASSERT_TRUE(pair_.Connect());
    pair_.b.user.keep_bytes = false;
    pair_.a.nic->ResetCounters();
    pair_.b.nic->ResetCounters();
  }
  // Sends `frames` in flushes of `together`.
  void Send(uint64_t frames, uint32_t together, size_t bytes) {
    const std::string frame = TestFrame(FrameType::kData, std::string(bytes, 'x'));
    for (uint64_t i = 0; i < frames; i += together) {
      for (uint32_t j = 0; j < together; ++j) pair_.a.SendUnflushed(frame);
      pair_.a.user.link->Flush();
      ASSERT_TRUE(pair_.RunUntil([&] { return pair_.b.user.frames_seen == i + together; }));
    }
  }
  const FakeNicCounters& sender() const { return pair_.a.nic->counters(); }
  const FakeNicCounters& receiver() const { return pair_.b.nic->counters(); }

  RdmaPair pair_;
};

TEST_F(RdmaBudgetTest, AFrameByItself) {
  Send(3200, 1, 100);
  EXPECT_EQ(sender().send_requests, 3200u);
  EXPECT_EQ(sender().send_doorbells, 3200u);
  EXPECT_EQ(sender().inlined, 3200u);
  EXPECT_LE(sender().send_completions, 3200u / 32);
  EXPECT_LE(receiver().receive_doorbells, 3200u / 16);
  EXPECT_EQ(receiver().receive_completions, 3200u);
  EXPECT_EQ(receiver().not_ready, 0u);
}

TEST_F(RdmaBudgetTest, FramesOfOneFlushShareADoorbell) {
  Send(3200, 16, 2000);
  EXPECT_EQ(sender().send_requests, 3200u);
  EXPECT_LE(sender().send_doorbells, 3200u * 7 / 100);
  EXPECT_EQ(sender().inlined, 0u);
  EXPECT_LE(sender().send_completions, 3200u / 32);
  EXPECT_LE(receiver().receive_doorbells, 3200u / 16);
  EXPECT_EQ(receiver().not_ready, 0u);
}

TEST_F(RdmaBudgetTest, NothingIsRegisteredOnTheWay) {
  Send(1600, 16, 8000);
  EXPECT_EQ(sender().registrations + receiver().registrations, 0u);
  EXPECT_EQ(sender().notify_requests + receiver().notify_requests, 0u);
}

TEST_F(RdmaBudgetTest, ReceivedBytesAreNotCopied) {
  pair_.b.user.keep_buffers = true;
  const char* seen = nullptr;
  pair_.b.user.on_frame = [&](absl::string_view frame) { seen = frame.data(); };
  Send(1, 1, 8000);
  EXPECT_EQ(seen, static_cast<ReceiveSlot*>(pair_.b.user.buffers[0])->data());
  EXPECT_EQ(pair_.b.provider->counters().copied_out, 0u);
}

TEST_F(RdmaBudgetTest, APeerRegistersAtMostThreeMebibytes) {
  EXPECT_LE(sender().registered_bytes, 3u * 1024 * 1024);
  EXPECT_EQ(sender().registered_bytes, (256u + 32 + 64) * 8192);
}

// The smallest that the options allow.
TEST(RdmaSmallBudgetTest, ASmallPeerRegistersLessThanThreeQuartersOfAMebibyte) {
  RdmaPair pair;
  pair.a.options.rdma_receive_slots = 64;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  EXPECT_LE(pair.a.nic->counters().registered_bytes, 768u * 1024);
}

// A sleeper is told once for what arrives together, and asks once.
TEST_F(RdmaBudgetTest, AFlushWakesOnce) {
  RdmaProvider& provider = *pair_.b.provider;
  EXPECT_EQ(provider.Poll(pair_.fabric.now_ns() + 1000), 0);
  pair_.b.nic->ResetCounters();
  for (int i = 0; i < 16; ++i) pair_.a.SendUnflushed(TestFrame(FrameType::kData, "x"));
  pair_.a.user.link->Flush();
  pair_.fabric.RunFor(100000);
  EXPECT_EQ(receiver().notifications, 1u);
  EXPECT_GT(provider.Poll(pair_.fabric.now_ns() + 1000000), 0);
  EXPECT_EQ(pair_.b.user.frames_seen, 16u);
}

// It sleeps, and takes the notification.
TEST_F(RdmaBudgetTest, AWakeIsTwoSystemCalls) {
  const int64_t began_ns = pair_.fabric.now_ns();
  for (uint64_t i = 0; i < 200; ++i) {
    pair_.a.Send(TestFrame(FrameType::kData, "x"));
    EXPECT_EQ(pair_.b.provider->Poll(pair_.fabric.now_ns() + 100000), 1);
    pair_.fabric.RunFor(2000);
    pair_.a.provider->Poll(0);
  }
  EXPECT_EQ(pair_.b.user.frames_seen, 200u);
  EXPECT_EQ(receiver().notifications, 200u);
  // Once a millisecond it looks at everything.
  const auto looks = static_cast<uint64_t>((pair_.fabric.now_ns() - began_ns) / 1000000 + 1);
  EXPECT_LE(receiver().system_calls, 200u * 2 + looks * 3);
}

// What it slept on need not be looked at: it was told what is ready.
TEST(RdmaLongSleepTest, AWakeIsTwoSystemCallsAfterALongSleepToo) {
  FakeFabricOptions slow;
  slow.latency_ns = 5 * 1000000;
  RdmaPair pair(slow);
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  RdmaProvider& sleeper = *pair.b.provider;
  sleeper.Poll(pair.fabric.now_ns() + 1000);
  pair.b.nic->ResetCounters();
  for (int i = 0; i < 50; ++i) {
    pair.a.Send(TestFrame(FrameType::kData, "x"));
    EXPECT_EQ(sleeper.Poll(pair.fabric.now_ns() + 10 * 1000000), 1);
  }
  EXPECT_EQ(pair.b.user.frames_seen, 50u);
  EXPECT_LE(pair.b.nic->counters().system_calls, 50u * 2);
}

}  // namespace
}  // namespace hawser
