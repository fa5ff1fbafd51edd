#ifndef HAWSER_TRANSPORT_LINK_SELECTOR_H_
#define HAWSER_TRANSPORT_LINK_SELECTOR_H_

// Which link carries what is sent to a peer, and why. Pure. docs/failover.md has the table.

#include <array>
#include <cstdint>

#include "transport/link_reason.h"
#include "transport/types.h"

namespace hawser {

struct SelectorRules {
  // RDMA is tried again after this delay; it doubles from min to max.
  int64_t retry_ns_min = 0;
  int64_t retry_ns_max = 0;
  // An RDMA link that carried for this long sets the delay back to min.
  int64_t stable_ns = 0;
  // So many losses within the window: no RDMA for quarantine_ns.
  int flaps_max = 0;
  int64_t flap_window_ns = 0;
  int64_t quarantine_ns = 0;
  // Round trips measured on both links before RDMA is taken.
  int probe_pings = 0;
};

inline constexpr int kFlapsMax = 16;  // Of SelectorRules::flaps_max.

// Round trips of one link since the probe began.
struct LinkMeasure {
  int samples = 0;
  int64_t rtt_ns_min = 0;
};

// What is so now, and what happened since the last Select. An RDMA link that was up and no longer
// is, while gRPC is, failed.
struct LinkFacts {
  int64_t now_ns = 0;
  bool grpc_up = false;
  bool rdma_up = false;
  // kNoLink: RDMA is possible; else why it is not.
  LinkReason obstacle = LinkReason::kNoLink;
  LinkKind pinned = LinkKind::kNone;
  bool rdma_only = false;  // No message may travel on gRPC, which only helps to make RDMA links.
  // What is sent goes over RDMA, or a SWITCH away from it is not acknowledged yet.
  bool rdma_in_use = false;
  LinkMeasure grpc;
  LinkMeasure rdma;
  bool rdma_not_made = false;  // A try to make an RDMA link failed.
  uint32_t random = 0;         // For jitter.
};

// The choice; a value.
struct LinkSelection {
  SelectorState state = SelectorState::kConnecting;
  LinkReason reason = LinkReason::kNoLink;
  // What is sent goes here.
  LinkKind link = LinkKind::kNone;
  bool make_rdma = false;  // An RDMA link is to be dialled.
  bool measure = false;    // Both links are to be pinged.
  int64_t since_ns = 0;    // In this state.
  // When to ask again though nothing happens; 0: not.
  int64_t again_ns = 0;

  // What the next choice remembers.
  bool rdma_up = false;
  int64_t retry_ns = 0;  // RDMA is not tried before.
  int64_t delay_ns = 0;  // The last delay, without jitter.
  LinkReason retry_reason = LinkReason::kRdmaFailed;
  int64_t quarantined_until_ns = 0;
  std::array<int64_t, kFlapsMax> losses_ns{};  // The latest losses, oldest first.
  int losses = 0;
};

// The next choice after `was`.
LinkSelection Select(const SelectorRules& rules, const LinkSelection& was, const LinkFacts& facts);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_LINK_SELECTOR_H_
