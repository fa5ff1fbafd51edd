#ifndef HAWSER_ADMIN_STREAM_PROTO_H_
#define HAWSER_ADMIN_STREAM_PROTO_H_

// What Transport::Describe returns, as messages of admin.proto. Pure.

#include <string>

#include "absl/types/optional.h"
#include "admin/admin.pb.h"
#include "transport/status.h"

namespace hawser::admin {

// Not `streams`, which are for FillStream.
void FillNode(const TransportStatus& status, Node* node);

void FillStream(const PeerStatus& peer, Stream* stream);

// Equal for two looks at a stream if nothing changed but counters and ages: link, state, reasons,
// epochs, addresses and what was lost.
std::string StateKey(const PeerStatus& peer);

// The link that `link` asks for; nullopt for what cannot be pinned.
absl::optional<hawser::LinkKind> PinnableLink(LinkKind link);

}  // namespace hawser::admin

#endif  // HAWSER_ADMIN_STREAM_PROTO_H_
