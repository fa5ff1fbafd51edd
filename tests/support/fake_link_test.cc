// The fake network keeps the contract of link.h, and its faults do what they say.

#include "tests/support/fake_link.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace hawser {
namespace {

// One end that remembers its events.
class End : public LinkEvents, public LinkAcceptor {
 public:
  End(FakeNetwork* network, const std::string& address) : provider_(network, address) {
    provider_.Start(this);
  }

  void Dial(const std::string& address) { link = provider_.Dial(address, this); }
  void Say(const std::string& frame, bool flush = true) {
    FrameBuffer buffer = link->Allocate(frame.size());
    frame.copy(buffer.data, frame.size());
    link->Send(buffer, frame.size());
    if (flush) link->Flush();
  }
  int Poll() { return provider_.Poll(0); }
  int64_t NextEventNs() const { return provider_.NextEventNs(); }
  void Crash() { provider_.Crash(); }

  Link* link = nullptr;
  bool up = false;
  bool wanted = true;
  int writable = 0;
  std::vector<std::string> frames;
  std::string down;

 private:
  LinkEvents* OnAccepted(Link* accepted) override {
    if (!wanted) return nullptr;
    link = accepted;
    up = true;
    return this;
  }
  void BeforeEvents() override {}
  void OnLinkUp() override { up = true; }
  void OnFrame(ReceiveBuffer*, absl::string_view frame) override { frames.emplace_back(frame); }
  void OnGarbage(absl::string_view) override {}
  void OnLinkWritable() override { ++writable; }
  void OnLinkDown(absl::string_view text) override {
    link = nullptr;
    up = false;
    down = std::string(text);
  }

  FakeProvider provider_;
};

class FakeLinkTest : public ::testing::Test {
 protected:
  // All that is due within `ns` from now on.
  void Run(int64_t ns = 10000000) {
    const int64_t until_ns = network_.now_ns() + ns;
    while (true) {
      End* first = a_.NextEventNs() <= b_.NextEventNs() ? &a_ : &b_;
      if (first->NextEventNs() > until_ns) break;
      if (first->NextEventNs() > network_.now_ns()) network_.AdvanceTo(first->NextEventNs());
      first->Poll();
    }
    network_.AdvanceTo(until_ns);
  }
  void Connect() {
    a_.Dial("b");
    Run();
    ASSERT_TRUE(a_.up && b_.up);
  }

