// What transports record of their links over real gRPC is what was sent, and the codec's counters
// say the same.

#include "transport/recording/recording.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "codec/raftpb_wire.h"
#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"
#include "tools/streamdump/hawser_dump.h"
#include "tools/streamdump/message_line.h"
#include "tools/streamdump/stream_walker.h"
#include "transport/transport.h"

namespace hawser {
namespace {

constexpr int kAppends = 500;
constexpr uint64_t kGroups = 7;

std::string MakeDirectory(const std::string& name) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", name);
  mkdir(path.c_str(), 0700);
  return path;
}

// The files of `directory` whose names end with `suffix`, by their names.
std::vector<std::string> FilesOf(const std::string& directory, absl::string_view suffix) {
  std::vector<std::string> files;
  DIR* const open = opendir(directory.c_str());
  EXPECT_NE(open, nullptr);
  while (const dirent* entry = readdir(open)) {
    if (!absl::EndsWith(entry->d_name, suffix)) continue;
    std::ifstream in(absl::StrCat(directory, "/", entry->d_name), std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  closedir(open);
  return files;
}

// The messages of all recordings, without where they stood.
std::vector<std::string> MessagesOf(const std::vector<std::string>& files) {
  std::vector<std::string> messages;
  for (const std::string& file : files) {
    std::string lines;
    const DumpResult result = DumpHawser(file, false, [&](absl::string_view line) {
      ParsedLine parsed;
      ASSERT_TRUE(parsed.Parse(line));
      messages.push_back(
          MessageLine({}, absl::StrCat("\"group\":", parsed.group()), parsed.message()));
      absl::StrAppend(&lines, line, "\n");
    });
    EXPECT_EQ(result.error, "");
    if (lines.empty()) continue;
    std::string again;
    EncodeHawser(lines, [&](absl::string_view bytes) { absl::StrAppend(&again, bytes); });
    EXPECT_EQ(again, file);
  }
  return messages;
}

// Two nodes that record their links.
struct Pair {
  Pair(const std::string& name, bool checksums) {
    for (int i = 0; i < 2; ++i) {
      Options options;
      options.node_id = i + 1;
      options.cluster_id = "test";
      options.peer_silent_ms = 10000;
      options.checksums = checksums;
      options.record_directory = directories[i] = MakeDirectory(absl::StrCat(name, i + 1));
      nodes[i] = *Transport::Create(options, &raft[i]);
    }
  }

  void Connect() {
    for (auto& node : nodes) ASSERT_TRUE(node->Start().ok());
    ASSERT_TRUE(nodes[0]->AddPeer(2, {nodes[1]->listen_address()}).ok());
    ASSERT_TRUE(nodes[1]->AddPeer(1, {}).ok());
    for (RecordingRaft& one : raft) {
      ASSERT_TRUE(one.WaitFor([&](const Recorded& seen) { return seen.up.size() == 1; }));
    }
  }

  // The recordings are whole then.
  void Stop() {
    for (auto& node : nodes) node->Stop(absl::ZeroDuration());
    for (auto& node : nodes) node.reset();
  }

  RecordingRaft raft[2];
  std::unique_ptr<Transport> nodes[2];
  std::string directories[2];
};

TEST(RecordingIntegrationTest, BothEndsRecordWhatWasSent) {
  Pair pair("both", false);
  ASSERT_NO_FATAL_FAILURE(pair.Connect());
  auto& raft = pair.raft;
  auto& nodes = pair.nodes;
  std::vector<std::string> sent;
  uint64_t raftpb_bytes = 0;
  for (int i = 0; i < kAppends; ++i) {
    // A message that is larger than a frame now and then.
    const TestAppend append(i / kGroups, std::string(i % 100 == 50 ? 300000 : i % 300, 'x'));
    ASSERT_EQ(nodes[0]->Send(2, i % kGroups, append.view()), SendResult::kAccepted);
    sent.push_back(MessageLine({}, absl::StrCat("\"group\":", i % kGroups), append.view()));
    raftpb_bytes += RaftpbSize(append.view());
  }
  ASSERT_TRUE(
      raft[1].WaitFor([&](const Recorded& seen) { return seen.messages.size() == kAppends; }));
  const auto app = static_cast<size_t>(MessageType::kApp);
  const CodecTally out = nodes[0]->Describe().peers[0].codec_sent[app];
  const CodecTally in = nodes[1]->Describe().peers[0].codec_received[app];
  pair.Stop();

  for (const CodecTally& tally : {out, in}) {
    EXPECT_EQ(tally.predicted + tally.missed, uint64_t{kAppends});
    // The first of each group, and what is too long for a short form.
    EXPECT_EQ(tally.missed, kGroups + kAppends / 100);
    EXPECT_EQ(tally.raftpb_bytes, raftpb_bytes);
    EXPECT_LT(tally.bytes, raftpb_bytes);
    EXPECT_EQ(tally.bytes, out.bytes);
  }
  EXPECT_EQ(MessagesOf(FilesOf(pair.directories[0], ".sent")), sent);
  EXPECT_EQ(MessagesOf(FilesOf(pair.directories[1], ".received")), sent);
  EXPECT_EQ(FilesOf(pair.directories[0], ".sent"), FilesOf(pair.directories[1], ".received"));
}

// Reads up to the first damage. True: there was some, and what came before it is as it was sent.
bool RefusedUnchanged(const std::string& file, const std::deque<ParsedLine>& sent) {
  RecordingReader reader(file);
  StreamWalker walker;
  absl::string_view frame;
  size_t messages = 0;
  bool unchanged = true;
  while (reader.Next(&frame)) {
    const std::string wrong = walker.Take(frame, [&](const StreamWalker::Message& message) {
      unchanged = unchanged && messages < sent.size() &&
                  message.decoded->group == sent[messages].group() &&
                  message.decoded->message == sent[messages].message();
      ++messages;
    });
    if (!wrong.empty()) return unchanged;
  }
  return unchanged && !reader.error().empty();
}

// The messages of an intact recording.
std::deque<ParsedLine> ParsedLinesOf(const std::string& file) {
  std::deque<ParsedLine> lines;
  const DumpResult result = DumpHawser(file, false, [&lines](absl::string_view line) {
    lines.emplace_back();
    EXPECT_TRUE(lines.back().Parse(line));
  });
  EXPECT_EQ(result.error, "");
  return lines;
}

TEST(RecordingIntegrationTest, WithChecksumsNoFlippedBitPasses) {
  Pair pair("checksums", true);
  ASSERT_NO_FATAL_FAILURE(pair.Connect());
  for (int i = 0; i < 10; ++i) {
    const TestAppend append(i / 2, std::string(i, 'x'));
    ASSERT_EQ(pair.nodes[0]->Send(2, i % 2, append.view()), SendResult::kAccepted);
    ASSERT_EQ(pair.nodes[1]->Send(1, i % 2, TestMessage(MessageType::kAppResp, i)),
              SendResult::kAccepted);
  }
  for (RecordingRaft& raft : pair.raft) {
    ASSERT_TRUE(raft.WaitFor([&](const Recorded& seen) { return seen.messages.size() == 10; }));
  }
  pair.Stop();
  for (const char* direction : {".sent", ".received"}) {
    const std::vector<std::string> files = FilesOf(pair.directories[0], direction);
    ASSERT_EQ(files.size(), 1u);
    std::string file = files[0];
    const std::deque<ParsedLine> sent = ParsedLinesOf(file);
    EXPECT_EQ(sent.size(), 10u);
    EXPECT_FALSE(RefusedUnchanged(file, sent));
    for (size_t bit = 0; bit < file.size() * 8; ++bit) {
      file[bit / 8] ^= static_cast<char>(1 << bit % 8);
      ASSERT_TRUE(RefusedUnchanged(file, sent)) << direction << " bit " << bit;
      file[bit / 8] ^= static_cast<char>(1 << bit % 8);
    }
  }
}

TEST(RecordingIntegrationTest, DirectoryThatIsNotThereIsRefused) {
  RecordingRaft raft;
  Options options;
  options.node_id = 1;
  options.cluster_id = "test";
  options.record_directory = testing::TempDir() + "/not/there";
  const absl::Status status = Transport::Create(options, &raft).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "record_directory")) << status;
}

}  // namespace
}  // namespace hawser
