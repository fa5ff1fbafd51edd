#include "tools/streamdump/msgapp_v2_dump.h"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tools/streamdump/json_reader.h"
#include "tools/streamdump/message_line.h"

namespace hawser {
namespace {

std::string ReadFile(const std::string& name) {
  std::ifstream in("tests/golden/msgapp_v2/" + name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

class GoldenSet {
 public:
  explicit GoldenSet(const std::string& name)
      : stream(ReadFile(name + "/stream.bin")), lines(ReadFile(name + "/messages.jsonl")) {
    const std::string meta = ReadFile(name + "/meta.json");
    JsonReader json(meta);
    json.Object([this, &json](absl::string_view key) {
      if (key == "receiver_id") {
        local = json.Number();
      } else if (key == "sender_id") {
        remote = json.Number();
      } else {
        json.Skip();
      }
    });
    EXPECT_FALSE(json.failed());
  }

  std::vector<std::string> Dumped(absl::string_view bytes, DumpResult* result) const {
    std::vector<std::string> out;
    *result = DumpMsgAppV2(bytes, local, remote,
                           [&out](absl::string_view line) { out.emplace_back(line); });
    return out;
  }

  std::string stream;
  std::string lines;
  uint64_t local = 0;
  uint64_t remote = 0;
};

std::string EncodedLines(absl::string_view lines) {
  std::string out;
  const DumpResult result = EncodeMsgAppV2(
      lines, [&out](absl::string_view bytes) { out.append(bytes.data(), bytes.size()); });
  EXPECT_EQ(result.error, "");
  return out;
}

class MsgAppV2GoldenTest : public testing::TestWithParam<const char*> {};

TEST_P(MsgAppV2GoldenTest, EveryMessageIsReadAsItWasSent) {
  const GoldenSet set(GetParam());
  DumpResult result;
  const std::vector<std::string> dumped = set.Dumped(set.stream, &result);
  EXPECT_EQ(result.error, "");
  const std::vector<std::string> sent = absl::StrSplit(set.lines, '\n', absl::SkipEmpty());
  ASSERT_EQ(dumped.size(), sent.size());
  for (size_t at = 0; at < sent.size(); ++at) {
    ParsedLine mine;
    ParsedLine theirs;
    ASSERT_TRUE(mine.Parse(dumped[at])) << mine.error();
    ASSERT_TRUE(theirs.Parse(sent[at])) << theirs.error();
    const bool lossy = absl::StrContains(sent[at], "\"lossy\":true");
    EXPECT_EQ(mine.message() == theirs.message(), !lossy) << sent[at];
    EXPECT_EQ(mine.place().offset, theirs.place().offset);
    EXPECT_EQ(mine.place().length, theirs.place().length);
  }
}

TEST_P(MsgAppV2GoldenTest, EveryMessageIsWrittenAsEtcdWritesIt) {
  const GoldenSet set(GetParam());
  EXPECT_EQ(EncodedLines(set.lines), set.stream);
}

TEST_P(MsgAppV2GoldenTest, EncodeIsTheInverseOfDump) {
  const GoldenSet set(GetParam());
  // Link heartbeats may stand anywhere between frames.
  const std::string stream =
      absl::StrCat(absl::string_view("\0\0", 2), set.stream, absl::string_view("\0", 1));
  DumpResult result;
  std::string lines;
  for (const std::string& line : set.Dumped(stream, &result)) {
    absl::StrAppend(&lines, line, "\n");
  }
  EXPECT_EQ(EncodedLines(lines), stream);
}

TEST_P(MsgAppV2GoldenTest, TruncatedStreamSaysWhereItStops) {
  const GoldenSet set(GetParam());
  DumpResult whole;
  const std::vector<std::string> all = set.Dumped(set.stream, &whole);
  for (size_t size = 0; size < set.stream.size(); ++size) {
    DumpResult result;
    const std::vector<std::string> some =
        set.Dumped(absl::string_view(set.stream).substr(0, size), &result);
    ASSERT_LE(some.size(), all.size());
    size_t end = 0;
    for (size_t at = 0; at < some.size(); ++at) {
      ASSERT_EQ(some[at], all[at]);
      ParsedLine line;
      ASSERT_TRUE(line.Parse(some[at]));
      end = line.place().offset + line.place().length;
    }
    EXPECT_EQ(result.error.empty(), end == size);
    if (end != size) {
      EXPECT_TRUE(absl::StrContains(result.error, absl::StrCat("stopped at byte ", end, " of")));
      EXPECT_TRUE(absl::StrContains(result.error, "truncated"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, MsgAppV2GoldenTest, testing::Values("main", "zero", "lossy"));

// A snapshot, a vote or a field of a later version: the line alone would not give it back.
TEST(MsgAppV2DumpTest, FramesThatEtcd34WouldWriteOtherwiseAreKept) {
  const std::string frames[] = {
      // {type: MsgApp, term: 2, vote: 0}: zeros left out, a vote present.
      std::string("\x02\0\0\0\0\0\0\0\x06\x08\x03\x20\x02\x68\0", 15),
      // An append whose entry leaves out its type.
      std::string("\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\x18\x01\0\0\0\0\0\0\0\x09", 27)};
  for (const std::string& frame : frames) {
    std::string lines;
    const DumpResult result = DumpMsgAppV2(
        frame, 1, 2, [&lines](absl::string_view line) { absl::StrAppend(&lines, line, "\n"); });
    EXPECT_EQ(result.error, "");
    EXPECT_TRUE(absl::StrContains(lines, "frame_base64"));
    EXPECT_EQ(EncodedLines(lines), frame);
  }
}

TEST(MsgAppV2DumpTest, HostileCountsAndLengthsAreRefused) {
  const std::string frames[] = {
      std::string("\x01\xff\xff\xff\xff\xff\xff\xff\xff", 9),
      std::string("\x01\0\0\0\0\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff", 17),
      std::string("\x02\xff\xff\xff\xff\xff\xff\xff\xff\x08", 10), std::string("\x03", 1)};
  for (const std::string& frame : frames) {
    EXPECT_NE(DumpMsgAppV2(frame, 1, 2, [](absl::string_view) {}).error, "");
  }
}

TEST(MsgAppV2DumpTest, BadLinesAreNamed) {
  const char* const cases[] = {"{",
                               "[]",
                               "{\"type\":24}",
                               "{\"term\":18446744073709551616}",
                               "{\"term\":1.5}",
                               "{\"entries\":[{\"data_base64\":\"!\"}]}",
                               "{\"offset\":99999999999}",
                               "{} x"};
  for (const char* line : cases) {
    const DumpResult result = EncodeMsgAppV2(line, [](absl::string_view) {});
    EXPECT_TRUE(absl::StrContains(result.error, "line 1: ")) << line;
  }
}

}  // namespace
}  // namespace hawser
