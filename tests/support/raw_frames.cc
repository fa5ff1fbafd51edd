#include "tests/support/raw_frames.h"

#include <initializer_list>

#include "base/little_endian.h"
#include "transport/options.h"

namespace hawser {
namespace {

std::string Words(std::initializer_list<uint32_t> words) {
  std::string body;
  for (const uint32_t word : words) {
    char bytes[sizeof(word)];
    StoreLittle<uint32_t>(word, bytes);
    body.append(bytes, sizeof(bytes));
  }
  return body;
}

}  // namespace

std::string RawFrameBytes(const FrameHeader& header, absl::string_view body) {
  std::string frame(kFrameHeaderBytes, '\0');
  EncodeFrameHeader(header, &frame[0]);
  frame.append(body.data(), body.size());
  return frame;
}

std::string StartBody(uint32_t epoch, uint32_t fence) {
  return Words({epoch, fence}).substr(0, FixedBodyBytes(FrameType::kStart));
}

std::string FenceBody(uint32_t epoch, uint32_t sequence, uint32_t fence) {
  return Words({epoch, sequence, fence}).substr(0, FixedBodyBytes(FrameType::kFence));
}

std::string RawControlFrame(FrameType type, absl::string_view body, uint32_t credit) {
  FrameHeader header;
  header.type = type;
  header.credit = credit;
  return RawFrameBytes(header, body);
}

Hello RawHello(NodeId from, NodeId to, uint64_t incarnation) {
  const Options options = Options();
  Hello hello;
  hello.wire_version_min = hello.wire_version_max = kWireVersion;
  hello.features = kFeaturesOffered;
  hello.features_required = kFeaturesRequired;
  hello.cluster_id = "test";
  hello.node_id = from;
  hello.to_node_id = to;
  hello.incarnation = incarnation;
  hello.frame_bytes_max = options.grpc_frame_bytes_max;
  hello.message_bytes_max = options.message_bytes_max;
  hello.message_entries_max = options.message_entries_max;
  hello.codec_groups_max = options.codec_groups_max;
  hello.receive_unit_bytes = kGrpcCreditUnitBytes;
  return hello;
}

}  // namespace hawser
