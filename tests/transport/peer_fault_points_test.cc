// Fault points: every kind of frame that an upgrade, a pin or a return takes, on either link and in
// either direction, is one with which its connection fails, before it arrives or just after.
// docs/failover.md, "Fault points".

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/fake_node.h"
#include "tests/support/test_messages.h"
#include "transport/control.h"
#include "transport/frame.h"
#include "transport/peer.h"

namespace hawser {
namespace {

// "1->2 rdma START": who says what, on which link.
std::string PointOf(const FrameWay& way, absl::string_view frame) {
  FrameHeader header;
  absl::string_view body;
  if (DecodeFrame(frame, &header, &body) != CloseReason::kNone) return "garbage";
  const bool rdma = absl::EndsWith(way.from, "/rdma") || absl::EndsWith(way.to, "/rdma");
  const bool up = absl::StartsWith(way.from, FakeAddress(1));
  std::string point =
      absl::StrCat(up ? "1->2 " : "2->1 ", rdma ? "rdma " : "grpc ", FrameTypeName(header.type));
  Control control;
  if (header.type == FrameType::kControl && DecodeControl(body, &control)) {
    absl::StrAppend(&point, control.kind == Control::Kind::kFenceRequest ? " fence_request" : "");
  }
  return point;
}

// Notes every point that is passed; breaks the connection at one of them.
class FaultPoints : public FakeFaults {
 public:
  FrameFate OnFrame(const FrameWay& way, std::string* frame) override {
    FrameFate fate;
    const std::string point = PointOf(way, *frame);
    if (++passed[point] == armed_pass && point == armed) {
      fate.cut = cut;
      ++hits;
    }
    return fate;
  }

  std::map<std::string, uint32_t> passed;
  std::string armed;
  uint32_t armed_pass = 0;  // At which passage; from 1.
  FrameFate::Cut cut = FrameFate::Cut::kBefore;
  int hits = 0;
};

// A pair that goes up to RDMA, is pinned to gRPC and back, and loses RDMA once, under load.
class Story {
 public:
  explicit Story(FaultPoints* points) : points_(points) {
    FakeNodeParts parts;
    parts.rdma = true;
    a_ = cluster_.Add(Patient(1), parts);
    b_ = cluster_.Add(Patient(2), parts);
    cluster_.network.set_faults(points_);
  }
  ~Story() { cluster_.network.set_faults(nullptr); }

  // True when it came to its end: on RDMA, all told.
  bool Run() {
    a_->AddPeer(2);
    b_->AddPeer(1);
    a_->Start();
    b_->Start();
    if (!UntilOn(LinkKind::kRdma)) return false;
    for (const LinkKind kind : {LinkKind::kGrpc, LinkKind::kRdma}) {
      Pin(kind);
      if (!UntilOn(kind)) return false;
    }
    Pin(LinkKind::kNone);
    const std::string dialler = FakeAddress(1);
    cluster_.network.Cut(dialler + "/rdma", FakeAddress(2) + "/rdma");
    SendSome();
    cluster_.RunFor(5);
    return UntilOn(LinkKind::kRdma) && Settled();
  }

  // What was accepted was delivered once, in order, or told lost.
  void ExpectAccount(const std::string& point) {
    for (FakeNode* from : {a_, b_}) {
      FakeNode* const to = from == a_ ? b_ : a_;
      const Ledger ledger = from->Describe(to->id()).ledger;
      EXPECT_TRUE(ledger.Balanced()) << point;
      EXPECT_EQ(ledger.accepted.messages, sent_[from == a_ ? 0 : 1]) << point;
      EXPECT_EQ(ledger.acknowledged.messages, to->raft.messages.size()) << point;
      EXPECT_EQ(from->raft.lost, ledger.lost_total().messages) << point;
      uint64_t last = 0;
      for (const ReceivedMessage& message : to->raft.messages) {
        EXPECT_GT(message.index, last) << point;
        last = message.index;
      }
    }
  }

 private:
  static Options Patient(NodeId id) {
    Options options = FakeOptions(id);
    // A fault now and then is what is wanted here.
    options.rdma_flap_window_ms = 1;
    options.no_link_append_ms = 5000;
    return options;
  }
  bool On(LinkKind kind) { return a_->Describe(2).link == kind && b_->Describe(1).link == kind; }
  bool Up() {
    return a_->Describe(2).state == PeerState::kUp && b_->Describe(1).state == PeerState::kUp;
  }
  bool UntilOn(LinkKind kind) {
    for (int ms = 0; ms < 20000; ++ms) {
      if (Up() && On(kind)) return true;
      if (ms < 2000) SendSome();
      cluster_.RunFor(1);
    }
    return false;
  }
  bool Settled() {
    return cluster_.RunUntil([&] { return Up() && a_->core().Quiet() && b_->core().Quiet(); });
  }
  void Pin(LinkKind kind) {
    a_->core().PinLink(a_->core().FindPeer(2)->gate(), kind);
    b_->core().PinLink(b_->core().FindPeer(1)->gate(), kind);
  }
  void SendSome() {
    for (FakeNode* from : {a_, b_}) {
      uint64_t* const sent = &sent_[from == a_ ? 0 : 1];
      const TestAppend append(*sent + 1, std::string(300, 'x'));
      if (from->Send(from == a_ ? 2 : 1, 0, append.view()) == SendResult::kAccepted) ++*sent;
    }
  }

  FaultPoints* const points_;
  FakeCluster cluster_;
  FakeNode* a_ = nullptr;
  FakeNode* b_ = nullptr;
  uint64_t sent_[2] = {0, 0};
};

// All that the story passes when nothing goes wrong but its own cut.
std::map<std::string, uint32_t> PassedPoints() {
  FaultPoints points;
  Story story(&points);
  EXPECT_TRUE(story.Run());
  story.ExpectAccount("none");
  return points.passed;
}

TEST(PeerFaultPointsTest, TheStoryPassesTheStepsOfAnUpgrade) {
  const std::map<std::string, uint32_t> passed = PassedPoints();
  for (const char* way : {"1->2 ", "2->1 "}) {
    for (const char* step : {"grpc hello", "grpc fence", "grpc start", "grpc switch", "grpc ping",
                             "grpc pong", "grpc data", "rdma hello", "rdma start", "rdma switch",
                             "rdma ping", "rdma pong", "rdma data"}) {
      EXPECT_EQ(passed.count(absl::StrCat(way, step)), 1u) << way << step;
    }
  }
}

TEST(PeerFaultPointsTest, EveryPointFails) {
  int runs = 0;
  std::set<std::string> hit;
  for (const auto& [point, passes] : PassedPoints()) {
    for (const FrameFate::Cut cut : {FrameFate::Cut::kBefore, FrameFate::Cut::kAfter}) {
      // The first times are those of opening and of the upgrade; the rest is more of the same.
      for (uint32_t pass = 1; pass <= std::min<uint32_t>(passes, 4); ++pass) {
        FaultPoints points;
        points.armed = point;
        points.armed_pass = pass;
        points.cut = cut;
        Story story(&points);
        const std::string what =
            absl::StrCat(point, cut == FrameFate::Cut::kBefore ? ", before, " : ", after, ", pass);
        ASSERT_TRUE(story.Run()) << what;
        story.ExpectAccount(what);
        if (points.hits > 0) hit.insert(point);
        ++runs;
      }
    }
  }
  std::printf("%d runs, %zu fault points:", runs, hit.size());
  for (const std::string& point : hit) std::printf(" [%s]", point.c_str());
  std::printf("\n");
  EXPECT_GE(hit.size(), 26u);
}

}  // namespace
}  // namespace hawser
