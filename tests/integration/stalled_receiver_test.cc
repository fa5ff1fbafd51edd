// A receiver that stalls for seconds, or as long as HAWSER_STALL_SECONDS says, over real gRPC on
// loopback.

#include "tests/integration/stalled_receiver.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/support/wait_until.h"
#include "transport/transport.h"

namespace hawser {
namespace {

void RunWith(Stall how) {
  StalledReceiver stalled(how);
  Options options[2];
  for (NodeId node : {1, 2}) {
    Options& side = options[node - 1];
    side.node_id = node;
    side.cluster_id = "test";
    side.link_policy = LinkPolicy::kGrpc;
    side.peer_silent_ms = 5000;
    stalled.Limit(&side);
  }
  const std::unique_ptr<Transport> a = *Transport::Create(options[0], stalled.sending());
  const std::unique_ptr<Transport> b = *Transport::Create(options[1], stalled.receiving());
  ASSERT_TRUE(a->AddPeer(2, {b->listen_address()}).ok());
  ASSERT_TRUE(b->AddPeer(1, {}).ok());
  ASSERT_TRUE(a->Start().ok());
  ASSERT_TRUE(b->Start().ok());
  ASSERT_TRUE(WaitUntil([&] {
    const TransportStatus status = a->Describe();
    return !status.peers.empty() && status.peers[0].state == PeerState::kUp;
  }));
  stalled.Run(a.get(), b.get());
}

TEST(StalledReceiverTest, KeepsLeases) { RunWith(Stall::kKeepsLeases); }

TEST(StalledReceiverTest, DoesNotReturn) { RunWith(Stall::kDoesNotReturn); }

}  // namespace
}  // namespace hawser
