// Hellos that are refused, in both roles: the reason is named, counted, and told to the other end.

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/support/fake_node.h"
#include "tests/support/raw_peer.h"
#include "tests/support/test_messages.h"
#include "transport/wire.pb.h"

namespace hawser {
namespace {

// Node 2 and a raw peer, node 1, that dials it; the good node 3 must not be disturbed.
class SessionHelloTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_ = cluster_.Add(2);
    other_ = cluster_.Add(3);
    node_->AddPeer(1, {});
    cluster_.Drive(&raw_);
    ASSERT_TRUE(cluster_.Connect(node_, other_));
  }

  uint64_t Refused(CloseReason reason) {
    return node_->Describe().refused[static_cast<int>(reason)];
  }

  // The raw peer dials and sends what `say` says; it is refused for `reason`.
  void ExpectRefused(CloseReason reason, const std::function<void()>& say) {
    SCOPED_TRACE(CloseReasonName(reason));
    const uint64_t before = Refused(reason);
    raw_.Dial(2);
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.up; }));
    say();
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }, 5000));
    EXPECT_STREQ(CloseReasonName(raw_.closed), CloseReasonName(reason)) << raw_.closed_text;
    EXPECT_EQ(Refused(reason), before + 1);
    EXPECT_EQ(raw_.Find(FrameType::kHello), nullptr);
    EXPECT_EQ(node_->Describe(3).connects, 1u);
    EXPECT_EQ(node_->Describe(3).state, PeerState::kUp);
    ASSERT_TRUE(raw_.Open(&cluster_, node_));
    raw_.incarnation += 1;
  }

  // The same with one thing changed in a good hello.
  void ExpectRefused(CloseReason reason, void (*change)(Hello*)) {
    ExpectRefused(reason, [&] {
      Hello hello = raw_.MakeHello(2);
      change(&hello);
      raw_.SendHello(hello);
    });
  }

  FakeCluster cluster_;
  RawPeer raw_{&cluster_.network, 1};
  FakeNode* node_ = nullptr;
  FakeNode* other_ = nullptr;
};

TEST_F(SessionHelloTest, WrongCluster) {
  ExpectRefused(CloseReason::kWrongCluster, [](Hello* hello) { hello->cluster_id = "other"; });
  ExpectRefused(CloseReason::kWrongCluster, [](Hello* hello) { hello->cluster_id = ""; });
}

TEST_F(SessionHelloTest, OwnId) {
  ExpectRefused(CloseReason::kOwnId, [](Hello* hello) { hello->node_id = 2; });
}

TEST_F(SessionHelloTest, WrongNode) {
  ExpectRefused(CloseReason::kWrongNode, [](Hello* hello) { hello->to_node_id = 4; });
}

TEST_F(SessionHelloTest, UnknownPeer) {
  ExpectRefused(CloseReason::kUnknownPeer, [](Hello* hello) { hello->node_id = 77; });
}

TEST_F(SessionHelloTest, PeerRemoved) {
  node_->raft.removed_node = 66;
  ExpectRefused(CloseReason::kPeerRemoved, [](Hello* hello) { hello->node_id = 66; });
}

TEST_F(SessionHelloTest, NoCommonVersion) {
  ExpectRefused(CloseReason::kVersionMismatch, [](Hello* hello) {
    hello->wire_version_min = 2;
    hello->wire_version_max = 9;
  });
  ExpectRefused(CloseReason::kVersionMismatch, [](Hello* hello) {
    hello->wire_version_min = 0;
    hello->wire_version_max = 0;
  });
}

TEST_F(SessionHelloTest, RequiredFeatureThatIsMissing) {
  ExpectRefused(CloseReason::kVersionMismatch,
                [](Hello* hello) { hello->features_required |= uint64_t{1} << 50; });
}

TEST_F(SessionHelloTest, ZeroIds) {
  ExpectRefused(CloseReason::kBadHello, [](Hello* hello) { hello->node_id = 0; });
  ExpectRefused(CloseReason::kBadHello, [](Hello* hello) { hello->to_node_id = 0; });
  ExpectRefused(CloseReason::kBadHello, [](Hello* hello) { hello->incarnation = 0; });
}

