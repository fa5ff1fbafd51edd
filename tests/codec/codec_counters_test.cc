// What the codec counts: predicted and missed, bytes as sent and as raftpb would have them.

#include <string>
#include <vector>

#include "codec/message_codec.h"
#include "codec/raftpb_wire.h"
#include "gtest/gtest.h"
#include "tests/codec/codec_test_util.h"
#include "tests/codec/message_maker.h"

namespace hawser {
namespace {

constexpr int kApp = static_cast<int>(MessageType::kApp);

TEST(CodecCountersTest, PredictedIsToldFromMissed) {
  MessageMaker maker(14);
  CodecPair pair;
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(pair.RoundTrip(0, maker.Append(0, 1, 10)));
  }
  for (const CodecCounters* counters : {&pair.encoder.counters(), &pair.decoder.counters()}) {
    const CodecCounters::Kind& kind = counters->kinds[kApp];
    EXPECT_EQ(kind.missed, 1u);
    EXPECT_EQ(kind.predicted, 4u);
    EXPECT_GT(kind.bytes, 5 * 10u);
  }
}

// A follower's log that grows; counts each message at both ends.
class GrowingLog {
 public:
  GrowingLog(uint64_t index, uint64_t commit, bool zeros)
      : index_(index), commit_(commit), zeros_(zeros), payload_(1 << 16, 'x') {}

  void Append(const std::vector<size_t>& sizes, uint64_t committed) {
    std::vector<EntryView> entries;
    MessageView message;
    message.type = MessageType::kApp;
    message.from = 1;
    message.to = 2;
    message.term = message.log_term = 200;
    message.index = index_;
    message.commit = commit_ += committed;
    message.zero_fields = zeros_ ? 1 << 10 | 1 << 11 : 0;
    for (const size_t size : sizes) {
      EntryView entry;
      entry.term = 200;
      entry.index = ++index_;
      entry.zero_fields = zeros_ ? 1 << 1 : 0;
      entry.data = absl::string_view(payload_).substr(0, size);
      entries.push_back(entry);
    }
    message.entries = entries;
    sum_ += RaftpbSize(message);
    ASSERT_TRUE(pair_.RoundTrip(0, message));
    ASSERT_EQ(pair_.encoder.counters().kinds[kApp].raftpb_bytes, sum_)
        << "index " << index_ << " of " << sizes.size();
    ASSERT_EQ(pair_.decoder.counters().kinds[kApp].raftpb_bytes, sum_)
        << "index " << index_ << " of " << sizes.size();
  }

  uint64_t predicted() const { return pair_.encoder.counters().kinds[kApp].predicted; }

 private:
  uint64_t index_;
  uint64_t commit_;
  const bool zeros_;
  const std::string payload_;
  CodecPair pair_;
  uint64_t sum_ = 0;
};

// Lengths whose own length takes a byte more, alone and in runs.
TEST(CodecCountersTest, RaftpbBytesAreExactForEveryLength) {
  std::vector<size_t> sizes = {0, 1, 64, 254, 255, 256, 257};
  for (const size_t from : {95, 16250}) {
    for (size_t size = from; size < from + 150; ++size) sizes.push_back(size);
  }
  for (const bool zeros : {false, true}) {
    GrowingLog log(1000, 900, zeros);
    for (const size_t size : sizes) {
      for (const size_t count : {1, 1, 2, 3, 9})
        log.Append(std::vector<size_t>(count, size), count);
      for (const size_t count : {2, 5, 7, 17}) {
        std::vector<size_t> mixed(count, size);
        for (size_t at = 0; at < count; at += 2) mixed[at] += 1 + at;
        log.Append(mixed, count);
      }
    }
    EXPECT_GT(log.predicted(), sizes.size() * 8);
  }
}

// A number that is 0 is left out of raftpb, or there as a 0.
TEST(CodecCountersTest, RaftpbBytesAreExactAmongSmallNumbers) {
  for (const bool zeros : {false, true}) {
    for (const uint64_t index : {0, 1, 2}) {
      for (const uint64_t commit : {0, 1, 5}) {
        GrowingLog log(index, commit, zeros);
        for (int round = 0; round < 5; ++round) log.Append({64}, 0);
        for (int round = 0; round < 5; ++round) log.Append({64}, 1);
        log.Append({64}, 0 - (commit + 5));
        for (int round = 0; round < 5; ++round) log.Append({64, 3}, 1);
        log.Append({64, 64}, uint64_t{0} - 5);
        for (int round = 0; round < 300; ++round) log.Append({120}, 1);
      }
    }
  }
}

// Indexes that take a byte more, or pass 2^64, in the midst of a run and between messages.
TEST(CodecCountersTest, RaftpbBytesAreExactWhereIndexesGrow) {
  for (const uint64_t limit :
       {uint64_t{1} << 7, uint64_t{1} << 14, uint64_t{1} << 63, uint64_t{0}}) {
    for (const uint64_t behind : {0, 1, 2, 5}) {
      GrowingLog log(limit - 20, limit - 20 - behind, false);
      for (int round = 0; round < 40; ++round) log.Append({64}, 1);
      GrowingLog runs(limit - 30, limit - 30 - behind, false);
      for (int round = 0; round < 10; ++round) {
        runs.Append({1, 2, 3, 4, 5, 120, 130}, 7);
        runs.Append({100}, 1);
        runs.Append({}, 0);
      }
    }
  }
}

TEST(CodecCountersTest, CommitThatJumpsIsCounted) {
  GrowingLog log(1 << 20, 100, false);
  for (const uint64_t committed : {1, 1, 27, 1, 100, 120, 16000, 1, 300000, 1, 1}) {
    log.Append({64}, committed);
  }
}

}  // namespace
}  // namespace hawser
