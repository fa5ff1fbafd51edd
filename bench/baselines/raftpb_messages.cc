#include "bench/baselines/raftpb_messages.h"

#include <string>

namespace hawser::bench {

raftpb::Message MakeAppend(const Workload& workload, int follower) {
  raftpb::Message append;
  append.set_type(raftpb::MsgApp);
  append.set_to(FollowerNode(follower));
  append.set_from(kLeaderNode);
  append.set_term(kTerm);
  append.set_logterm(kTerm);
  for (int i = 0; i < workload.entries_per_message; ++i) {
    raftpb::Entry* entry = append.add_entries();
    entry->set_term(kTerm);
    entry->set_data(std::string(workload.entry_bytes, 'x'));
  }
  return append;
}

void SetRange(const AppendRange& range, raftpb::Message* append) {
  append->set_index(range.first_index - 1);
  append->set_commit(range.commit);
  uint64_t index = range.first_index;
  for (raftpb::Entry& entry : *append->mutable_entries()) entry.set_index(index++);
}

raftpb::Message MakeAppResp(uint64_t node) {
  raftpb::Message resp;
  resp.set_type(raftpb::MsgAppResp);
  resp.set_to(kLeaderNode);
  resp.set_from(node);
  resp.set_term(kTerm);
  return resp;
}

ReplicaFollower::Verdict Receive(const raftpb::Message& append, ReplicaFollower* follower) {
  follower->BeginAppend(append.index());
  for (const raftpb::Entry& entry : append.entries()) {
    follower->OnEntry(entry.index(), entry.data().size());
  }
  return follower->EndAppend();
}

}  // namespace hawser::bench
