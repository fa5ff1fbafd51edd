// The fake NIC keeps to the rules of real ones: tests on it would prove nothing otherwise.

#include "tests/transport/rdma/fake_nic.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace hawser {
namespace {

// One end of a connection, made by hand.
struct End {
  FakeNic* nic = nullptr;
  rdma_event_channel* events = nullptr;
  rdma_cm_id* id = nullptr;
  ibv_pd* pd = nullptr;
  ibv_mr* region = nullptr;
  ibv_comp_channel* channel = nullptr;
  ibv_cq* queue = nullptr;
  std::string memory = std::string(4096, '\0');

  void Open(FakeNic* its_nic) {
    nic = its_nic;
    events = nic->CreateEventChannel();
  }
  void OpenQp(uint32_t sends, uint32_t receives) {
    pd = nic->AllocPd(id->verbs);
    region = nic->RegMr(pd, &memory[0], memory.size(), IBV_ACCESS_LOCAL_WRITE);
    channel = nic->CreateCompChannel(id->verbs);
    queue = nic->CreateCq(id->verbs, 64, nullptr, channel);
    ibv_qp_init_attr attributes{};
    attributes.send_cq = attributes.recv_cq = queue;
    attributes.cap = {sends, receives, 1, 1, 64};
    ASSERT_EQ(nic->CreateQp(id, pd, &attributes), 0);
  }
  int Send(size_t at, uint32_t bytes, unsigned flags = IBV_SEND_SIGNALED, uint32_t key = 0) {
    ibv_sge piece = {reinterpret_cast<uint64_t>(&memory[at]), bytes, key ? key : region->lkey};
    ibv_send_wr request{};
    request.wr_id = at;
    request.sg_list = &piece;
    request.num_sge = 1;
    request.opcode = IBV_WR_SEND;
    request.send_flags = flags;
    ibv_send_wr* bad;
    return PostSend(id->qp, &request, &bad);
  }
  int Receive(size_t at, uint32_t bytes) {
    ibv_sge piece = {reinterpret_cast<uint64_t>(&memory[at]), bytes, region->lkey};
    ibv_recv_wr request{};
    request.wr_id = at;
    request.sg_list = &piece;
    request.num_sge = 1;
    ibv_recv_wr* bad;
    return PostReceive(id->qp, &request, &bad);
  }
  // The status of the next completion; -1: there is none.
  int Next(ibv_wc* completion = nullptr) {
    ibv_wc here{};
    if (completion == nullptr) completion = &here;
    return PollCq(queue, 1, completion) == 0 ? -1 : completion->status;
  }
  rdma_cm_event_type Event(rdma_cm_id** which = nullptr) {
    rdma_cm_event* event;
    if (nic->GetCmEvent(events, &event) != 0) return RDMA_CM_EVENT_MULTICAST_ERROR;
    const rdma_cm_event_type type = event->event;
    if (which != nullptr) *which = event->id;
    nic->AckCmEvent(event);
    return type;
  }
  void Close() {
    if (id->qp != nullptr) nic->DestroyQp(id);
    nic->DestroyId(id);
    nic->DestroyCq(queue);
    nic->DestroyCompChannel(channel);
    nic->DeregMr(region);
    nic->DeallocPd(pd);
  }
};

class FakeNicTest : public ::testing::Test {
 protected:
  void Connect(const FakeFabricOptions& options = {}, uint32_t sends = 8) {
    fabric_.options = options;
    a_.Open(fabric_.AddNic({"10.0.0.1"}));
    b_.Open(fabric_.AddNic({"10.0.0.2"}));
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_port = htons(7000);
    inet_pton(AF_INET, "10.0.0.2", &target.sin_addr);
    listener_ = b_.nic->CreateId(b_.events);
    ASSERT_EQ(b_.nic->BindAddr(listener_, reinterpret_cast<sockaddr*>(&target)), 0);
    ASSERT_EQ(b_.nic->Listen(listener_, 1), 0);
    a_.id = a_.nic->CreateId(a_.events);
    ASSERT_EQ(a_.nic->ResolveAddr(a_.id, nullptr, reinterpret_cast<sockaddr*>(&target), 100), 0);
    fabric_.RunFor(0);
    ASSERT_EQ(a_.Event(), RDMA_CM_EVENT_ADDR_RESOLVED);
    a_.nic->SetAckTimeout(a_.id, 8);
    a_.OpenQp(sends, 8);
    rdma_conn_param parameters{};
    parameters.retry_count = 1;
    parameters.rnr_retry_count = 7;
    ASSERT_EQ(a_.nic->Connect(a_.id, &parameters), 0);
    fabric_.RunFor(10000);
    ASSERT_EQ(b_.Event(&b_.id), RDMA_CM_EVENT_CONNECT_REQUEST);
    b_.OpenQp(8, 8);
    ASSERT_EQ(b_.nic->Accept(b_.id, &parameters), 0);
    fabric_.RunFor(10000);
    ASSERT_EQ(a_.Event(), RDMA_CM_EVENT_ESTABLISHED);
    ASSERT_EQ(b_.Event(), RDMA_CM_EVENT_ESTABLISHED);
  }
  ~FakeNicTest() override {
    a_.Close();
    b_.Close();
    b_.nic->DestroyId(listener_);
    a_.nic->DestroyEventChannel(a_.events);
    b_.nic->DestroyEventChannel(b_.events);
    EXPECT_TRUE(a_.nic->counters().NothingLeft());
    EXPECT_TRUE(b_.nic->counters().NothingLeft());
  }

