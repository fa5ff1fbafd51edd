// The feature CHECKSUM: agreed on by both ends, a trailer on every frame, and no damage passes.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/fake_node.h"
#include "tests/support/raw_peer.h"
#include "tests/support/test_messages.h"

namespace hawser {
namespace {

constexpr size_t kNoFrame = ~size_t{0};

FrameType TypeOf(absl::string_view frame) { return static_cast<FrameType>(frame[0] & 0x0f); }

Options OptionsOf(NodeId id, bool checksums) {
  Options options = FakeOptions(id);
  options.checksums = checksums;
  return options;
}

// Sees the frames of the first connection, and damages one of them.
class Damage : public FakeFaults {
 public:
  // The frame of that number loses its end from `size` on, or has one bit flipped.
  void Cut(size_t frame, size_t size) { *this = Damage(frame, size, true); }
  void Flip(size_t frame, size_t bit) { *this = Damage(frame, bit, false); }
  Damage() = default;

  FrameFate OnFrame(const FrameWay& way, std::string* frame) override {
    if (way.connection != 1) return {};
    if (frames.size() == frame_) {
      if (cuts_) {
        frame->resize(at_);
      } else {
        (*frame)[at_ / 8] ^= static_cast<char>(1 << at_ % 8);
      }
    } else {
      refused = refused || TypeOf(*frame) == FrameType::kGoaway;
    }
    frames.push_back(*frame);
    return {};
  }

  std::vector<std::string> frames;
  // An end has closed the link. That is the other one, where a HELLO has lost the feature.
  bool refused = false;

 private:
  Damage(size_t frame, size_t at, bool cuts) : frame_(frame), at_(at), cuts_(cuts) {}

  size_t frame_ = kNoFrame;
  size_t at_ = 0;
  bool cuts_ = false;
};

std::string PayloadOf(uint64_t index) { return std::string(index % 5, static_cast<char>(index)); }

// Two nodes that open a link and say something in every lane that has short messages.
class Conversation {
 public:
  Conversation(Damage* damage, bool first_wants, bool second_wants) : damage_(damage) {
    cluster_.network.set_faults(damage);
    first_ = cluster_.Add(OptionsOf(1, first_wants));
    second_ = cluster_.Add(OptionsOf(2, second_wants));
    second_->AddPeer(1, {});
    first_->AddPeer(2);
    first_->Start();
    second_->Start();
  }

  bool Connect() {
    return cluster_.RunUntil([&] {
      return first_->Describe(2).state == PeerState::kUp &&
             second_->Describe(1).state == PeerState::kUp;
    });
  }

  // Of a link that may be down by then.
  void Talk() {
    cluster_.RunFor(2);
    for (uint64_t index = 1; index <= 4; ++index) {
      first_->Send(2, index % 2, TestAppend(index, PayloadOf(index)).view());
      second_->Send(1, 0, TestMessage(MessageType::kAppResp, index));
      cluster_.RunFor(1);
    }
    first_->Send(2, 0, TestMessage(MessageType::kVote, 5));
    cluster_.RunUntil([&] { return damage_->refused; }, 110);
  }

  // What arrived is as it was sent.
  bool NothingChanged() const {
    return std::all_of(second_->raft.messages.begin(), second_->raft.messages.end(),
                       [](const ReceivedMessage& message) {
                         if (message.type == MessageType::kVote) return message.index == 5;
                         return message.type == MessageType::kApp && message.index <= 4 &&
                                message.group == message.index % 2 &&
                                message.data[0] == PayloadOf(message.index);
                       }) &&
           std::all_of(first_->raft.messages.begin(), first_->raft.messages.end(),
                       [](const ReceivedMessage& message) {
                         return message.type == MessageType::kAppResp && message.index <= 4;
                       });
  }

  FakeNode* first() { return first_; }
  FakeNode* second() { return second_; }
  FakeCluster& cluster() { return cluster_; }

