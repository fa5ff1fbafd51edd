#ifndef HAWSER_BENCH_CODEC_LINK_BYTES_H_
#define HAWSER_BENCH_CODEC_LINK_BYTES_H_

// What a link carries for a message that travels alone in its frames. Computed, not measured; for
// every codec as if Hawser's frames carried its bytes.

#include <algorithm>
#include <cstddef>

namespace hawser::bench {

// A frame of Hawser's: header, no trailer.
inline constexpr size_t kFrameHeaderBytes = 16;
// What the first piece of a message in several frames has before it.
inline constexpr size_t kFragmentHeadBytes = 4;
// The largest frame on gRPC, and on RDMA (a receive slot).
inline constexpr size_t kGrpcFrameBytesMax = 128 * 1024;
inline constexpr size_t kRdmaFrameBytesMax = 8192;

// The sum of cost(bytes of the frame) over the frames of a message.
template <typename Cost>
size_t SumOverFrames(size_t bytes, size_t frame_bytes_max, Cost cost) {
  const size_t room = frame_bytes_max - kFrameHeaderBytes;
  size_t left = bytes > room ? bytes + kFragmentHeadBytes : bytes;
  size_t sum = 0;
  for (bool first = true; first || left > 0; first = false) {
    const size_t piece = std::min(left, room);
    sum += cost(kFrameHeaderBytes + piece);
    left -= piece;
  }
  return sum;
}

// The bytes field (tag, and 1 to 3 of length), gRPC's prefix (5), HTTP/2 DATA headers (9 for each
// 16 KiB); without TLS, TCP and IP.
inline size_t GrpcBytes(size_t bytes) {
  return SumOverFrames(bytes, kGrpcFrameBytesMax, [](size_t frame) {
    const size_t message = frame + 1 + (frame < (1 << 7) ? 1 : frame < (1 << 14) ? 2 : 3) + 5;
    return message + 9 * ((message + 16383) / 16384);
  });
}

// RoCE v2, packets of 4096 bytes: Ethernet with its check (18), IP (20), UDP (8), BTH (12),
// ICRC (4) each; without preamble and gap.
inline size_t RoceBytes(size_t bytes) {
  return SumOverFrames(bytes, kRdmaFrameBytesMax,
                       [](size_t frame) { return frame + 62 * ((frame + 4095) / 4096); });
}

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_CODEC_LINK_BYTES_H_
