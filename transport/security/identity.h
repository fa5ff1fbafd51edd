#ifndef HAWSER_TRANSPORT_SECURITY_IDENTITY_H_
#define HAWSER_TRANSPORT_SECURITY_IDENTITY_H_

// Which node a certificate stands for. Pure.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/types.h"

namespace hawser {

// The names in a certificate that can stand for a node: its subject alternative names.
struct CertificateNames {
  std::vector<std::string> uris;
  std::vector<std::string> dns;
};

// One row of an explicit map: certificates with this URI or DNS name are of this node.
struct TlsIdentity {
  std::string name;
  NodeId node = 0;
};

// What a link knows about who is at its other end.
struct LinkIdentity {
  // The ends of this link must prove who they are. Without it the rest means nothing.
  bool required = false;
  // The node that was proven; 0: none.
  NodeId node = 0;
  // Why none was.
  std::string text;
};

// OK when a link with `identity` may be `node`'s; Unauthenticated says why not.
absl::Status CheckIdentity(const LinkIdentity& identity, NodeId node);

// "hawser://<cluster>/<node>", the name that a node's certificate carries.
std::string IdentityUri(absl::string_view cluster_id, NodeId node);

// How the certificates of one cluster name its nodes: by URI, or by a map.
class IdentityRule {
 public:
  IdentityRule(std::string cluster_id, std::vector<TlsIdentity> map);

  // The one node that `names` stand for. Unauthenticated: none, several, or a URI of ours that
  // makes no sense; names of other clusters count for nothing.
  absl::StatusOr<NodeId> NodeOf(const CertificateNames& names) const;

 private:
  const std::string cluster_id_;
  const std::vector<TlsIdentity> map_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SECURITY_IDENTITY_H_
