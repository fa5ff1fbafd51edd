// Ends of RDMA connections that mean harm, on the fake NIC: refused or ended for a reason with a
// name, and nothing is left of them.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "tests/transport/rdma/raw_rdma.h"
#include "tests/transport/rdma/rdma_pair.h"
#include "transport/rdma/private_data.h"

namespace hawser {
namespace {

constexpr char kHostA[] = "10.0.0.1";

// Host b is the one that others mean harm to; they sit at host a.
class RdmaHostileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    pair_.Open();
    request_ = *pair_.a.provider->Ask(pair_.b.provider->addresses(), /*epoch=*/3);
  }
  // Private data that b takes.
  std::string GoodRequest(uint32_t slot_bytes = 8192) {
    std::string text;
    EXPECT_EQ(pair_.b.provider->Issue(pair_.parties, request_, &ticket_, &text),
              CloseReason::kNone);
    ConnectData data;
    data.security = ticket_.security;
    data.ticket_id = ticket_.id;
    data.dialler = pair_.parties.dialler;
    data.dialler_incarnation = pair_.parties.dialler_incarnation;
    data.epoch = request_.epoch;
    data.slot_bytes = slot_bytes;
    ConnectProof proof;
    proof.acceptor = pair_.parties.acceptor;
    proof.acceptor_incarnation = pair_.parties.acceptor_incarnation;
    proof.nonce = request_.nonce;
    ParseIp(request_.source_address, &proof.source_address);
    return EncodeConnect(data, ticket_.key, proof);
  }
  bool Dial(RawRdma* raw, const std::string& data) {
    return raw->Dial(pair_.b.provider->listen_address(), data) &&
           RunUntil(raw, [raw] { return raw->state() != RawRdma::State::kConnecting; });
  }
  // Connects as a peer that was let in.
  void Open(RawRdma* raw) {
    ASSERT_TRUE(Dial(raw, GoodRequest()));
    ASSERT_EQ(raw->state(), RawRdma::State::kUp);
    ASSERT_TRUE(RunUntil(raw, [&] { return pair_.b.user.up; }));
  }
  bool RunUntil(RawRdma* raw, const std::function<bool()>& done, int64_t for_ms = 10000) {
    return pair_.RunUntil(
        [&] {
          raw->Poll();
          return done();
        },
        for_ms);
  }
  void ExpectNothingReserved() {
    const FakeNicCounters& counters = pair_.b.nic->counters();
    EXPECT_EQ(counters.registrations, 0u);
    EXPECT_EQ(counters.qps, 0);
    EXPECT_EQ(counters.ids, 1);  // the listener
    EXPECT_EQ(pair_.b.accepted, 0);
  }

  RdmaPair pair_;
  TicketRequest request_;
  Ticket ticket_;
};

TEST_F(RdmaHostileTest, PrivateDataOfEveryLength) {
  const std::string good = GoodRequest();
  for (size_t bytes = 0; bytes < good.size(); ++bytes) {
    RawRdma raw(pair_.a.nic, kHostA);
    ASSERT_TRUE(Dial(&raw, good.substr(0, bytes)));
    ASSERT_EQ(raw.state(), RawRdma::State::kRejected) << bytes;
    EXPECT_EQ(DecodeReject(raw.told()), CloseReason::kUnauthenticated);
  }
  ExpectNothingReserved();
  RawRdma raw(pair_.a.nic, kHostA);
  // The longest of these, padded, named the ticket and used it up.
  ASSERT_TRUE(Dial(&raw, GoodRequest()));
  EXPECT_EQ(raw.state(), RawRdma::State::kUp);
}

TEST_F(RdmaHostileTest, SlotSizesThatCannotBe) {
  for (const uint32_t bytes : {0U, 1U, 4096U, 9000U, 128U * 1024, ~0U}) {
    RawRdma raw(pair_.a.nic, kHostA);
    ASSERT_TRUE(Dial(&raw, GoodRequest(bytes)));
    ASSERT_EQ(raw.state(), RawRdma::State::kRejected) << bytes;
    EXPECT_EQ(DecodeReject(raw.told()), CloseReason::kBadHello);
  }
  ExpectNothingReserved();
}

TEST_F(RdmaHostileTest, AFloodOfRequestsReservesNothing) {
  for (int i = 0; i < 500; ++i) {
    RawRdma raw(pair_.a.nic, kHostA);
    ASSERT_TRUE(Dial(&raw, std::string(56, static_cast<char>(i))));
    ASSERT_EQ(raw.state(), RawRdma::State::kRejected);
  }
  ExpectNothingReserved();
}

