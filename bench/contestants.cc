#include "bench/contestants.h"

#include "bench/baselines/byte_stream.h"
#include "bench/baselines/callback_stream.h"
#include "bench/baselines/sync_stream.h"
#include "bench/contestants/hawser.h"

namespace hawser::bench {

const std::vector<Contestant>& AllContestants() {
  static const auto* const contestants = new std::vector<Contestant>{
      {"hawser", "Hawser, its own thread runs the callbacks", true, true, MakeHawserLeader,
       MakeHawserFollower},
      {"hawser_poll", "Hawser, the member's thread runs them inside Poll", true, true,
       MakeHawserPollLeader, MakeHawserPollFollower},
      {"grpc_sync", "gRPC stream of raftpb messages, synchronous API, a thread a stream", false,
       false, MakeSyncLeader, MakeSyncFollower},
      {"grpc_sync_hint", "the same, with buffer_hint while more is ready", false, false,
       MakeSyncHintLeader, MakeSyncFollower},
      {"grpc_callback", "gRPC stream of raftpb messages, callback API", false, false,
       MakeCallbackLeader, MakeCallbackFollower},
      {"grpc_bytes", "gRPC stream of bytes that nobody encodes or copies, one completion queue",
       false, false, MakeByteLeader, MakeByteFollower},
  };
  return *contestants;
}

const Contestant* FindContestant(absl::string_view name) {
  for (const Contestant& contestant : AllContestants()) {
    if (contestant.name == name) return &contestant;
  }
  return nullptr;
}

}  // namespace hawser::bench
