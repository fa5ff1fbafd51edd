#ifndef HAWSER_TESTS_SUPPORT_RAW_HTTP2_H_
#define HAWSER_TESTS_SUPPORT_RAW_HTTP2_H_

// A TCP connection on which a test says HTTP/2, or something like it, byte by byte.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace hawser {

// One frame of HTTP/2.
struct Http2Frame {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string body;

  std::string ToBytes() const;
};
inline constexpr uint8_t kHttp2Settings = 4;
inline constexpr uint8_t kHttp2Ping = 6;
inline constexpr uint8_t kHttp2WindowUpdate = 8;
inline constexpr uint8_t kHttp2Ack = 1;  // a flag of settings and pings

// What a client of gRPC says first: preface, settings, and the headers of a call to `method`.
std::string Http2CallOpening(absl::string_view method);

// An HTTP/2 DATA frame of that call.
std::string Http2Data(absl::string_view bytes);

// The 5 bytes in front of a gRPC message.
std::string GrpcMessageHead(uint32_t length);

// A blocking socket; every step waits at most 10 s.
class RawTcp {
 public:
  // "127.0.0.1:port".
  explicit RawTcp(const std::string& address);
  ~RawTcp();
  RawTcp(const RawTcp&) = delete;
  RawTcp& operator=(const RawTcp&) = delete;

  bool connected() const { return connected_; }
  // False when the other end has closed.
  bool Send(absl::string_view bytes);
  // False when the other end has closed.
  bool Read(Http2Frame* frame);
  // Reads and drops what comes until the other end closes; false: it did not.
  bool WaitClosed();

 private:
  bool ReadBytes(char* out, size_t bytes);

  const int fd_;
  bool connected_ = false;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_RAW_HTTP2_H_