  FakeNetwork network_;
  End a_{&network_, "a"};
  End b_{&network_, "b"};
};

using Frames = std::vector<std::string>;

TEST_F(FakeLinkTest, FramesArriveInOrderAfterTheDelay) {
  network_.SetDelay("a", "b", 3000000);
  Connect();
  a_.Say("1", /*flush=*/false);
  Run();
  EXPECT_TRUE(b_.frames.empty());
  a_.Say("2");
  EXPECT_FALSE(a_.link->writable());
  Run(2999999);
  EXPECT_TRUE(b_.frames.empty());
  EXPECT_TRUE(a_.link->writable());
  network_.SetDelay("a", "b", 0);
  a_.Say("3");
  Run(1);
  EXPECT_EQ(b_.frames, (Frames{"1", "2", "3"}));
  b_.Say("back");
  Run();
  EXPECT_EQ(a_.frames, Frames{"back"});
}

TEST_F(FakeLinkTest, NobodyListens) {
  a_.Dial("c");
  Run();
  EXPECT_EQ(a_.down, "connection to c refused");
}

TEST_F(FakeLinkTest, RefusedAndUnwantedDials) {
  network_.RefuseDials("b", true);
  a_.Dial("b");
  Run();
  EXPECT_EQ(a_.down, "connection to b refused");
  network_.RefuseDials("b", false);
  b_.wanted = false;
  a_.Dial("b");
  Run();
  EXPECT_EQ(a_.down, "the other end closed the link");
}

TEST_F(FakeLinkTest, LastWordsArriveBeforeTheEnd) {
  Connect();
  a_.Say("bye");
  a_.link->Close();
  Run();
  EXPECT_EQ(b_.frames, Frames{"bye"});
  EXPECT_EQ(b_.down, "the other end closed the link");
  EXPECT_EQ(a_.down, "");
}

TEST_F(FakeLinkTest, StalledWritesWait) {
  Connect();
  network_.Stall("a", "b", true);
  EXPECT_FALSE(a_.link->writable());
  a_.Say("1");
  Run();
  EXPECT_TRUE(b_.frames.empty());
  const int writable_before = a_.writable;
  network_.Stall("a", "b", false);
  Run();
  EXPECT_EQ(b_.frames, Frames{"1"});
  EXPECT_EQ(a_.writable, writable_before + 1);
}

TEST_F(FakeLinkTest, CutLosesWhatIsOnItsWay) {
  Connect();
  a_.Say("1");
  network_.Cut("a", "b", 0, 5000000);
  Run(1000000);
  EXPECT_EQ(a_.down, "the connection was cut");
  EXPECT_TRUE(b_.up);
  Run();
  EXPECT_FALSE(b_.up);
  EXPECT_TRUE(b_.frames.empty());
}

TEST_F(FakeLinkTest, CutAfterSomeFrames) {
  Connect();
  network_.CutAfterFrames("a", "b", 2);
  for (const char* frame : {"1", "2", "3"}) a_.Say(frame, /*flush=*/false);
  a_.link->Flush();
  Run();
  EXPECT_EQ(b_.frames, (Frames{"1", "2"}));
  EXPECT_FALSE(a_.up);
  EXPECT_FALSE(b_.up);
}

TEST_F(FakeLinkTest, CrashEndsConnections) {
  Connect();
  a_.Crash();
  Run();
  EXPECT_EQ(b_.down, "the other process died");
  EXPECT_EQ(a_.down, "");
}

// Damages, delays, cuts and refuses, as the test says.
class TestFaults : public FakeFaults {
 public:
  bool RefuseDial(const std::string&, const std::string&) override { return refuse; }
  FrameFate OnFrame(const FrameWay& way, std::string* frame) override {
    seen.push_back(way.from + way.to + *frame);
    FrameFate fate;
    if (*frame == "late") fate.extra_delay_ns = 5000000;
    if (*frame == "damaged") frame->resize(3);
    if (*frame == "fatal") fate.cut = FrameFate::Cut::kBefore;
    return fate;
  }
  void OnArrival(const FrameWay& way, absl::string_view frame) override {
    arrived.push_back(way.from + way.to + std::string(frame));
    connection = way.connection;
  }
  bool LoseDial(const std::string&, const std::string&) override { return lose; }
  bool refuse = false;
  bool lose = false;
  uint64_t connection = 0;
  Frames seen;
  Frames arrived;
};

TEST_F(FakeLinkTest, FaultsAreAskedForEachFrameAndDial) {
  TestFaults faults;
  network_.set_faults(&faults);
  Connect();
  for (const char* frame : {"late", "damaged", "fatal", "after"}) a_.Say(frame, /*flush=*/false);
  a_.link->Flush();
  Run(1000000);
  EXPECT_TRUE(b_.frames.empty());
  Run();
  EXPECT_EQ(b_.frames, (Frames{"late", "dam"}));
  EXPECT_FALSE(a_.up);
  EXPECT_EQ(faults.seen[0], "ablate");
  EXPECT_EQ(faults.seen.size(), 4u);
  EXPECT_EQ(faults.arrived, (Frames{"ablate", "abdam"}));
  EXPECT_EQ(faults.connection, 1u);
  faults.refuse = true;
  a_.Dial("b");
  Run();
  EXPECT_EQ(a_.down, "connection to b refused");
}

TEST_F(FakeLinkTest, ALostDialIsNeverHeardOfAgain) {
  TestFaults faults;
  faults.lose = true;
  network_.set_faults(&faults);
  a_.Dial("b");
  Run(60 * int64_t{1000000000});
  EXPECT_FALSE(a_.up);
  EXPECT_EQ(a_.down, "");
  EXPECT_EQ(network_.connections(), 0u);
}

TEST_F(FakeLinkTest, BandwidthHoldsUpWhatFollows) {
  Connect();
  network_.SetBandwidth("a", "b", 1000);
  a_.Say(std::string(10, 'x'), /*flush=*/false);
  a_.Say(std::string(20, 'y'));
  EXPECT_FALSE(a_.link->writable());
  Run(15 * 1000000);
  EXPECT_EQ(b_.frames.size(), 1u);
  EXPECT_EQ(a_.writable, 0);
  Run(20 * 1000000);
  EXPECT_EQ(b_.frames.size(), 2u);
  EXPECT_EQ(a_.writable, 1);
}

TEST_F(FakeLinkTest, WhatWasOnItsWayArrivesLateOnAConnectionThatFailed) {
  Connect();
  a_.Say("under way");
  network_.Cut("a", "b", /*a_notices_ns=*/0, /*b_notices_ns=*/1000000, /*late=*/true);
  Run();
  EXPECT_EQ(b_.frames, Frames{"under way"});
  EXPECT_FALSE(a_.up);
  EXPECT_FALSE(b_.up);
}

TEST_F(FakeLinkTest, BuffersAreCounted) {
  Connect();
  EXPECT_EQ(network_.connections(), 1u);
  a_.Say("1");
  Run();
  EXPECT_EQ(network_.buffers_held(), 0u);
}

}  // namespace
}  // namespace hawser
