#ifndef HAWSER_TESTS_SUPPORT_RAW_FRAMES_H_
#define HAWSER_TESTS_SUPPORT_RAW_FRAMES_H_

// Frames put together by hand, for peers that do not keep the rules.

#include <string>

#include "absl/strings/string_view.h"
#include "transport/frame.h"
#include "transport/hello.h"

namespace hawser {

struct RawFrame {
  FrameHeader header;
  std::string body;
};

// A whole frame, header filled as `header` says.
std::string RawFrameBytes(const FrameHeader& header, absl::string_view body);

// A control frame before anything was sequenced.
std::string RawControlFrame(FrameType type, absl::string_view body, uint32_t credit = 512);

// Bodies of the fixed control frames.
std::string StartBody(uint32_t epoch, uint32_t fence);
std::string FenceBody(uint32_t epoch, uint32_t sequence, uint32_t fence);

// A good hello of node `from` of the cluster "test", with the default limits.
Hello RawHello(NodeId from, NodeId to, uint64_t incarnation);

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_RAW_FRAMES_H_
