#ifndef HAWSER_TRANSPORT_LINK_TICKET_H_
#define HAWSER_TRANSPORT_LINK_TICKET_H_

// Tickets: how one open link vouches for another. docs/wire_format.md, "RDMA bootstrap".

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/close_reason.h"
#include "transport/options.h"
#include "transport/types.h"

namespace hawser {

class Link;
class LinkEvents;

// Between whom a ticket is good.
struct TicketParties {
  NodeId dialler = 0;
  uint64_t dialler_incarnation = 0;
  NodeId acceptor = 0;
  uint64_t acceptor_incarnation = 0;
};

// What the dialler asks for.
struct TicketRequest {
  uint32_t request_id = 0;
  uint32_t epoch = 0;
  std::string source_address;  // The IP address it will connect from.
  std::array<uint8_t, 16> nonce{};
  RdmaSecurity security = RdmaSecurity::kUnset;
};

// What it gets.
struct Ticket {
  uint32_t request_id = 0;
  uint64_t id = 0;
  std::array<uint8_t, 32> key{};
  uint32_t ttl_ms = 0;
  std::vector<std::string> addresses;
  RdmaSecurity security = RdmaSecurity::kUnset;
};

// Or what it gets instead.
struct TicketRefusal {
  uint32_t request_id = 0;
  CloseReason reason = CloseReason::kNone;
  std::string text;
};

// The side of a LinkProvider whose links are dialled with tickets.
//
// Implemented by the provider, used by its Core. Loop thread only.
class LinkTickets {
 public:
  // Where such links are accepted.
  virtual const std::vector<std::string>& addresses() const = 0;

  // What to ask the node for that listens at `addresses`; an error says why there is no point.
  virtual absl::StatusOr<TicketRequest> Ask(const std::vector<std::string>& addresses,
                                            uint32_t epoch) = 0;

  // Begins to connect with what was got; as LinkProvider::Dial. nullptr: the ticket makes no sense.
  virtual Link* Redeem(const TicketParties& parties, const TicketRequest& request,
                       const Ticket& ticket, LinkEvents* events) = 0;

  // Answers a request that came over an authenticated link; kNone or why there is no ticket.
  virtual CloseReason Issue(const TicketParties& parties, const TicketRequest& request,
                            Ticket* ticket, std::string* text) = 0;

  // The link that tickets of `dialler` were asked for on is gone.
  virtual void Void(NodeId dialler) = 0;

 protected:
  virtual ~LinkTickets() = default;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_LINK_TICKET_H_