TEST_F(SessionHelloTest, LimitsThatCannotBe) {
  ExpectRefused(CloseReason::kBadHello, [](Hello* hello) { hello->frame_bytes_max = 4095; });
  ExpectRefused(CloseReason::kBadHello, [](Hello* hello) { hello->message_bytes_max = 0; });
  ExpectRefused(CloseReason::kBadHello, [](Hello* hello) { hello->receive_unit_bytes = 0; });
  ExpectRefused(CloseReason::kBadHello, [](Hello* hello) { hello->receive_unit_bytes = 4096; });
  ExpectRefused(CloseReason::kBadHello,
                [](Hello* hello) { hello->cluster_id = std::string(65, 'c'); });
  ExpectRefused(CloseReason::kBadHello,
                [](Hello* hello) { hello->grpc_addresses.assign(9, "node:1"); });
  ExpectRefused(CloseReason::kBadHello,
                [](Hello* hello) { hello->grpc_addresses = {std::string(257, 'a')}; });
}

TEST_F(SessionHelloTest, FirstGrantThatIsTooSmall) {
  raw_.first_grant = 31;
  ExpectRefused(CloseReason::kBadHello, [&] {
    raw_.SendHello(raw_.MakeHello(2));
    raw_.first_grant = 512;
  });
}

TEST_F(SessionHelloTest, Garbage) {
  ExpectRefused(CloseReason::kBadHello,
                [&] { raw_.SendControl(FrameType::kHello, std::string(50, '\xff')); });
}

TEST_F(SessionHelloTest, Oversized) {
  ExpectRefused(CloseReason::kBadHello, [&] {
    transport::v1::Hello hello;
    ASSERT_TRUE(hello.ParseFromString(EncodeHello(raw_.MakeHello(2))));
    // A field that is unknown here: allowed, but not at this size.
    hello.GetReflection()->MutableUnknownFields(&hello)->AddLengthDelimited(500,
                                                                            std::string(5000, 'u'));
    raw_.SendControl(FrameType::kHello, hello.SerializeAsString());
  });
}

TEST_F(SessionHelloTest, UnknownFieldsAndFeaturesAreIgnored) {
  raw_.Dial(2);
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.up; }));
  transport::v1::Hello hello;
  ASSERT_TRUE(hello.ParseFromString(EncodeHello(raw_.MakeHello(2))));
  hello.set_features(hello.features() | uint64_t{1} << 60);
  hello.GetReflection()->MutableUnknownFields(&hello)->AddVarint(500, 1);
  raw_.SendControl(FrameType::kHello, hello.SerializeAsString());
  EXPECT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kHello) != nullptr; }));
}

TEST_F(SessionHelloTest, SilenceIsAHelloTimeout) {
  const int64_t before_ms = cluster_.now_ms();
  ExpectRefused(CloseReason::kHelloTimeout, [] {});
  EXPECT_LT(cluster_.now_ms() - before_ms, 2100);
}

TEST_F(SessionHelloTest, HelloWithoutACommitIsAHelloTimeout) {
  raw_.Dial(2);
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.up; }));
  raw_.SendHello(raw_.MakeHello(2));
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }, 2100));
  EXPECT_STREQ(CloseReasonName(raw_.closed), "hello_timeout");
}