// Its request was taken and it never says that it is there.
TEST_F(RdmaHostileTest, AConnectionThatIsNeverEstablished) {
  RawRdma raw(pair_.a.nic, kHostA);
  ASSERT_TRUE(raw.Dial(pair_.b.provider->listen_address(), GoodRequest()));
  ASSERT_TRUE(RunUntil(&raw, [&] { return pair_.b.provider->links() == 1; }));
  pair_.fabric.Cut(kHostA, "10.0.0.2", true);
  const int64_t began_ns = pair_.fabric.now_ns();
  ASSERT_TRUE(RunUntil(&raw, [&] { return pair_.b.provider->links() == 0; }));
  EXPECT_LE(pair_.fabric.now_ns() - began_ns, 2100 * int64_t{1000000});
  EXPECT_EQ(pair_.b.accepted, 0);
  EXPECT_EQ(pair_.b.nic->counters().qps, 0);
  EXPECT_EQ(pair_.b.nic->counters().regions, 0);
}

TEST_F(RdmaHostileTest, EventsThatComeTwice) {
  RawRdma raw(pair_.a.nic, kHostA);
  Open(&raw);
  pair_.b.nic->RaiseCm(RDMA_CM_EVENT_ESTABLISHED);
  ASSERT_TRUE(raw.Send(TestFrame(FrameType::kData, "x")));
  ASSERT_TRUE(RunUntil(&raw, [&] { return pair_.b.user.frames_seen == 1; }));
  EXPECT_EQ(pair_.b.accepted, 1);
}

TEST_F(RdmaHostileTest, FramesOfNoBytesAndOfOne) {
  RawRdma raw(pair_.a.nic, kHostA);
  Open(&raw);
  ASSERT_TRUE(raw.Send(""));
  ASSERT_TRUE(raw.Send("x"));
  // The session refuses them, as it does on gRPC.
  ASSERT_TRUE(RunUntil(&raw, [&] { return pair_.b.user.frames_seen == 2; }));
  EXPECT_EQ(pair_.b.user.frames[0], "");
  EXPECT_EQ(pair_.b.user.frames[1], "x");
}

TEST_F(RdmaHostileTest, ShortFramesWhereMacsWereAgreed) {
  for (const size_t bytes : {0, 1, 15, 16, 17, 31, 32, 8192}) {
    RdmaPair pair;
    pair.b.options.rdma_security = RdmaSecurity::kMac;
    pair.Open();
    ASSERT_TRUE(pair.Connect());
    pair.a.Send(TestFrame(FrameType::kHello, "who I am"));
    ASSERT_TRUE(pair.RunUntil([&] { return pair.b.user.frames_seen == 1; }));
    // Behind the link's back: it would seal the frame.
    auto* const qp = static_cast<RdmaLink*>(pair.a.user.link)->id()->qp;
    const FrameBuffer frame = pair.a.user.link->Allocate(100);
    std::memset(frame.data, 0x11, bytes);
    ibv_sge piece = {reinterpret_cast<uint64_t>(frame.data), static_cast<uint32_t>(bytes), 1};
    ibv_send_wr request{};
    request.sg_list = &piece;
    request.num_sge = bytes == 0 ? 0 : 1;
    request.opcode = IBV_WR_SEND;
    ibv_send_wr* bad;
    ASSERT_EQ(PostSend(qp, &request, &bad), 0);
    ASSERT_TRUE(pair.RunUntil([&] { return !pair.b.user.garbage.empty(); }, 100)) << bytes;
    EXPECT_EQ(pair.b.user.frames_seen, 1u);
  }
}

TEST_F(RdmaHostileTest, AFrameLargerThanTheSlot) {
  RawRdma raw(pair_.a.nic, kHostA);
  Open(&raw);
  ASSERT_TRUE(raw.Send(std::string(8193, 'x')));
  ASSERT_TRUE(RunUntil(&raw, [&] { return pair_.b.user.down; }));
  EXPECT_EQ(pair_.b.user.down_text.find("a frame larger than its slot"), 0u);
  EXPECT_EQ(pair_.b.user.frames_seen, 0u);
  EXPECT_TRUE(RunUntil(&raw, [&] { return pair_.b.provider->links() == 0; }));
}

// Twice what is posted, at once: the NIC makes it wait, nothing is overwritten. The session closes
// for credit_overrun.
TEST_F(RdmaHostileTest, FramesFarBeyondCredit) {
  RawRdma raw(pair_.a.nic, kHostA);
  Open(&raw);
  for (int i = 0; i < 512; ++i) {
    ASSERT_TRUE(raw.Send(TestFrame(FrameType::kData, std::to_string(i))));
  }
  pair_.fabric.RunFor(1000000);
  EXPECT_GT(pair_.b.nic->counters().not_ready, 0u);
  const int64_t began_ns = pair_.fabric.now_ns();
  ASSERT_TRUE(RunUntil(&raw, [&] { return pair_.b.user.frames_seen == 512; }));
  // 640 us a wait, not the 655 ms of a timer that was not set.
  EXPECT_LE(pair_.fabric.now_ns() - began_ns, 20 * int64_t{1000000});
  for (int i = 0; i < 512; ++i) {
    ASSERT_EQ(pair_.b.user.frames[i].substr(16), std::to_string(i));
  }
  EXPECT_FALSE(pair_.b.user.down);
}

