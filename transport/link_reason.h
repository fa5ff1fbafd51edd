#ifndef HAWSER_TRANSPORT_LINK_REASON_H_
#define HAWSER_TRANSPORT_LINK_REASON_H_

// Where the choice of a link stands, and why. docs/failover.md.

#include <cstdint>

namespace hawser {

// Where the choice stands; transitions.cc has the table.
enum class SelectorState : uint8_t {
  kConnecting,   // No link is up.
  kOnGrpc,       // gRPC carries, and RDMA is not wanted or not possible.
  kProbingRdma,  // gRPC carries; an RDMA link is being made or measured.
  kOnRdma,
  kDraining,     // gRPC carries again; what RDMA still has on its way is being acknowledged.
  kBackingOff,   // gRPC carries; RDMA failed or was slower, the next try comes later.
  kQuarantined,  // gRPC carries; RDMA failed too often.
};

inline constexpr int kSelectorStateCount = 7;

const char* SelectorStateName(SelectorState state);

// Why this link and not the other.
enum class LinkReason : uint8_t {
  kNoLink,           // Neither is up.
  kGrpcOnly,         // link_policy asks for gRPC.
  kNoRdmaHere,       // This node has no RDMA.
  kNoRdmaThere,      // The peer offers none.
  kRdmaUnprotected,  // With TLS, RDMA needs rdma_security.
  kRdmaDialling,     // An RDMA link is being made.
  kRdmaMeasuring,    // An RDMA link is up, and not known to be better yet.
  kRdmaBest,
  kRdmaSlower,    // Its round trips were longer than those of gRPC.
  kRdmaFailed,    // It was lost, or could not be made.
  kRdmaFlapping,  // It was lost too often.
  kPinned,        // By the operator.
  kPinUnmet,      // Pinned to a link that is not up.
  kOnlyLink,      // The other one is down.
  kRdmaOnly,      // link_policy asks for RDMA, at either end.
};

inline constexpr int kLinkReasonCount = 15;

// A short clause: "rdma is slower than grpc".
const char* LinkReasonText(LinkReason reason);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_LINK_REASON_H_
