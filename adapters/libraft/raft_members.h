#ifndef HAWSER_ADAPTERS_LIBRAFT_RAFT_MEMBERS_H_
#define HAWSER_ADAPTERS_LIBRAFT_RAFT_MEMBERS_H_

// Who the other servers are: libraft's configuration as changes of peers. Pure.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "adapters/libraft/libraft.h"
#include "transport/types.h"

namespace hawser::libraft {

// A step that makes the transport's peers those of libraft.
struct MemberChange {
  enum class Kind : uint8_t { kAdd, kMove, kRemove };
  Kind kind;
  NodeId node;
  std::string address;
};

// Compares libraft's configuration with the peers that there are.
//
// libraft does not tell when a server is added or removed; it has a configuration, and names an
// address with every send. A server is a peer from when it is in the configuration (committed or
// not) or is sent to, until a committed configuration no longer has it. One per adapter.
// Threads: the loop's.
class RaftMembers {
 public:
  // What is to be done after `configuration` of the server `self` came to be.
  std::vector<MemberChange> Update(raft_id self, const raft_configuration& configuration,
                                   bool committed);

  // Somebody outside of the configuration is sent to, or has spoken: at `address`. True when it
  // is new.
  bool Learn(NodeId node, const char* address);

  // It was removed, and is in no configuration since.
  bool IsRemoved(NodeId node) const { return removed_.count(node) != 0; }

  // Never nullptr; valid until the next Update or Learn.
  const char* AddressOf(NodeId node) const;

 private:
  struct Member {
    std::string address;
    bool configured = false;  // It was in a configuration: only such are removed.
  };

  std::map<NodeId, Member> members_;
  std::set<NodeId> removed_;
};

}  // namespace hawser::libraft

#endif  // HAWSER_ADAPTERS_LIBRAFT_RAFT_MEMBERS_H_
