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
    FramesReader reader(BytesOf(slice));
    absl::string_view read;
    ASSERT_TRUE(reader.Next(&read)) << bytes;
    EXPECT_EQ(read, std::string(bytes, 'f'));
    EXPECT_FALSE(reader.Next(&read));
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

TEST(ReceiveMemoryTest, OneSliceIsNotCopied) {
  ReceiveMemory memory;
  const grpc::Slice slice(std::string(100000, 'r'));
  grpc::ByteBuffer message(&slice, 1);
  ReceiveMemory::Buffer* buffer = memory.Take(&message);
  ASSERT_NE(buffer, nullptr);
  EXPECT_EQ(buffer->bytes().data(), BytesOf(slice).data());
  EXPECT_EQ(memory.copies(), 0u);
  buffer->Unref();
}

TEST(ReceiveMemoryTest, SeveralSlicesAreJoined) {
  ReceiveMemory memory;
  const grpc::Slice slices[] = {grpc::Slice("abc"), grpc::Slice(std::string(5000, 'd'))};
  grpc::ByteBuffer message(slices, 2);
  ReceiveMemory::Buffer* buffer = memory.Take(&message);
  ASSERT_NE(buffer, nullptr);
  EXPECT_EQ(buffer->bytes(), "abc" + std::string(5000, 'd'));
  EXPECT_EQ(memory.copies(), 1u);
  buffer->Unref();
}

TEST(ReceiveMemoryTest, LeaseOutlivesTheMemoryAndGoesOnAnotherThread) {
  auto memory = std::make_unique<ReceiveMemory>();
  const grpc::Slice slice(std::string("leased"));
  grpc::ByteBuffer message(&slice, 1);
  ReceiveMemory::Buffer* buffer = memory->Take(&message);
  Lease lease(buffer);
  memory.reset();
  EXPECT_EQ(buffer->bytes(), "leased");
  std::thread([&] { lease.Release(); }).join();
}

}  // namespace
}  // namespace hawser
