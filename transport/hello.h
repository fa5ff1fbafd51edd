#ifndef HAWSER_TRANSPORT_HELLO_H_
#define HAWSER_TRANSPORT_HELLO_H_

// What two ends tell each other before anything else. Format: docs/wire_format.md, "Hello".

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "transport/close_reason.h"
#include "transport/options.h"
#include "transport/types.h"

namespace hawser {

// The largest HELLO, GOAWAY or CONTROL body that is read; the frame is 4096 bytes.
inline constexpr size_t kHelloBytesMax = 4080;

// Feature bits.
inline constexpr uint64_t kFeatureChecksum = 1u << 0;   // Frames end with a CRC-32C.
inline constexpr uint64_t kFeaturePredicted = 1u << 3;  // The codec's short forms.
inline constexpr uint64_t kFeatureCalls = 1u << 4;      // Calls, and answers to them.
// Who requires it takes and sends messages on RDMA alone; the other end then does the same.
inline constexpr uint64_t kFeatureRdmaOnly = 1u << 5;

// What this version always offers, and what it cannot do without.
inline constexpr uint64_t kFeaturesOffered = kFeaturePredicted | kFeatureCalls;
inline constexpr uint64_t kFeaturesRequired = 0;

struct Hello {
  uint32_t wire_version_min = 0;
  uint32_t wire_version_max = 0;
  uint64_t features = 0;
  uint64_t features_required = 0;
  std::string cluster_id;
  NodeId node_id = 0;
  NodeId to_node_id = 0;  // Whom the sender believes to reach.
  uint64_t incarnation = 0;
  std::vector<std::string> grpc_addresses;
  std::vector<std::string> rdma_addresses;
  uint32_t frame_bytes_max = 0;
  uint32_t message_bytes_max = 0;
  uint32_t message_entries_max = 0;
  uint32_t codec_groups_max = 0;
  uint32_t calls_max = 0;
  uint32_t receive_unit_bytes = 0;
  std::string rdma_proof;
};

// All that a node with these options offers, and what of it the other end must offer too.
uint64_t FeaturesOffered(const Options& options);
uint64_t FeaturesRequired(const Options& options);

std::string EncodeHello(const Hello& hello);

// kNone or kBadHello: bytes that do not parse, ids of 0, limits that cannot be.
CloseReason DecodeHello(absl::string_view body, Hello* hello);

// Whether `hello`, which came over a connection, is for us: kNone, or why it is refused.
// `dialled` is the node that we dialled, 0 when the other end did.
CloseReason CheckHello(const Hello& hello, const Options& options, NodeId dialled);

std::string EncodeGoaway(CloseReason reason, absl::string_view text);

// The reason and words of a GOAWAY; false when it does not parse. A number that is never sent, or
// that this version does not know, becomes kLinkError.
bool DecodeGoaway(absl::string_view body, CloseReason* reason, std::string* text);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_HELLO_H_
