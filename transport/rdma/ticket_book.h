#ifndef HAWSER_TRANSPORT_RDMA_TICKET_BOOK_H_
#define HAWSER_TRANSPORT_RDMA_TICKET_BOOK_H_

// The tickets that this end has issued and that were not used yet.

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "transport/link_ticket.h"
#include "transport/rdma/private_data.h"

namespace hawser {

// Issues tickets and takes them back when a connect request shows one.
//
// One per RdmaProvider. It holds at most one ticket a dialler: a newer one voids the older, so
// peers bound its size. Pure but for the random numbers. Loop thread only.
class TicketBook {
 public:
  // A ticket that was good, and is used up now.
  struct Redeemed {
    TicketParties parties;
    TicketKey key{};
    RdmaSecurity security = RdmaSecurity::kUnset;
    uint32_t slot_bytes = 0;  // The dialler's.
  };

  explicit TicketBook(uint32_t ttl_ms) : ttl_ms_(ttl_ms) {}

  // Fills in id, key and ttl_ms. kResourceExhausted: there are no random numbers.
  // kBadFrame: the request's source address is none.
  CloseReason Issue(const TicketParties& parties, const TicketRequest& request,
                    RdmaSecurity security, int64_t now_ns, Ticket* ticket);

  void Void(NodeId dialler) { tickets_.erase(dialler); }

  // Judges the private data of a connect request from `source_address`. A ticket that is named is
  // used up, whatever comes of it. kUnauthenticated says no more than that: who cannot prove the
  // ticket learns nothing.
  CloseReason Redeem(absl::string_view request, const std::string& source_address, int64_t now_ns,
                     Redeemed* redeemed);

  size_t size() const { return tickets_.size(); }

 private:
  struct Issued {
    TicketParties parties;
    Ticket ticket;
    uint32_t epoch = 0;
    ConnectProof proof;
    int64_t expires_ns = 0;
  };

  const uint32_t ttl_ms_;
  absl::flat_hash_map<NodeId, Issued> tickets_;  // by dialler
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_TICKET_BOOK_H_
