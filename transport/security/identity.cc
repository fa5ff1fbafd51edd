#include "transport/security/identity.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace hawser {
namespace {

constexpr char kScheme[] = "hawser://";

// A node id as IdentityUri writes it: decimal, without sign, space or leading zero; 0: none.
NodeId ParseNode(absl::string_view text) {
  uint64_t node = 0;
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  if (!digits || absl::StartsWith(text, "0") || !absl::SimpleAtoi(text, &node)) return 0;
  return node;
}

}  // namespace

absl::Status CheckIdentity(const LinkIdentity& identity, NodeId node) {
  if (!identity.required) return absl::OkStatus();
  if (identity.node == 0) return absl::UnauthenticatedError(identity.text);
  if (identity.node != node) {
    return absl::UnauthenticatedError(
        absl::StrCat("the certificate is of node ", identity.node, ", not of node ", node));
  }
  return absl::OkStatus();
}

std::string IdentityUri(absl::string_view cluster_id, NodeId node) {
  return absl::StrCat(kScheme, cluster_id, "/", node);
}

IdentityRule::IdentityRule(std::string cluster_id, std::vector<TlsIdentity> map)
    : cluster_id_(std::move(cluster_id)), map_(std::move(map)) {}

absl::StatusOr<NodeId> IdentityRule::NodeOf(const CertificateNames& names) const {
  std::vector<NodeId> nodes;
  for (const std::string& uri : names.uris) {
    absl::string_view rest = uri;
    if (!absl::ConsumePrefix(&rest, absl::StrCat(kScheme, cluster_id_, "/"))) continue;
    nodes.push_back(ParseNode(rest));
    if (nodes.back() == 0) {
      return absl::UnauthenticatedError(
          absl::StrCat("the certificate has the name \"", uri, "\", which ends in no node id"));
    }
  }
  const auto has = [&names](const std::string& name) {
    return std::count(names.uris.begin(), names.uris.end(), name) > 0 ||
           std::count(names.dns.begin(), names.dns.end(), name) > 0;
  };
  for (const TlsIdentity& row : map_) {
    if (has(row.name)) nodes.push_back(row.node);
  }
  if (nodes.empty()) {
    return absl::UnauthenticatedError(absl::StrCat(
        "the certificate names no node of cluster \"", cluster_id_, "\"; it has the names [",
        absl::StrJoin(names.uris, ", "), names.uris.empty() || names.dns.empty() ? "" : ", ",
        absl::StrJoin(names.dns, ", "), "]"));
  }
  if (std::count(nodes.begin(), nodes.end(), nodes[0]) != static_cast<ptrdiff_t>(nodes.size())) {
    return absl::UnauthenticatedError(
        absl::StrCat("the certificate names several nodes: ", absl::StrJoin(nodes, ", ")));
  }
  return nodes[0];
}

}  // namespace hawser
