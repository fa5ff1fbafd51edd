// Frames out of a gRPC message, and bytes that are none.

#include "transport/grpc/frames_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "transport/grpc/transport.pb.h"

namespace hawser {
namespace {

std::string Message(const std::vector<std::string>& frames) {
  transport::v1::Frames message;
  for (const std::string& frame : frames) message.add_frame(frame);
  return message.SerializeAsString();
}

// What the reader takes out; `*ok` is its verdict.
std::vector<std::string> ReadAll(absl::string_view bytes, bool* ok) {
  FramesReader reader(bytes);
  std::vector<std::string> frames;
  absl::string_view frame;
  while (reader.Next(&frame)) frames.emplace_back(frame);
  *ok = reader.ok();
  return frames;
}

TEST(FramesReaderTest, FramesOfAllSizes) {
  for (size_t bytes : {1, 16, 127, 128, 16383, 16384, 2000000}) {
    const std::vector<std::string> frames = {std::string(bytes, 'a'), "b", std::string(bytes, 'c')};
    bool ok = false;
    EXPECT_EQ(ReadAll(Message(frames), &ok), frames);
    EXPECT_TRUE(ok);
  }
}

TEST(FramesReaderTest, NoBytesAreNoFrames) {
  bool ok = true;
  EXPECT_TRUE(ReadAll("", &ok).empty());
  EXPECT_FALSE(ok);
}

TEST(FramesReaderTest, CutAnywhereButBetweenFrames) {
  const std::string first = Message({"first frame"});
  const std::string both = first + Message({"second frame"});
  for (size_t bytes = 1; bytes < both.size(); ++bytes) {
    bool ok = false;
    ReadAll(both.substr(0, bytes), &ok);
    EXPECT_EQ(ok, bytes == first.size()) << bytes;
  }
}

TEST(FramesReaderTest, AnotherFieldOrWireType) {
  for (const char tag : {'\x08', '\x09', '\x0b', '\x0d', '\x12', '\x00'}) {
    std::string message = Message({"frame"});
    message[0] = tag;
    bool ok = true;
    EXPECT_TRUE(ReadAll(message, &ok).empty());
    EXPECT_FALSE(ok) << static_cast<int>(tag);
  }
}

TEST(FramesReaderTest, LengthBeyondTheEnd) {
  for (const std::string& bytes : {std::string("\x0a\x7f"), std::string("\x0a\xff\xff\xff\xff\x0f"),
                                   std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
                                   std::string("\x0a\x80"), std::string("\x0a")}) {
    bool ok = true;
    EXPECT_TRUE(ReadAll(bytes, &ok).empty());
    EXPECT_FALSE(ok);
  }
}

TEST(FramesReaderTest, EmptyFrameIsGivenOn) {
  bool ok = false;
  EXPECT_EQ(ReadAll(Message({""}), &ok), std::vector<std::string>{""});
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace hawser
