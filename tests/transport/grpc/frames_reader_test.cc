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

// What the reader takes out of `bytes` in chunks of at most `chunk_bytes`, with an empty one in
// front; `*ok` is its verdict.
std::vector<std::string> ReadChunks(absl::string_view bytes, size_t chunk_bytes, bool* ok) {
  std::vector<absl::string_view> chunks = {""};
  for (size_t at = 0; at < bytes.size(); at += chunk_bytes) {
    chunks.push_back(bytes.substr(at, chunk_bytes));
  }
  FramesReader reader(chunks);
  EXPECT_EQ(reader.total_bytes(), bytes.size());
  std::vector<std::string> frames;
  FramesReader::Place place;
  while (reader.Next(&place)) {
    std::string frame(place.bytes, '\0');
    reader.Copy(place, &frame[0]);
    if (reader.InOneChunk(place)) {
      EXPECT_EQ(chunks[place.chunk].substr(place.at, place.bytes), frame);
    }
    frames.push_back(frame);
  }
  *ok = reader.ok();
  return frames;
}

std::vector<std::string> ReadAll(absl::string_view bytes, bool* ok) {
  return ReadChunks(bytes, bytes.size() + 1, ok);
}

TEST(FramesReaderTest, FramesOfAllSizes) {
  for (size_t bytes : {1, 16, 127, 128, 16383, 16384, 2000000}) {
    const std::vector<std::string> frames = {std::string(bytes, 'a'), "b", std::string(bytes, 'c')};
    bool ok = false;
    EXPECT_EQ(ReadAll(Message(frames), &ok), frames);
    EXPECT_TRUE(ok);
  }
}

TEST(FramesReaderTest, ChunksMayEndAnywhere) {
  const std::vector<std::string> frames = {std::string(300, 'a'), "", "b", std::string(20000, 'c')};
  const std::string message = Message(frames);
  for (size_t chunk_bytes : {1, 2, 3, 7, 299, 300, 303, 304, 306, 1000, 20000}) {
    bool ok = false;
    EXPECT_EQ(ReadChunks(message, chunk_bytes, &ok), frames) << chunk_bytes;
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
    ReadChunks(both.substr(0, bytes), 1, &ok);
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