// It posted two receives and no more.
TEST_F(RdmaHostileTest, APeerThatStopsReposting) {
  RawRdma raw(pair_.a.nic, kHostA, /*receives=*/2);
  Open(&raw);
  const std::string frame = TestFrame(FrameType::kData, std::string(1000, 'x'));
  while (pair_.b.user.link->writable()) pair_.b.Send(frame);
  EXPECT_FALSE(RunUntil(
      &raw, [&] { return pair_.b.user.link->writable(); }, 1000));
  EXPECT_EQ(raw.received().size(), 2u);
  // Control frames of a session are bounded by credit; what is not ends the link.
  for (int i = 0; i < 9000 && !pair_.b.user.down; ++i) {
    pair_.b.Send(frame);
    if (i % 100 == 0) pair_.Poll();
  }
  ASSERT_TRUE(RunUntil(&raw, [&] { return pair_.b.user.down; }));
  EXPECT_EQ(pair_.b.user.down_text, "too many frames wait for a slot");
  EXPECT_TRUE(RunUntil(&raw, [&] { return pair_.b.nic->counters().regions == 0; }));
}

TEST_F(RdmaHostileTest, APeerThatStopsRepostingIsLeftInTime) {
  RawRdma raw(pair_.a.nic, kHostA, /*receives=*/2);
  Open(&raw);
  for (int i = 0; i < 40; ++i) pair_.b.Send(TestFrame(FrameType::kData, "x"));
  pair_.b.Send(TestFrame(FrameType::kGoaway, ""));
  pair_.b.user.link->Close();
  EXPECT_TRUE(RunUntil(
      &raw, [&] { return pair_.b.provider->links() == 0; }, 350));
}

// Who answers in the acceptor's stead has no key.
TEST_F(RdmaHostileTest, AnswersOfEveryLengthThatProveNothing) {
  for (size_t bytes = 0; bytes <= 196; ++bytes) {
    RawRdma raw(pair_.b.nic, "10.0.0.2");
    AcceptData data;
    data.security = RdmaSecurity::kTrustFabric;
    data.slot_bytes = 8192;
    std::string answer = EncodeAccept(data, TicketKey{}, std::string(56, '\0'));
    answer.resize(bytes, '\1');
    GoodRequest();
    ticket_.addresses = {raw.Listen(answer)};
    RecordingUser user;
    user.link = pair_.a.provider->Redeem(pair_.parties, request_, ticket_, &user);
    ASSERT_NE(user.link, nullptr);
    ASSERT_TRUE(RunUntil(&raw, [&] { return user.down; })) << bytes;
    EXPECT_TRUE(user.unauthenticated);
    EXPECT_FALSE(user.up);
    EXPECT_EQ(pair_.a.provider->links(), 0u);
    EXPECT_EQ(pair_.a.nic->counters().regions, 0);
  }
}

TEST_F(RdmaHostileTest, RejectsOfEveryLengthThatSayNothing) {
  for (size_t bytes = 0; bytes <= 148; ++bytes) {
    RawRdma raw(pair_.b.nic, "10.0.0.2");
    GoodRequest();
    ticket_.addresses = {raw.Listen(std::string(bytes, 'H'), /*reject=*/true)};
    RecordingUser user;
    user.link = pair_.a.provider->Redeem(pair_.parties, request_, ticket_, &user);
    ASSERT_TRUE(RunUntil(&raw, [&] { return user.down; })) << bytes;
    EXPECT_EQ(user.down_text, "nobody listens there, or it refuses (status 28)");
    EXPECT_EQ(pair_.a.nic->counters().regions, 0);
  }
}

// Descriptors that the process may have, from now on.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit now = {limit, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &now);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

TEST(RdmaDescriptorsTest, ThereAreNone) {
  FakeFabric fabric;
  FakeNic* nic = fabric.AddNic({kHostA});
  Options options;
  options.node_id = 1;
  options.listen_address = std::string(kHostA) + ":7000";
  options.allow_insecure_network = true;
  {
    const DescriptorLimit none(0);
    auto refused = RdmaProvider::Create(options, nic);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.status().message(), "cannot create an eventfd: Too many open files");
  }
  auto provider = RdmaProvider::Create(options, nic);
  ASSERT_TRUE(provider.ok());
  {
    const DescriptorLimit none(0);
    EXPECT_EQ((*provider)->WaitFd(), -1);
  }
  EXPECT_GE((*provider)->WaitFd(), 0);
}

}  // namespace
}  // namespace hawser
