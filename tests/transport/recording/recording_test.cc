#include "transport/recording/recording.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace hawser {
namespace {

std::string Record(absl::string_view frame) {
  char head[kRecordHeadBytes];
  EncodeRecordHead(frame.size(), head);
  return absl::StrCat(absl::string_view(head, sizeof(head)), frame);
}

std::vector<std::string> FramesOf(absl::string_view file, std::string* error) {
  RecordingReader reader(file);
  std::vector<std::string> frames;
  absl::string_view frame;
  while (reader.Next(&frame)) frames.emplace_back(frame);
  *error = reader.error();
  return frames;
}

TEST(RecordingTest, FramesComeBackInOrder) {
  const std::string file = absl::StrCat(kRecordingMagic, Record("one"), Record(""), Record("two"));
  std::string error;
  EXPECT_EQ(FramesOf(file, &error), (std::vector<std::string>{"one", "", "two"}));
  EXPECT_EQ(error, "");
}

TEST(RecordingTest, WhatIsCutOffIsSaid) {
  const std::string file = absl::StrCat(kRecordingMagic, Record("one"), Record("two"));
  for (size_t size = 0; size < file.size(); ++size) {
    std::string error;
    const std::vector<std::string> frames =
        FramesOf(absl::string_view(file).substr(0, size), &error);
    const bool between_records = size == kRecordingMagic.size() || size == file.size() - 7;
    EXPECT_EQ(error.empty(), between_records) << size;
    EXPECT_EQ(frames.size(), size >= file.size() - 7 ? 1u : 0u);
  }
}

// A length of 4 GiB takes no memory: frames are views of the file.
TEST(RecordingTest, HugeLengthIsRefused) {
  std::string error;
  EXPECT_TRUE(FramesOf(absl::StrCat(kRecordingMagic, "\xff\xff\xff\xff", "x"), &error).empty());
  EXPECT_NE(error, "");
}

}  // namespace
}  // namespace hawser