// The oldest of them make room for the younger ones at once, and these go when their time is up.
TEST_F(SessionHelloTest, HundredSilentConnectionsAreAllClosed) {
  const uint64_t kAtOnce = Options().hello_connections_max;
  std::vector<std::unique_ptr<RawPeer>> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(std::make_unique<RawPeer>(&cluster_.network, 1000 + i));
    cluster_.Drive(silent.back().get());
    silent.back()->Dial(2);
  }
  cluster_.RunFor(1000);
  EXPECT_EQ(Refused(CloseReason::kResourceExhausted), 100 - kAtOnce);
  cluster_.RunFor(1100);
  for (const auto& peer : silent) EXPECT_NE(peer->closed, CloseReason::kNone);
  EXPECT_EQ(Refused(CloseReason::kHelloTimeout), kAtOnce);
  EXPECT_EQ(cluster_.network.buffers_held(), 0u);
  EXPECT_EQ(node_->Describe(3).state, PeerState::kUp);
  ASSERT_TRUE(raw_.Open(&cluster_, node_));
}

// Node 2 dials and the wrong one answers.
class SessionHelloAnswerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.Drive(&raw_);
    node_ = cluster_.Add(2);
    node_->AddPeer(5);
    node_->Start();
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kHello) != nullptr; }));
  }

  void ExpectRefused(CloseReason reason, void (*change)(Hello*)) {
    Hello hello = raw_.MakeHello(2);
    change(&hello);
    raw_.SendHello(hello);
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }, 5000));
    EXPECT_STREQ(CloseReasonName(raw_.closed), CloseReasonName(reason));
    ASSERT_TRUE(cluster_.RunUntil([&] { return node_->Describe(5).reason == reason; }));
    EXPECT_EQ(node_->Describe(5).state, PeerState::kIdle);
  }

  FakeCluster cluster_;
  RawPeer raw_{&cluster_.network, 5};
  FakeNode* node_ = nullptr;
};

TEST_F(SessionHelloAnswerTest, AnotherNodeAtTheAddress) {
  ExpectRefused(CloseReason::kWrongNode, [](Hello* hello) { hello->node_id = 6; });
}

TEST_F(SessionHelloAnswerTest, AnotherClusterAtTheAddress) {
  ExpectRefused(CloseReason::kWrongCluster, [](Hello* hello) { hello->cluster_id = "else"; });
}

TEST_F(SessionHelloAnswerTest, OurselvesAtTheAddress) {
  ExpectRefused(CloseReason::kOwnId, [](Hello* hello) { hello->node_id = 2; });
}

TEST_F(SessionHelloAnswerTest, AnswerToSomebodyElse) {
  ExpectRefused(CloseReason::kWrongNode, [](Hello* hello) { hello->to_node_id = 9; });
}

TEST_F(SessionHelloAnswerTest, GoodAnswerThenGoodStream) {
  raw_.SendHello(raw_.MakeHello(2));
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kFence) != nullptr; }));
  raw_.SendFence();
  raw_.SendStart();
  EXPECT_TRUE(cluster_.RunUntil([&] { return node_->Describe(5).state == PeerState::kUp; }));
}

TEST_F(SessionHelloAnswerTest, RefusalIsTold) {
  raw_.SendControl(FrameType::kGoaway, EncodeGoaway(CloseReason::kWrongCluster, "not ours"));
  ASSERT_TRUE(cluster_.RunUntil([&] { return !node_->raft.refusals.empty(); }));
  EXPECT_EQ(node_->raft.refusals[0], CloseReason::kWrongCluster);
  EXPECT_EQ(node_->Describe(5).reason, CloseReason::kWrongCluster);
}

TEST_F(SessionHelloAnswerTest, SilenceIsAHelloTimeout) {
  ASSERT_TRUE(cluster_.RunUntil(
      [&] { return node_->Describe(5).reason == CloseReason::kHelloTimeout; }, 2100));
  // And the next try comes.
  EXPECT_TRUE(cluster_.RunUntil([&] { return raw_.up; }, 2100));
}

// Both hellos are done, and then nothing: nobody waits on such a stream for ever.
TEST_F(SessionHelloAnswerTest, SilenceAfterTheHelloIsNoticed) {
  raw_.SendHello(raw_.MakeHello(2));
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kFence) != nullptr; }));
  ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.closed != CloseReason::kNone; }, 5000));
  EXPECT_STREQ(CloseReasonName(raw_.closed), "peer_silent");
}

}  // namespace
}  // namespace hawser