  FakeFabric fabric_;
  End a_;
  End b_;
  rdma_cm_id* listener_ = nullptr;
};

TEST_F(FakeNicTest, BytesAreSeenAtTheCompletionAndNotBefore) {
  Connect();
  ASSERT_EQ(b_.Receive(0, 100), 0);
  std::memcpy(&a_.memory[0], "hello", 5);
  ASSERT_EQ(a_.Send(0, 5), 0);
  fabric_.RunFor(100000);
  EXPECT_EQ(b_.memory[0], '\xDD');
  ibv_wc completion{};
  ASSERT_EQ(b_.Next(&completion), IBV_WC_SUCCESS);
  EXPECT_EQ(completion.byte_len, 5u);
  EXPECT_EQ(b_.memory.substr(0, 5), "hello");
  EXPECT_EQ(a_.Next(), IBV_WC_SUCCESS);
}

TEST_F(FakeNicTest, MemoryIsReadWhenItLeavesUnlessInlined) {
  FakeFabricOptions options;
  options.bytes_per_second = 1000000;
  Connect(options);
  ASSERT_EQ(b_.Receive(0, 100), 0);
  ASSERT_EQ(b_.Receive(100, 100), 0);
  std::memcpy(&a_.memory[0], "aaaa", 4);
  ASSERT_EQ(a_.Send(0, 4, IBV_SEND_INLINE), 0);
  std::memcpy(&a_.memory[0], "bbbb", 4);
  ASSERT_EQ(a_.Send(0, 4), 0);
  std::memcpy(&a_.memory[0], "cccc", 4);
  fabric_.RunFor(1000000);
  ASSERT_EQ(b_.Next(), IBV_WC_SUCCESS);
  ASSERT_EQ(b_.Next(), IBV_WC_SUCCESS);
  EXPECT_EQ(b_.memory.substr(0, 4), "aaaa");
  EXPECT_EQ(b_.memory.substr(100, 4), "cccc");
}

// The send queue's places come back with a completion that is fetched, not with the send.
TEST_F(FakeNicTest, UnsignalledSendsFillTheQueue) {
  Connect();
  for (int i = 0; i < 8; ++i) ASSERT_EQ(b_.Receive(0, 100), 0);
  for (int i = 0; i < 7; ++i) ASSERT_EQ(a_.Send(0, 1, 0), 0);
  ASSERT_EQ(a_.Send(0, 1), 0);
  fabric_.RunFor(1000000);
  EXPECT_EQ(a_.Send(0, 1), ENOMEM);
  EXPECT_EQ(a_.Next(), IBV_WC_SUCCESS);
  EXPECT_EQ(a_.Next(), -1);
  EXPECT_EQ(a_.Send(0, 1), 0);
}

TEST_F(FakeNicTest, AReceiverThatIsNotReadyDelaysAndNothingIsLostOrRepeated) {
  Connect();
  ibv_qp_attr attributes{};
  attributes.min_rnr_timer = 12;
  ASSERT_EQ(b_.nic->ModifyQp(b_.id->qp, &attributes, IBV_QP_MIN_RNR_TIMER), 0);
  ASSERT_EQ(b_.Receive(0, 10), 0);
  for (int i = 0; i < 3; ++i) {
    a_.memory[i] = static_cast<char>('a' + i);
    ASSERT_EQ(a_.Send(i, 1), 0);
  }
  fabric_.RunFor(100000);
  EXPECT_GE(b_.nic->counters().not_ready, 1u);
  ASSERT_EQ(b_.Next(), IBV_WC_SUCCESS);
  EXPECT_EQ(b_.Next(), -1);
  ASSERT_EQ(b_.Receive(10, 10), 0);
  ASSERT_EQ(b_.Receive(20, 10), 0);
  fabric_.RunFor(700000);
  ASSERT_EQ(b_.Next(), IBV_WC_SUCCESS);
  ASSERT_EQ(b_.Next(), IBV_WC_SUCCESS);
  EXPECT_EQ(b_.memory[0], 'a');
  EXPECT_EQ(b_.memory[10], 'b');
  EXPECT_EQ(b_.memory[20], 'c');
}

// Left alone, the timer is the connection manager's: 655 ms.
TEST_F(FakeNicTest, TheTimerOfAReceiverThatSetsNoneIsLong) {
  Connect();
  ASSERT_EQ(a_.Send(0, 1), 0);
  fabric_.RunFor(100000);
  ASSERT_EQ(b_.Receive(0, 10), 0);
  fabric_.RunFor(600 * 1000000);
  EXPECT_EQ(b_.Next(), -1);
  fabric_.RunFor(100 * 1000000);
  EXPECT_EQ(b_.Next(), IBV_WC_SUCCESS);
}

TEST_F(FakeNicTest, ACutWireIsRetryExceededAndTheRestIsFlushed) {
  Connect();
  ASSERT_EQ(a_.Receive(0, 10), 0);
  fabric_.Cut("10.0.0.1", "10.0.0.2", true);
  ASSERT_EQ(a_.Send(0, 1, 0), 0);
  ASSERT_EQ(a_.Send(0, 1, 0), 0);
  fabric_.RunFor(10 * 1000000);
  ibv_wc completion{};
  EXPECT_EQ(a_.Next(&completion), IBV_WC_RETRY_EXC_ERR);
  EXPECT_NE(completion.opcode, IBV_WC_SEND);
  EXPECT_EQ(a_.Next(), IBV_WC_WR_FLUSH_ERR);
  EXPECT_EQ(a_.Next(), IBV_WC_WR_FLUSH_ERR);
  EXPECT_EQ(a_.Next(), -1);
}

TEST_F(FakeNicTest, KeysBoundsAndLengthsAreChecked) {
  Connect();
  EXPECT_EQ(a_.Send(0, 65, IBV_SEND_INLINE), EINVAL);
  ASSERT_EQ(b_.Receive(0, 10), 0);
  ASSERT_EQ(a_.Send(0, 11), 0);
  fabric_.RunFor(100000);
  EXPECT_EQ(b_.Next(), IBV_WC_LOC_LEN_ERR);
  EXPECT_EQ(a_.Next(), IBV_WC_REM_INV_REQ_ERR);
}

TEST_F(FakeNicTest, AForeignKeyIsAProtectionError) {
  Connect();
  ASSERT_EQ(b_.Receive(0, 10), 0);
  ASSERT_EQ(a_.Send(0, 5, IBV_SEND_SIGNALED, 4711), 0);
  fabric_.RunFor(100000);
  EXPECT_EQ(a_.Next(), IBV_WC_LOC_PROT_ERR);
}

TEST_F(FakeNicTest, AnArmedQueueTellsOnce) {
  Connect();
  for (int i = 0; i < 4; ++i) ASSERT_EQ(b_.Receive(0, 10), 0);
  ASSERT_EQ(RequestNotify(b_.queue, /*solicited_only=*/true), 0);
  ASSERT_EQ(a_.Send(0, 1), 0);
  fabric_.RunFor(100000);
  ibv_cq* queue;
  EXPECT_EQ(b_.nic->GetCqEvent(b_.channel, &queue), EAGAIN);
  ASSERT_EQ(a_.Send(0, 1, IBV_SEND_SOLICITED), 0);
  ASSERT_EQ(a_.Send(0, 1, IBV_SEND_SOLICITED), 0);
  fabric_.RunFor(100000);
  EXPECT_EQ(b_.nic->GetCqEvent(b_.channel, &queue), 0);
  EXPECT_EQ(b_.nic->GetCqEvent(b_.channel, &queue), EAGAIN);
  b_.nic->AckCqEvents(queue, 1);
}

// The trap that costs a wake-up: what lands just before the request tells nobody.
TEST_F(FakeNicTest, ACompletionCanLandBetweenPollAndArm) {
  FakeFabricOptions options;
  options.land_before_arm_ns = 100000;
  Connect(options);
  ASSERT_EQ(b_.Receive(0, 10), 0);
  ASSERT_EQ(a_.Send(0, 1, IBV_SEND_SOLICITED), 0);
  EXPECT_EQ(b_.Next(), -1);
  ASSERT_EQ(RequestNotify(b_.queue, true), 0);
  ibv_cq* queue;
  EXPECT_EQ(b_.nic->GetCqEvent(b_.channel, &queue), EAGAIN);
  EXPECT_EQ(b_.Next(), IBV_WC_SUCCESS);
}

TEST_F(FakeNicTest, ADisconnectFlushesOnSomeDevicesOnly) {
  FakeFabricOptions options;
  options.flush_on_disconnect = false;
  Connect(options);
  ASSERT_EQ(b_.Receive(0, 10), 0);
  ASSERT_EQ(a_.nic->Disconnect(a_.id), 0);
  fabric_.RunFor(100000);
  EXPECT_EQ(b_.Event(), RDMA_CM_EVENT_DISCONNECTED);
  EXPECT_EQ(b_.Next(), -1);
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_ERR;
  ASSERT_EQ(b_.nic->ModifyQp(b_.id->qp, &attributes, IBV_QP_STATE), 0);
  EXPECT_EQ(b_.Next(), IBV_WC_WR_FLUSH_ERR);
}

TEST_F(FakeNicTest, BandwidthAndLatencyAddUp) {
  FakeFabricOptions options;
  options.latency_ns = 5000;
  options.bytes_per_second = 1000000000;
  Connect(options);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(b_.Receive(0, 1000), 0);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(a_.Send(0, 1000), 0);
  fabric_.RunFor(7999);
  EXPECT_EQ(b_.Next(), IBV_WC_SUCCESS);
  EXPECT_EQ(b_.Next(), IBV_WC_SUCCESS);
  EXPECT_EQ(b_.Next(), -1);
  fabric_.RunFor(1);
  EXPECT_EQ(b_.Next(), IBV_WC_SUCCESS);
}

}  // namespace
}  // namespace hawser
