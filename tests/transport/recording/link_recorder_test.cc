#include "transport/recording/link_recorder.h"

#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "gtest/gtest.h"
#include "transport/recording/recording.h"

namespace hawser {
namespace {

std::string MakeDirectory(absl::string_view name) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", name);
  mkdir(path.c_str(), 0700);
  return path;
}

std::vector<std::string> FramesIn(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  const std::string file((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  RecordingReader reader(file);
  std::vector<std::string> frames;
  absl::string_view frame;
  while (reader.Next(&frame)) frames.emplace_back(frame);
  EXPECT_EQ(reader.error(), "");
  return frames;
}

TEST(LinkRecorderTest, EachLinkAndDirectionHasItsFile) {
  const std::string directory = MakeDirectory("each");
  LinkRecorder recorder(directory);
  recorder.OnSent(1, LinkKind::kGrpc, "hello");
  recorder.OnReceived(1, LinkKind::kGrpc, "hello back");
  recorder.OnSent(2, LinkKind::kRdma, "other");
  recorder.OnSent(1, LinkKind::kGrpc, "data");
  recorder.OnEnd(1);
  recorder.OnEnd(2);
  EXPECT_EQ(FramesIn(directory + "/link1-grpc.sent"), (std::vector<std::string>{"hello", "data"}));
  EXPECT_EQ(FramesIn(directory + "/link1-grpc.received"), std::vector<std::string>{"hello back"});
  EXPECT_EQ(FramesIn(directory + "/link2-rdma.sent"), std::vector<std::string>{"other"});
  struct stat status = {};
  ASSERT_EQ(stat((directory + "/link1-grpc.sent").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(LinkRecorderTest, FileEndsAtAWholeFrameWithinItsLimit) {
  const std::string directory = MakeDirectory("limit");
  {
    LinkRecorder recorder(directory, 40);
    for (int at = 0; at < 10; ++at) recorder.OnSent(1, LinkKind::kGrpc, "12345678");
  }
  EXPECT_EQ(FramesIn(directory + "/link1-grpc.sent").size(), 2u);
}

std::string logged;

TEST(LinkRecorderTest, WhatCannotBeWrittenIsLoggedOnceAndLeft) {
  logged.clear();
  SetLogSink([](absl::string_view line) { absl::StrAppend(&logged, line, "\n"); });
  {
    LinkRecorder missing(testing::TempDir() + "/there/is/none");
    missing.OnSent(1, LinkKind::kGrpc, "hello");
    missing.OnSent(1, LinkKind::kGrpc, "data");
  }
  SetLogSink(nullptr);
  EXPECT_NE(logged.find("link1-grpc.sent is given up: No such file or directory\n"),
            std::string::npos);
  EXPECT_EQ(logged.find("given up"), logged.rfind("given up"));
}

}  // namespace
}  // namespace hawser
