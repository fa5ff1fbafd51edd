// Damage to a recorded link, HELLO, frames and all: cut at every byte and with every bit flipped.

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/codec/codec_test_util.h"
#include "tests/tools/streamdump/recording_maker.h"
#include "tools/streamdump/stream_walker.h"
#include "transport/recording/recording.h"

namespace hawser {
namespace {

// What reading a damaged recording gave.
struct Outcome {
  bool refused = false;
  size_t messages = 0;
  // Of those: not as they were sent; and of these, by one bit of payload.
  size_t changed = 0;
  size_t one_bit = 0;
};

Outcome Read(const std::string& file, const RecordingMaker& made) {
  Outcome outcome;
  RecordingReader reader(file);
  StreamWalker walker;
  absl::string_view frame;
  while (!outcome.refused && reader.Next(&frame)) {
    const std::string wrong = walker.Take(frame, [&](const StreamWalker::Message& message) {
      const size_t at = outcome.messages++;
      if (at >= made.messages().size()) {
        ++outcome.changed;
        return;
      }
      const ParsedLine& sent = made.messages()[at];
      if (message.decoded->group == sent.group() && message.decoded->message == sent.message()) {
        return;
      }
      ++outcome.changed;
      outcome.one_bit += message.decoded->group == sent.group() &&
                         DiffersInOneBit(sent.message(), message.decoded->message);
    });
    outcome.refused = !wrong.empty();
  }
  outcome.refused = outcome.refused || !reader.error().empty();
  return outcome;
}

struct Case {
  uint64_t seed;
  bool checksums;
};

class RecordingDamageTest : public testing::TestWithParam<Case> {
 protected:
  RecordingDamageTest() : made_(GetParam().seed, GetParam().checksums) { made_.MakeAll(); }

  RecordingMaker made_;
};

TEST_P(RecordingDamageTest, IntactIsRead) {
  const Outcome outcome = Read(made_.file(), made_);
  EXPECT_FALSE(outcome.refused);
  EXPECT_EQ(outcome.messages, made_.messages().size());
  EXPECT_EQ(outcome.changed, 0u);
}

TEST_P(RecordingDamageTest, EveryTruncationGivesWhatWasWhole) {
  // A recording may end behind any of its records, and nowhere else.
  RecordingReader reader(made_.file());
  absl::string_view frame;
  std::string ends(made_.file().size() + 1, '\0');
  ends[kRecordingMagic.size()] = 1;
  while (reader.Next(&frame)) {
    ends[static_cast<size_t>(frame.data() - made_.file().data()) + frame.size()] = 1;
  }
  for (size_t size = 0; size <= made_.file().size(); ++size) {
    const Outcome outcome = Read(made_.file().substr(0, size), made_);
    ASSERT_EQ(outcome.changed, 0u) << size;
    ASSERT_EQ(outcome.refused, ends[size] == 0) << size;
  }
}

TEST_P(RecordingDamageTest, EveryFlippedBit) {
  std::string damaged = made_.file();
  for (size_t bit = 0; bit < damaged.size() * 8; ++bit) {
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const Outcome outcome = Read(damaged, made_);
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    if (GetParam().checksums) {
      ASSERT_TRUE(outcome.refused) << "bit " << bit;
      ASSERT_EQ(outcome.changed, 0u) << "bit " << bit;
      continue;
    }
    // Without checksums: the flipped payload and nothing else, or no message changed at all (acks
    // and credit are numbers like any other).
    ASSERT_EQ(outcome.changed, outcome.one_bit) << "bit " << bit;
    ASSERT_EQ(outcome.changed, made_.IsPayload(bit / 8) ? 1u : 0u) << "bit " << bit;
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutChecksums, RecordingDamageTest,
                         testing::Values(Case{11, false}, Case{12, false}, Case{13, true},
                                         Case{14, true}));

}  // namespace
}  // namespace hawser
