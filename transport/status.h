#ifndef HAWSER_TRANSPORT_STATUS_H_
#define HAWSER_TRANSPORT_STATUS_H_

// What Transport::Describe() returns: plain values, copied on the loop thread.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "codec/message_view.h"
#include "transport/call.h"
#include "transport/close_reason.h"
#include "transport/lane.h"
#include "transport/ledger.h"
#include "transport/link_reason.h"
#include "transport/rtt_histogram.h"
#include "transport/send_result.h"
#include "transport/types.h"

namespace hawser {

// Where the conversation with a peer stands.
enum class PeerState : uint8_t {
  kIdle,        // No link, none under way: the other end is to dial, or we wait to dial again.
  kConnecting,  // A link is being made, or hellos are under way.
  kSettling,    // Hellos are done; each end tells what it consumed of the last epoch.
  kUp,          // Messages flow.
};

const char* PeerStateName(PeerState state);

// How far DrainPeer got.
enum class DrainState : uint8_t {
  kNone,      // It was not called.
  kDraining,  // What was accepted is being acknowledged.
  kDrained,   // It was, and no link is made until UpdatePeer.
};

// "" for kNone, "draining", "drained".
const char* DrainStateName(DrainState state);

// What the codec made of the messages of one type, in one direction.
struct CodecTally {
  uint64_t predicted = 0;     // Messages in a short form.
  uint64_t missed = 0;        // Messages in a record, or whole.
  uint64_t bytes = 0;         // Encoded.
  uint64_t raftpb_bytes = 0;  // What they would take as raftpb.
};

// One kind of link to a peer. Both may be up; PeerStatus::link says which one is sent on.
struct LinkStatus {
  LinkKind kind = LinkKind::kNone;
  bool up = false;
  std::string remote_address;  // Of the link that is up.
  int64_t rtt_us = 0;          // The last PING's; 0: not measured yet.
  RttHistogram rtt;            // Of all PINGs on links of this kind.
  uint64_t frames_unacknowledged = 0;
  uint32_t credit_units_left = 0;  // What we may still send.
};

inline constexpr int kLinkStatusCount = 2;

struct PeerStatus {
  NodeId node = 0;
  // Not a peer yet: it came by itself and may talk for provisional_peer_ms.
  bool provisional = false;
  std::vector<std::string> addresses;

  PeerState state = PeerState::kIdle;
  // Why it is in this state: how the last link ended, or kNone.
  CloseReason reason = CloseReason::kNone;
  std::string reason_text;
  int64_t since_ms = 0;  // Age of the state.
  DrainState drain = DrainState::kNone;
  bool draining_there = false;  // The other end drains its stream to us.

  LinkKind link = LinkKind::kNone;
  LinkKind pinned = LinkKind::kNone;  // By PinLink; kNone: it is not.
  // gRPC and RDMA, in this order.
  std::array<LinkStatus, kLinkStatusCount> links;
  // How the choice between the links stands, for how long, and why (LinkReasonText).
  SelectorState selector_state = SelectorState::kConnecting;
  LinkReason link_reason = LinkReason::kNoLink;
  std::string rdma_text;  // What is in the way of an RDMA link, in words; empty: nothing is known.
  int64_t selector_since_ms = 0;
  bool checksums = false;    // The link's frames carry them: both ends want it.
  uint64_t incarnation = 0;  // The peer's; 0: never heard.
  uint32_t send_epoch = 0;
  uint32_t receive_epoch = 0;

  Ledger ledger;
  // Accepted from other threads and not yet seen by the loop.
  Tally handed_over;
  std::array<Tally, kLaneCount> queued;     // by lane
  std::array<Tally, kLaneCount> in_flight;  // by lane
  uint64_t frames_unacknowledged = 0;
  uint32_t credit_units_left = 0;  // What we may still send.
  uint64_t leased_bytes = 0;       // Receive memory that leases pin.
  uint64_t frames_held = 0;        // Of the next epoch, until this one is through.
  std::array<uint64_t, kLaneCount> unacknowledged_frame_bytes{};  // by lane
  int64_t rtt_us = 0;  // The last PING's; 0: not measured yet.

  // Counted since the peer was added.
  Tally received;
  std::array<uint64_t, kSendRefusalCount> refused{};      // Sends, as SendRefusal() numbers them.
  std::array<CodecTally, kWireTypeCount> codec_sent;      // by MessageType
  std::array<CodecTally, kWireTypeCount> codec_received;  // by MessageType
  uint64_t frames_sent = 0;
  uint64_t frames_received = 0;
  uint64_t frame_bytes_sent = 0;
  uint64_t frame_bytes_received = 0;
  uint64_t ack_frames_sent = 0;
  uint64_t connects = 0;
  uint64_t disconnects = 0;
  uint64_t switches = 0;             // Orderly, of what is sent.
  uint64_t upgrades = 0;             // Those from gRPC to RDMA.
  uint64_t fallbacks = 0;            // A link failed and another one was there.
  uint64_t messages_copied_out = 0;  // Received, because leases pinned too much.

  // Calls to the peer that wait for their answer, and those of the peer that wait for ours.
  uint64_t calls_waiting = 0;
  uint64_t calls_served = 0;
  // Counted since the peer was added: calls to it that are over, and what came too late.
  std::array<uint64_t, kCallStatusCount> calls_done{};  // by CallStatus
  uint64_t calls_received = 0;
  uint64_t answers_late = 0;
};

// One endpoint, since the transport was made.
struct EndpointStatus {
  std::string name;
  uint64_t calls = 0;      // Let through to the handler or the executor.
  uint64_t refused = 0;    // Their callers may not.
  uint64_t expired = 0;    // Their time was over before the executor came to them.
  uint64_t slow = 0;       // Held the loop thread for over 1 ms.
  int64_t slowest_us = 0;  // Of those.
};

struct TransportStatus {
  NodeId node = 0;
  std::string cluster_id;
  uint64_t incarnation = 0;
  std::string listen_address;
  // Connections refused or closed before they belonged to a peer, by reason.
  std::array<uint64_t, kCloseReasonCount> refused{};
  std::vector<PeerStatus> peers;
  std::vector<EndpointStatus> endpoints;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_STATUS_H_
