// Memory that gRPC sends from and receives into: used again, and good after its owner went.

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "transport/grpc/frame_memory.h"
#include "transport/grpc/frames_reader.h"
#include "transport/grpc/receive_memory.h"

namespace hawser {
namespace {

absl::string_view BytesOf(const grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

TEST(FrameMemoryTest, SealedFrameIsAFieldOfFrames) {
  FrameMemory memory;
  for (size_t bytes : {1, 127, 128, 512, 513, 16384, 100000, 1024 * 1024}) {
    FrameBuffer frame = memory.Allocate(bytes);
    ASSERT_GE(frame.capacity, bytes);
    std::memset(frame.data, 'f', bytes);
    const grpc::Slice slice = FrameMemory::Seal(frame, bytes);
    const absl::string_view message = BytesOf(slice);
    FramesReader reader(absl::MakeConstSpan(&message, 1));
    FramesReader::Place place;
    ASSERT_TRUE(reader.Next(&place)) << bytes;
    EXPECT_EQ(message.substr(place.at, place.bytes), std::string(bytes, 'f'));
    EXPECT_FALSE(reader.Next(&place));
    EXPECT_TRUE(reader.ok());
  }
}

TEST(FrameMemoryTest, MemoryIsUsedAgainOnceGrpcIsDone) {
  FrameMemory memory;
  const FrameBuffer first = memory.Allocate(1000);
  FrameBuffer second;
  {
    const grpc::Slice slice = FrameMemory::Seal(first, 10);
    second = memory.Allocate(1000);
    EXPECT_NE(second.data, first.data);
  }
  const FrameBuffer third = memory.Allocate(1000);
  EXPECT_EQ(third.data, first.data);
  FrameMemory::Discard(second);
  FrameMemory::Discard(third);
}

TEST(FrameMemoryTest, SliceOutlivesTheMemoryAndGoesOnAnotherThread) {
  auto memory = std::make_unique<FrameMemory>();
  FrameBuffer frame = memory->Allocate(5);
  std::memcpy(frame.data, "hello", 5);
  auto slice = std::make_unique<grpc::Slice>(FrameMemory::Seal(frame, 5));
  memory.reset();
  EXPECT_EQ(BytesOf(*slice).substr(2), "hello");
  std::thread([&] { slice.reset(); }).join();
}

grpc::Slice SliceOf(const std::string& bytes) { return grpc::Slice(bytes); }

// A frame of `bytes` as a field of Frames.
std::string Field(const std::string& bytes) {
  std::string field = "\x0a";
  size_t length = bytes.size();
  for (; length >= 0x80; length >>= 7) field.push_back(static_cast<char>(length | 0x80));
  field.push_back(static_cast<char>(length));
  return field + bytes;
}

TEST(ReceiveMemoryTest, FramesInOneSliceAreLentWithoutACopy) {
  ReceiveMemory memory;
  const grpc::Slice slice = SliceOf(Field(std::string(50000, 'a')) + Field("b"));
  grpc::ByteBuffer message(&slice, 1);
  ReceiveMemory::Frames frames(&memory, &message);
  ReceiveBuffer* first;
  ReceiveBuffer* second;
  absl::string_view frame;
  ASSERT_TRUE(frames.Next(&first, &frame));
  EXPECT_EQ(frame.data(), BytesOf(slice).data() + 4);
  ASSERT_TRUE(frames.Next(&second, &frame));
  EXPECT_EQ(frame, "b");
  EXPECT_EQ(second, first);
  EXPECT_FALSE(frames.Next(&second, &frame));
  EXPECT_TRUE(frames.ok());
  EXPECT_EQ(memory.lent(), 2u);
  EXPECT_EQ(memory.copies(), 0u);
}

TEST(ReceiveMemoryTest, AFrameOverSeveralSlicesIsCopiedOnce) {
  ReceiveMemory memory;
  const std::string bytes = Field("small") + Field(std::string(5000, 'd')) + Field("last");
  for (int again = 0; again < 2; ++again) {
    const grpc::Slice slices[] = {SliceOf(bytes.substr(0, 20)), SliceOf(bytes.substr(20, 3000)),
                                  SliceOf(bytes.substr(3020))};
    grpc::ByteBuffer message(slices, 3);
    ReceiveMemory::Frames frames(&memory, &message);
    ReceiveBuffer* buffer;
    absl::string_view frame;
    ASSERT_TRUE(frames.Next(&buffer, &frame));
    EXPECT_EQ(frame, "small");
    ASSERT_TRUE(frames.Next(&buffer, &frame));
    EXPECT_EQ(frame, std::string(5000, 'd'));
    EXPECT_GE(buffer->pinned_bytes(), 5000u);
    ASSERT_TRUE(frames.Next(&buffer, &frame));
    EXPECT_EQ(frame, "last");
    EXPECT_FALSE(frames.Next(&buffer, &frame));
    EXPECT_TRUE(frames.ok());
  }
  EXPECT_EQ(memory.copies(), 2u);
  EXPECT_EQ(memory.lent(), 4u);
}

TEST(ReceiveMemoryTest, NoMessageIsNoFrames) {
  ReceiveMemory memory;
  grpc::ByteBuffer nothing;
  ReceiveMemory::Frames frames(&memory, &nothing);
  ReceiveBuffer* buffer;
  absl::string_view frame;
  EXPECT_FALSE(frames.Next(&buffer, &frame));
  EXPECT_FALSE(frames.ok());
}

// Both kinds: lent, and copied.
TEST(ReceiveMemoryTest, LeaseOutlivesTheMemoryAndGoesOnAnotherThread) {
  auto memory = std::make_unique<ReceiveMemory>();
  const std::string bytes = Field("leased") + Field(std::string(300, 'l'));
  const grpc::Slice slices[] = {SliceOf(bytes.substr(0, 100)), SliceOf(bytes.substr(100))};
  std::vector<Lease> leases;
  std::vector<absl::string_view> leased(2);
  {
    grpc::ByteBuffer message(slices, 2);
    ReceiveMemory::Frames frames(memory.get(), &message);
    ReceiveBuffer* buffer;
    for (absl::string_view& frame : leased) {
      ASSERT_TRUE(frames.Next(&buffer, &frame));
      buffer->Ref();
      leases.emplace_back(buffer);
    }
  }
  memory.reset();
  EXPECT_EQ(leased[0], "leased");
  EXPECT_EQ(leased[1], std::string(300, 'l'));
  std::thread([&] { leases.clear(); }).join();
}

}  // namespace
}  // namespace hawser
