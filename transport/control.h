#ifndef HAWSER_TRANSPORT_CONTROL_H_
#define HAWSER_TRANSPORT_CONTROL_H_

// Bodies of CONTROL frames: what ends arrange beside the stream. Format: transport/wire.proto.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "transport/link_ticket.h"

namespace hawser {

// "The link that carried my epoch has failed at my end: fence it."
std::string EncodeFenceRequest(uint32_t epoch);

// "This link is to be replaced by a newer one of its kind."
std::string EncodeRenew(bool please_dial);

// Steps of a drain, as in transport/wire.proto.
enum class DrainStep : uint8_t { kAsk = 1, kDone = 2, kOff = 3 };
std::string EncodeDrain(DrainStep step, uint32_t number);

// About an RDMA link (docs/wire_format.md, "RDMA bootstrap").
std::string EncodeTicketRequest(const TicketRequest& request);
std::string EncodeTicket(const Ticket& ticket);
std::string EncodeTicketRefusal(const TicketRefusal& refusal);

struct Control {
  enum class Kind : uint8_t {
    kUnknown,
    kFenceRequest,
    kRenew,
    kTicketRequest,
    kTicket,
    kTicketRefusal,
    kInvite,
    kDrain,
  };

  Kind kind = Kind::kUnknown;
  uint32_t epoch = 0;        // kFenceRequest
  bool please_dial = false;  // kRenew
  DrainStep drain_step = DrainStep::kOff;
  uint32_t drain_number = 0;
  TicketRequest ticket_request;
  Ticket ticket;
  TicketRefusal refusal;
};

// False when the bytes do not parse, or a ticket's fields cannot be. A kind that this version does
// not have is kUnknown.
bool DecodeControl(absl::string_view body, Control* control);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_CONTROL_H_
