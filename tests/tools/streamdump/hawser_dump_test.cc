#include "tools/streamdump/hawser_dump.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/tools/streamdump/recording_maker.h"
#include "tools/streamdump/message_line.h"

namespace hawser {
namespace {

std::vector<std::string> Dumped(absl::string_view recording, bool frames, DumpResult* result) {
  std::vector<std::string> lines;
  *result =
      DumpHawser(recording, frames, [&lines](absl::string_view line) { lines.emplace_back(line); });
  return lines;
}

std::string EncodedLines(const std::vector<std::string>& lines, DumpResult* result) {
  std::string out;
  *result = EncodeHawser(absl::StrJoin(lines, "\n"), [&out](absl::string_view bytes) {
    out.append(bytes.data(), bytes.size());
  });
  return out;
}

class HawserDumpTest : public testing::TestWithParam<bool> {};

TEST_P(HawserDumpTest, EveryMessageIsALine) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    RecordingMaker made(seed, GetParam());
    made.MakeAll();
    DumpResult result;
    const std::vector<std::string> lines = Dumped(made.file(), false, &result);
    ASSERT_EQ(result.error, "");
    ASSERT_EQ(lines.size(), made.messages().size());
    for (size_t at = 0; at < lines.size(); ++at) {
      ParsedLine line;
      ASSERT_TRUE(line.Parse(lines[at])) << line.error();
      EXPECT_EQ(line.message(), made.messages()[at].message()) << lines[at];
      EXPECT_EQ(line.group(), made.messages()[at].group());
    }
  }
}

TEST_P(HawserDumpTest, EncodeIsTheInverse) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    RecordingMaker made(seed, GetParam());
    made.MakeAll();
    for (const bool frames : {false, true}) {
      DumpResult result;
      const std::vector<std::string> lines = Dumped(made.file(), frames, &result);
      EXPECT_EQ(EncodedLines(lines, &result), made.file());
      EXPECT_EQ(result.error, "");
    }
  }
}

TEST_P(HawserDumpTest, FramesAreLinesWhenAskedFor) {
  RecordingMaker made(1, GetParam());
  made.MakeAll();
  DumpResult result;
  const std::string all = absl::StrJoin(Dumped(made.file(), true, &result), "\n");
  for (const char* part :
       {"\"frame_type\":\"hello\"", "\"node\":1,\"to_node\":2", "\"frame_type\":\"start\"",
        "\"frame_type\":\"fragment\"", "\"frame_type\":\"goaway\"", "\"pieces\":"}) {
    EXPECT_TRUE(absl::StrContains(all, part)) << part;
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutChecksums, HawserDumpTest, testing::Bool());

// Lines of etcd's stream, or written by hand, say nothing of frames.
TEST(HawserEncodeTest, MessagesAloneMakeARecording) {
  MessageMaker maker(5);
  std::vector<std::string> lines;
  std::vector<std::string> plain;
  for (int at = 0; at < 500; ++at) {
    const uint64_t group = maker.Below(3);
    const MessageView message = maker.Follow(group);
    lines.push_back(MessageLine({}, absl::StrCat("\"group\":", group), message));
    plain.push_back(MessageLine({}, "", message));
  }
  DumpResult result;
  const std::string recording = EncodedLines(lines, &result);
  ASSERT_EQ(result.error, "");
  const std::vector<std::string> dumped = Dumped(recording, false, &result);
  ASSERT_EQ(result.error, "");
  ASSERT_EQ(dumped.size(), lines.size());
  for (size_t at = 0; at < lines.size(); ++at) {
    ParsedLine line;
    ASSERT_TRUE(line.Parse(dumped[at]));
    EXPECT_EQ(MessageLine({}, "", line.message()), plain[at]);
    EXPECT_FALSE(absl::StrContains(dumped[at], "message_base64"));
  }
}

TEST(HawserEncodeTest, BadLinesAreNamed) {
  const char* const cases[] = {
      "{", "{\"type\":3,\"lane\":\"fast\"}", "{\"type\":3,\"header_base64\":\"AAAA\"}",
      // A header of two messages and one that follows.
      "{\"type\":3,\"lane\":\"append\",\"header_base64\":\"EQECAAEAAAAAAAAAAAIAAA==\"}",
      // type is present though zero, and is not zero.
      "{\"type\":3,\"zero_fields\":2}"};
  for (const char* line : cases) {
    DumpResult result;
    EncodedLines({line}, &result);
    EXPECT_TRUE(absl::StrContains(result.error, "line 1: ")) << line << result.error;
  }
}

TEST(HawserDumpTest, ItSaysWhereAndWhyItStops) {
  RecordingMaker made(2, false);
  made.Open();
  made.StartEpoch();
  made.Data(Lane::kAppend, 1);
  const size_t second = made.file().size();
  made.Data(Lane::kAppend, 1);
  DumpResult result;
  Dumped(absl::string_view(made.file()).substr(0, second + 2), false, &result);
  EXPECT_EQ(result.error,
            absl::StrCat("stopped at byte ", second, " of ", second + 2,
                         ", frame 4, behind 1 messages: truncated: 2 bytes are left, a record's "
                         "length takes 4"));
  std::string damaged = made.file();
  // The first byte of the second message.
  damaged[second + 20] ^= 1;
  Dumped(damaged, false, &result);
  EXPECT_TRUE(absl::StartsWith(result.error,
                               absl::StrCat("stopped at byte ", second + 4, " of ", damaged.size(),
                                            ", frame 4, behind 1 messages: bad_message: bad_tag")))
      << result.error;
}

TEST(HawserDumpTest, WhatNoStreamSaysIsRefused) {
  const struct {
    void (*make)(RecordingMaker*);
    const char* error;
  } cases[] = {{[](RecordingMaker* made) { made->StartEpoch(); }, "bad_hello"},
               {[](RecordingMaker* made) { made->Data(Lane::kAppend, 1); }, "bad_hello"},
               {[](RecordingMaker* made) {
                  made->Open();
                  made->Open();
                },
                "bad_hello"},
               {[](RecordingMaker* made) {
                  made->Open();
                  made->Data(Lane::kAppend, 1);
                },
                "bad_epoch: no START"},
               {[](RecordingMaker* made) {
                  made->Open();
                  made->StartEpoch();
                  made->Pieces(false);
                  made->Data(Lane::kAppend, 1);
                },
                "bad_frame: a message between the pieces"},
               {[](RecordingMaker* made) {
                  made->Open();
                  made->StartEpoch();
                  made->Pieces(false);
                  made->Control(FrameType::kSwitch, "abcd");
                },
                "bad_frame: SWITCH between"},
               {[](RecordingMaker* made) {
                  made->Open();
                  made->StartEpoch();
                  made->Control(FrameType::kSwitch, "abcd");
                  made->Data(Lane::kAppend, 1);
                },
                "bad_epoch: no START"},
               {[](RecordingMaker* made) {
                  made->Open();
                  made->Control(FrameType::kGoaway, "");
                  made->Control(FrameType::kGoaway, "");
                },
                "bad_frame"}};
  for (const auto& one : cases) {
    RecordingMaker made(3, false);
    one.make(&made);
    DumpResult result;
    Dumped(made.file(), false, &result);
    EXPECT_TRUE(absl::StrContains(result.error, one.error)) << result.error;
  }
}

}  // namespace
}  // namespace hawser
