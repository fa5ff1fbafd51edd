// Pieces of a large message: joined when they follow each other, refused when they do not.

#include "transport/fragment_joiner.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>

#include "base/little_endian.h"

namespace hawser {
namespace {

constexpr size_t kBytesMax = 1000;

class FragmentJoinerTest : public ::testing::Test {
 protected:
  CloseReason Add(uint16_t count, bool last, absl::string_view bytes, uint32_t total = 0) {
    FrameHeader header;
    header.type = FrameType::kFragment;
    header.count = count;
    header.first = count == 0;
    header.last = last;
    std::string body;
    if (header.first) {
      body.resize(4);
      StoreLittle<uint32_t>(total, &body[0]);
    }
    body.append(bytes.data(), bytes.size());
    return joiner_.Add(header, body, kBytesMax);
  }
  std::string Take() {
    absl::string_view message;
    Lease lease(joiner_.Take(&message));
    return std::string(message);
  }

  FragmentJoiner joiner_;
};

TEST_F(FragmentJoinerTest, JoinsPieces) {
  EXPECT_FALSE(joiner_.busy());
  EXPECT_EQ(Add(0, false, "ab", 5), CloseReason::kNone);
  EXPECT_TRUE(joiner_.busy());
  EXPECT_FALSE(joiner_.complete());
  EXPECT_EQ(Add(1, false, "c"), CloseReason::kNone);
  EXPECT_EQ(Add(2, true, "de"), CloseReason::kNone);
  ASSERT_TRUE(joiner_.complete());
  EXPECT_EQ(Take(), "abcde");
  EXPECT_FALSE(joiner_.busy());
  EXPECT_EQ(Add(0, true, "next", 4), CloseReason::kNone);
  EXPECT_EQ(Take(), "next");
}

TEST_F(FragmentJoinerTest, OverTheLimit) {
  EXPECT_EQ(Add(0, false, "a", kBytesMax + 1), CloseReason::kMessageTooLarge);
  EXPECT_FALSE(joiner_.busy());
}

TEST_F(FragmentJoinerTest, ExactlyTheLimit) {
  EXPECT_EQ(Add(0, true, std::string(kBytesMax, 'x'), kBytesMax), CloseReason::kNone);
  EXPECT_EQ(Take().size(), kBytesMax);
}

TEST_F(FragmentJoinerTest, MessageOfNoBytes) {
  EXPECT_EQ(Add(0, true, "a", 0), CloseReason::kBadFrame);
}

TEST_F(FragmentJoinerTest, MiddleWithoutAFirst) {
  EXPECT_EQ(Add(1, false, "a"), CloseReason::kBadFrame);
}

TEST_F(FragmentJoinerTest, FirstInTheMiddle) {
  EXPECT_EQ(Add(0, false, "a", 5), CloseReason::kNone);
  EXPECT_EQ(Add(0, false, "a", 5), CloseReason::kBadFrame);
}

TEST_F(FragmentJoinerTest, PieceThatWasLeftOutOrCameTwice) {
  EXPECT_EQ(Add(0, false, "a", 5), CloseReason::kNone);
  EXPECT_EQ(Add(2, false, "b"), CloseReason::kBadFrame);
  joiner_.Reset();
  EXPECT_EQ(Add(0, false, "a", 5), CloseReason::kNone);
  EXPECT_EQ(Add(1, false, "b"), CloseReason::kNone);
  EXPECT_EQ(Add(1, false, "b"), CloseReason::kBadFrame);
}

TEST_F(FragmentJoinerTest, LongerThanTold) {
  EXPECT_EQ(Add(0, false, "abc", 5), CloseReason::kNone);
  EXPECT_EQ(Add(1, true, "defg"), CloseReason::kBadFrame);
}

TEST_F(FragmentJoinerTest, LastPieceAndLastByteComeTogether) {
  EXPECT_EQ(Add(0, true, "abc", 5), CloseReason::kBadFrame);
  joiner_.Reset();
  EXPECT_EQ(Add(0, false, "abcde", 5), CloseReason::kBadFrame);
}

TEST_F(FragmentJoinerTest, ResetInTheMiddle) {
  EXPECT_EQ(Add(0, false, "a", 5), CloseReason::kNone);
  joiner_.Reset();
  EXPECT_FALSE(joiner_.busy());
  EXPECT_EQ(Add(0, true, "ok", 2), CloseReason::kNone);
  EXPECT_EQ(Take(), "ok");
}

TEST_F(FragmentJoinerTest, BlockIsReleasedOnAnotherThread) {
  ASSERT_EQ(Add(0, true, "abc", 3), CloseReason::kNone);
  absl::string_view message;
  Lease lease(joiner_.Take(&message));
  EXPECT_GE(lease.pinned_bytes(), 3u);
  std::thread([moved = std::move(lease)]() mutable { moved.Release(); }).join();
}

TEST_F(FragmentJoinerTest, UnfinishedMessageIsFreedWithTheJoiner) {
  EXPECT_EQ(Add(0, false, "a", kBytesMax), CloseReason::kNone);  // the sanitizers watch
}

}  // namespace
}  // namespace hawser
