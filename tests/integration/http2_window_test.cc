// HTTP/2's windows: as wide as our credit, which alone is to stop a sender.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/raw_grpc.h"
#include "tests/support/raw_http2.h"
#include "tests/support/recording_raft.h"
#include "transport/transport.h"

namespace hawser {
namespace {

constexpr int kInitialWindowSetting = 4;
constexpr size_t kSettingBytes = 6;

uint32_t BigEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// What one end may still send, as a client of HTTP/2 keeps account of it.
struct Windows {
  int64_t connection = 65535;
  int64_t stream_start = 65535;
  int64_t stream_updates = 0;

  int64_t stream() const { return stream_start + stream_updates; }

  void Take(const Http2Frame& frame) {
    const absl::string_view body = frame.body;
    if (frame.type == kHttp2WindowUpdate) {
      (frame.stream == 0 ? connection : stream_updates) += BigEndian(body);
    } else if (frame.type == kHttp2Settings) {
      for (size_t at = 0; at + kSettingBytes <= body.size(); at += kSettingBytes) {
        if (BigEndian(body.substr(at, 2)) == kInitialWindowSetting) {
          stream_start = BigEndian(body.substr(at + 2, 4));
        }
      }
    }
  }
};

// A client sends a bit and answers gRPC's PINGs: then there is room for all that Hawser's credit
// allows to be on its way.
TEST(Http2WindowTest, RoomForAllCreditOnceTheLinkIsMeasured) {
  Options options;
  options.node_id = 1;
  options.cluster_id = "test";
  options.hello_timeout_ms = 20000;
  RecordingRaft raft;
  auto node = *Transport::Create(options, &raft);
  ASSERT_TRUE(node->Start().ok());
  RawTcp tcp(node->listen_address());
  // The beginning of a message that never ends.
  const std::string data = GrpcMessageHead(1000000) + std::string(100, 'x');
  ASSERT_TRUE(tcp.Send(Http2CallOpening(kStreamMethod) + Http2Data(data)));
  Windows windows;
  const int64_t enough = int64_t{options.receive_window_bytes} - 64 * 1024;
  while (windows.connection < enough || windows.stream() < enough) {
    Http2Frame frame;
    ASSERT_TRUE(tcp.Read(&frame)) << windows.connection << " and " << windows.stream();
    windows.Take(frame);
    const bool to_answer = frame.type == kHttp2Settings || frame.type == kHttp2Ping;
    if (!to_answer || (frame.flags & kHttp2Ack) != 0) continue;
    frame.flags = kHttp2Ack;
    if (frame.type == kHttp2Settings) frame.body.clear();
    ASSERT_TRUE(tcp.Send(frame.ToBytes()));
  }
}

}  // namespace
}  // namespace hawser