 private:
  Damage* const damage_;
  FakeCluster cluster_;
  FakeNode* first_ = nullptr;
  FakeNode* second_ = nullptr;
};

TEST(SessionChecksumTest, BothEndsWantThem) {
  Damage none;
  Conversation conversation(&none, true, true);
  ASSERT_TRUE(conversation.Connect());
  EXPECT_TRUE(conversation.first()->Describe(2).checksums);
  EXPECT_TRUE(conversation.second()->Describe(1).checksums);
  conversation.Talk();
  // In pieces, which fill frames to the last byte.
  ASSERT_EQ(conversation.first()->Send(2, 0, TestAppend(6, std::string(500000, 'x')).view()),
            SendResult::kAccepted);
  ASSERT_TRUE(conversation.cluster().RunUntil(
      [&] { return conversation.second()->raft.messages.size() == 6; }));
  EXPECT_EQ(conversation.second()->raft.messages[5].data[0], std::string(500000, 'x'));
  size_t longest = 0;
  for (const std::string& frame : none.frames) {
    EXPECT_EQ(HasTrailer(frame), TypeOf(frame) != FrameType::kHello);
    longest = std::max(longest, frame.size());
  }
  EXPECT_EQ(longest, conversation.first()->options().grpc_frame_bytes_max);
}

TEST(SessionChecksumTest, OneEndAloneGoesWithout) {
  for (const bool first : {false, true}) {
    Damage none;
    Conversation conversation(&none, first, !first);
    ASSERT_TRUE(conversation.Connect());
    EXPECT_FALSE(conversation.first()->Describe(2).checksums);
    conversation.Talk();
    EXPECT_EQ(conversation.second()->raft.messages.size(), 5u);
    for (const std::string& frame : none.frames) EXPECT_FALSE(HasTrailer(frame));
  }
}

// Both ways, HELLOs and all.
class SessionChecksumDamageTest : public testing::Test {
 protected:
  void SetUp() override {
    Damage none;
    Conversation conversation(&none, true, true);
    ASSERT_TRUE(conversation.Connect());
    conversation.Talk();
    ASSERT_EQ(conversation.second()->raft.messages.size(), 5u);
    ASSERT_EQ(conversation.first()->raft.messages.size(), 4u);
    ASSERT_TRUE(conversation.NothingChanged());
    intact_ = none.frames;
    ASSERT_GE(intact_.size(), 15u);
  }

  void ExpectRefused(Damage* damage, size_t frame, size_t at) {
    Conversation conversation(damage, true, true);
    conversation.Talk();
    ASSERT_TRUE(damage->refused) << "frame " << frame << ", at " << at;
    ASSERT_TRUE(conversation.NothingChanged()) << "frame " << frame << ", at " << at;
  }

  std::vector<std::string> intact_;
};

TEST_F(SessionChecksumDamageTest, EveryFlippedBit) {
  for (size_t frame = 0; frame < intact_.size(); ++frame) {
    for (size_t bit = 0; bit < intact_[frame].size() * 8; ++bit) {
      Damage damage;
      damage.Flip(frame, bit);
      ASSERT_NO_FATAL_FAILURE(ExpectRefused(&damage, frame, bit));
    }
  }
}

TEST_F(SessionChecksumDamageTest, EveryTruncation) {
  for (size_t frame = 0; frame < intact_.size(); ++frame) {
    for (size_t size = 0; size < intact_[frame].size(); ++size) {
      Damage damage;
      damage.Cut(frame, size);
      ASSERT_NO_FATAL_FAILURE(ExpectRefused(&damage, frame, size));
    }
  }
}

// A dialler that gives up before our HELLO has come cannot know that we want checksums too.
class SessionChecksumGoawayTest : public testing::Test {
 protected:
  void SetUp() override {
    cluster_.Drive(&raw_);
    node_ = cluster_.Add(OptionsOf(2, true));
    node_->AddPeer(1, {});
    node_->Start();
    raw_.Dial(2);
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.up; }));
    Hello hello = raw_.MakeHello(2);
    hello.features |= kFeatureChecksum;
    raw_.SendHello(hello);
    ASSERT_TRUE(cluster_.RunUntil([&] { return raw_.Find(FrameType::kHello) != nullptr; }));
  }

  uint64_t Refused(CloseReason reason) {
    return node_->Describe().refused[static_cast<int>(reason)];
  }

  FakeCluster cluster_;
  RawPeer raw_{&cluster_.network, 1};
  FakeNode* node_ = nullptr;
};

TEST_F(SessionChecksumGoawayTest, WithoutATrailerIsUnderstood) {
  raw_.SendControl(FrameType::kGoaway, EncodeGoaway(CloseReason::kPeerStop, "stopping"));
  EXPECT_TRUE(cluster_.RunUntil([&] { return Refused(CloseReason::kPeerStop) == 1; }));
}

TEST_F(SessionChecksumGoawayTest, CommitWithoutATrailerIsRefused) {
  raw_.SendFence();
  EXPECT_TRUE(cluster_.RunUntil([&] { return Refused(CloseReason::kBadFrame) == 1; }));
}

}  // namespace
}  // namespace hawser
