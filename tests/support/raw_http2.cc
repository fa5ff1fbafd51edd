#include "tests/support/raw_http2.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace hawser {
namespace {

constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kEndHeaders = 4;
constexpr size_t kFrameHeadBytes = 9;

// A header field without compression or memory.
std::string Field(absl::string_view name, absl::string_view value) {
  std::string field(1, '\0');
  for (const absl::string_view text : {name, value}) {
    field.push_back(static_cast<char>(text.size()));
    field.append(text.data(), text.size());
  }
  return field;
}

}  // namespace

std::string Http2Frame::ToBytes() const {
  const auto size = static_cast<uint32_t>(body.size());
  const char head[kFrameHeadBytes] = {
      static_cast<char>(size >> 16),   static_cast<char>(size >> 8),
      static_cast<char>(size),         static_cast<char>(type),
      static_cast<char>(flags),        static_cast<char>(stream >> 24),
      static_cast<char>(stream >> 16), static_cast<char>(stream >> 8),
      static_cast<char>(stream)};
  return std::string(head, sizeof(head)) + body;
}

std::string Http2CallOpening(absl::string_view method) {
  const std::string headers = Field(":method", "POST") + Field(":scheme", "http") +
                              Field(":path", method) + Field(":authority", "test") +
                              Field("te", "trailers") + Field("content-type", "application/grpc");
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Http2Frame{kHttp2Settings, 0, 0, ""}.ToBytes() +
         Http2Frame{kHeaders, kEndHeaders, 1, headers}.ToBytes();
}

std::string Http2Data(absl::string_view bytes) {
  return Http2Frame{kData, 0, 1, std::string(bytes)}.ToBytes();
}

std::string GrpcMessageHead(uint32_t length) {
  return {'\0', static_cast<char>(length >> 24), static_cast<char>(length >> 16),
          static_cast<char>(length >> 8), static_cast<char>(length)};
}

RawTcp::RawTcp(const std::string& address) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(&address[address.rfind(':') + 1])));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval patience = {10, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
}

RawTcp::~RawTcp() { close(fd_); }

bool RawTcp::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawTcp::ReadBytes(char* out, size_t bytes) {
  while (bytes > 0) {
    const ssize_t received = recv(fd_, out, bytes, 0);
    if (received <= 0) return false;
    out += received;
    bytes -= static_cast<size_t>(received);
  }
  return true;
}

bool RawTcp::Read(Http2Frame* frame) {
  uint8_t head[kFrameHeadBytes];
  if (!ReadBytes(reinterpret_cast<char*>(head), sizeof(head))) return false;
  frame->type = head[3];
  frame->flags = head[4];
  frame->stream = uint32_t{head[5]} << 24 | head[6] << 16 | head[7] << 8 | head[8];
  frame->body.resize(uint32_t{head[0]} << 16 | head[1] << 8 | head[2]);
  return ReadBytes(&frame->body[0], frame->body.size());
}

bool RawTcp::WaitClosed() {
  char bytes[4096];
  ssize_t received = 0;
  do {
    received = recv(fd_, bytes, sizeof(bytes), 0);
  } while (received > 0);
  return received == 0 || errno == ECONNRESET;
}

}  // namespace hawser
