#ifndef HAWSER_BENCH_CODEC_LINK_BYTES_H_
#define HAWSER_BENCH_CODEC_LINK_BYTES_H_

// What a link adds to a message that travels alone in its frames. Computed, not measured.

#include <algorithm>
#include <cstddef>

namespace hawser::bench {

// A frame of Hawser's: header, no trailer.
inline constexpr size_t kFrameHeaderBytes = 16;
// The largest frame on gRPC and on RDMA (a receive slot).
inline constexpr size_t kFrameBytesMax = 8192;

inline size_t Frames(size_t bytes) {
  const size_t room = kFrameBytesMax - kFrameHeaderBytes;
  return std::max<size_t>(1, (bytes + room - 1) / room);
}

// HTTP/2 DATA header (9), gRPC's prefix (5), the bytes field (1 and a length of 1 to 2); without
// TLS, TCP and IP.
inline size_t GrpcBytes(size_t bytes) {
  const size_t frame = std::min(bytes + kFrameHeaderBytes, kFrameBytesMax);
  return bytes + Frames(bytes) * (kFrameHeaderBytes + 9 + 5 + 1 + (frame < 128 ? 1 : 2));
}

// RoCE v2, packets of 4096 bytes: Ethernet with its check (18), IP (20), UDP (8), BTH (12),
// ICRC (4) each; without preamble and gap.
inline size_t RoceBytes(size_t bytes) {
  const size_t framed = bytes + Frames(bytes) * kFrameHeaderBytes;
  const size_t packets =
      bytes + kFrameHeaderBytes <= kFrameBytesMax ? (framed + 4095) / 4096 : 2 * Frames(bytes);
  return framed + packets * 62;
}

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CODEC_LINK_BYTES_H_
