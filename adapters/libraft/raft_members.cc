#include "adapters/libraft/raft_members.h"

#include <algorithm>

namespace hawser::libraft {
namespace {

bool Has(const raft_configuration& configuration, NodeId node) {
  return std::any_of(configuration.servers, configuration.servers + configuration.n,
                     [&](const raft_server& server) { return server.id == node; });
}

}  // namespace

std::vector<MemberChange> RaftMembers::Update(raft_id self, const raft_configuration& configuration,
                                              bool committed) {
  std::vector<MemberChange> changes;
  for (unsigned i = 0; i < configuration.n; ++i) {
    const raft_server& server = configuration.servers[i];
    removed_.erase(server.id);
    if (server.id == self) continue;
    Member& member = members_[server.id];
    if (!member.configured || member.address != server.address) {
      member.address = server.address;
      changes.push_back({member.configured ? MemberChange::Kind::kMove : MemberChange::Kind::kAdd,
                         server.id, member.address});
    }
    member.configured = true;
  }
  // A server that joins has none yet, and needs those who speak to it.
  if (!committed || configuration.n == 0) return changes;
  for (auto it = members_.begin(); it != members_.end();) {
    if (it->second.configured && !Has(configuration, it->first)) {
      changes.push_back({MemberChange::Kind::kRemove, it->first, it->second.address});
      removed_.insert(it->first);
      it = members_.erase(it);
    } else {
      ++it;
    }
  }
  return changes;
}

bool RaftMembers::Learn(NodeId node, const char* address) {
  const auto [entry, added] = members_.try_emplace(node);
  if (added) entry->second.address = address;
  return added;
}

const char* RaftMembers::AddressOf(NodeId node) const {
  const auto found = members_.find(node);
  return found == members_.end() ? "" : found->second.address.c_str();
}

}  // namespace hawser::libraft
