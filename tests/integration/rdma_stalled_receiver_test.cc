// A receiver that stalls for seconds, or as long as HAWSER_STALL_SECONDS says, over real verbs.

#include "tests/integration/rdma_fixture.h"
#include "tests/integration/stalled_receiver.h"

namespace hawser {
namespace {

class RdmaStalledReceiverTest : public RdmaFixture {
 protected:
  void RunWith(StalledReceiver* stalled) {
    Options options[] = {OptionsOf(1), OptionsOf(2)};
    for (Options& side : options) stalled->Limit(&side);
    Open(options[0], stalled->sending(), options[1], stalled->receiving());
    stalled->Run(a_.get(), b_.get());
    EXPECT_EQ(OnlyPeer(a_.get()).link, LinkKind::kRdma);
  }

  StalledReceiver keeps_{Stall::kKeepsLeases};
  StalledReceiver does_not_return_{Stall::kDoesNotReturn};
};

TEST_F(RdmaStalledReceiverTest, KeepsLeases) { RunWith(&keeps_); }

TEST_F(RdmaStalledReceiverTest, DoesNotReturn) { RunWith(&does_not_return_); }

}  // namespace
}  // namespace hawser
