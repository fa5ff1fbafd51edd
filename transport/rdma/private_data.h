#ifndef HAWSER_TRANSPORT_RDMA_PRIVATE_DATA_H_
#define HAWSER_TRANSPORT_RDMA_PRIVATE_DATA_H_

// The bytes that travel with an RDMA connection's set-up. Layouts: docs/wire_format.md, "RDMA
// bootstrap". Pure.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "transport/close_reason.h"
#include "transport/link_ticket.h"
#include "transport/rdma/hmac.h"

namespace hawser {

inline constexpr size_t kConnectDataBytes = 56;
inline constexpr size_t kAcceptDataBytes = 40;
inline constexpr size_t kRejectDataBytes = 8;

// With a connect request.
struct ConnectData {
  RdmaSecurity security = RdmaSecurity::kUnset;
  uint64_t ticket_id = 0;
  NodeId dialler = 0;
  uint64_t dialler_incarnation = 0;
  uint32_t epoch = 0;
  uint32_t slot_bytes = 0;
};

// With an accept.
struct AcceptData {
  RdmaSecurity security = RdmaSecurity::kUnset;
  uint64_t ticket_id = 0;
  uint32_t slot_bytes = 0;
};

// What the MAC of a connect request covers beside the request itself.
struct ConnectProof {
  NodeId acceptor = 0;
  uint64_t acceptor_incarnation = 0;
  std::array<uint8_t, 16> nonce{};
  std::array<uint8_t, 16> source_address{};
};

// The 16 bytes of an IPv6 address, an IPv4 one mapped into it; false when `text` is neither.
bool ParseIp(const std::string& text, std::array<uint8_t, 16>* bytes);

// Data with its MAC made, ready to be sent.
std::string EncodeConnect(const ConnectData& data, const TicketKey& key, const ConnectProof& proof);
std::string EncodeAccept(const AcceptData& data, const TicketKey& key, absl::string_view request);
std::string EncodeReject(CloseReason reason);

// What came, padded to any length; false when it is none of ours or makes no sense. The MAC is
// checked by the other two.
bool DecodeConnect(absl::string_view padded, ConnectData* data);
bool DecodeAccept(absl::string_view padded, AcceptData* data);
// kNone when there is no reason in it.
CloseReason DecodeReject(absl::string_view padded);

bool ConnectMacHolds(absl::string_view padded, const TicketKey& key, const ConnectProof& proof);
bool AcceptMacHolds(absl::string_view padded, const TicketKey& key, absl::string_view request);

// The proof in HELLO: of the dialler, or of the acceptor.
Mac HelloProof(const TicketKey& key, bool dialler, absl::string_view request,
               absl::string_view accept);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_PRIVATE_DATA_H_
