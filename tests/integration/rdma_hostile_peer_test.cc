// Ends of RDMA connections that mean harm, over real verbs: refused or closed for a reason with a
// name, and a good peer goes on. Skipped where there is no RDMA device.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/little_endian.h"
#include "tests/integration/rdma_fixture.h"
#include "tests/support/raw_grpc.h"
#include "tests/support/recording_raft.h"
#include "tests/support/test_messages.h"
#include "tests/transport/rdma/raw_rdma.h"
#include "transport/control.h"
#include "transport/rdma/private_data.h"

namespace hawser {
namespace {

constexpr uint64_t kIncarnation = 4711;
constexpr uint32_t kCredit = 512;

// Node 2, and the hostile node 1: a gRPC stream that keeps the rules, and RDMA that does not.
class RdmaHostilePeerTest : public RdmaFixture {
 protected:
  void SetUp() override {
    RdmaFixture::SetUp();
    if (IsSkipped()) return;
    Options options = OptionsOf(2);
    // It answers no ping on gRPC.
    options.peer_silent_ms = 30000;
    b_ = *Transport::Create(options, &raft_b_);
    ASSERT_TRUE(b_->AddPeer(1, {}).ok());
    ASSERT_TRUE(b_->Start().ok());
    OpenGrpc();
  }

  bool ReadUntil(FrameType type, RawFrame* found) {
    while (true) {
      for (size_t i = 0; i < read_.size(); ++i) {
        if (read_[i].header.type != type) continue;
        *found = read_[i];
        read_.erase(read_.begin() + static_cast<ptrdiff_t>(i));
        return true;
      }
      std::vector<RawFrame> more;
      if (!grpc_->Read(&more)) return false;
      read_.insert(read_.end(), more.begin(), more.end());
    }
  }
  void Say(FrameType type, const std::string& body) {
    ASSERT_TRUE(grpc_->Write(FramesMessage({RawControlFrame(type, body, kCredit)})));
  }
  void OpenGrpc() {
    grpc_ = std::make_unique<RawGrpcClient>(b_->listen_address());
    ASSERT_TRUE(grpc_->Start());
    Say(FrameType::kHello, EncodeHello(RawHello(1, 2, kIncarnation)));
    RawFrame frame;
    ASSERT_TRUE(ReadUntil(FrameType::kHello, &frame));
    ASSERT_EQ(DecodeHello(frame.body, &hello_), CloseReason::kNone);
    Say(FrameType::kFence, FenceBody(0, 0, 1));
    ASSERT_TRUE(ReadUntil(FrameType::kFence, &frame));
    const auto fence = LoadLittle<uint32_t>(frame.body.data() + 8);
    ASSERT_TRUE(ReadUntil(FrameType::kStart, &frame));
    Say(FrameType::kStart, StartBody(1, fence));
    ASSERT_TRUE(WaitUntil([&] { return OnlyPeer(b_.get()).state == PeerState::kUp; }));
  }
  // Private data with a ticket that is good.
  void AskForTicket() {
    TicketRequest request;
    request.request_id = ++requests_;
    request.epoch = 1;
    request.source_address = hosts_[0];
    Say(FrameType::kControl, EncodeTicketRequest(request));
    RawFrame frame;
    Control control;
    do {
      ASSERT_TRUE(ReadUntil(FrameType::kControl, &frame));
      ASSERT_TRUE(DecodeControl(frame.body, &control));
    } while (control.kind != Control::Kind::kTicket);
    ticket_ = control.ticket;
    ConnectData data;
    data.security = ticket_.security;
    data.ticket_id = ticket_.id;
    data.dialler = 1;
    data.dialler_incarnation = kIncarnation;
    data.epoch = request.epoch;
    data.slot_bytes = 8192;
    ConnectProof proof;
    proof.acceptor = 2;
    proof.acceptor_incarnation = hello_.incarnation;
    proof.nonce = request.nonce;
    ParseIp(request.source_address, &proof.source_address);
    private_data_ = EncodeConnect(data, ticket_.key, proof);
  }
  // Connects or is refused.
  std::unique_ptr<RawRdma> Dial(const std::string& private_data, uint32_t receives = 64) {
    auto raw = std::make_unique<RawRdma>(*LoadVerbs(), hosts_[0], receives);
    EXPECT_TRUE(raw->Dial(ticket_.addresses[0], private_data));
    EXPECT_TRUE(WaitUntil([&] {
      raw->Poll();
      return raw->state() != RawRdma::State::kConnecting;
    }));
    return raw;
  }
  // The hellos are said: the link is node 1's. nullptr: it is not.
  std::unique_ptr<RawRdma> OpenRdma(uint32_t receives = 64) {
    AskForTicket();
    std::unique_ptr<RawRdma> raw = Dial(private_data_, receives);
    if (raw->state() != RawRdma::State::kUp) return nullptr;
    Hello hello = RawHello(1, 2, kIncarnation);
    hello.frame_bytes_max = hello.receive_unit_bytes = 8192;
    const Mac proof = HelloProof(ticket_.key, /*dialler=*/true, private_data_, raw->told());
    hello.rdma_proof.assign(proof.begin(), proof.end());
    raw->Send(RawControlFrame(FrameType::kHello, EncodeHello(hello), kCredit));
    const auto polled = [&](const std::function<bool()>& done) {
      return WaitUntil([&] {
        raw->Poll();
        return done();
      });
    };
    if (!polled([&] { return !raw->received().empty(); })) return nullptr;
    // The dialler's first word; a fence that was seen says nothing else.
    raw->Send(RawControlFrame(FrameType::kFence, FenceBody(0, 0, 1), kCredit));
    return polled([&] { return OnlyPeer(b_.get()).connects == 2; }) ? std::move(raw) : nullptr;
  }
  // Why the link over RDMA ended; the stream on gRPC has not.
  std::string HowItEnds(RawRdma* raw) {
    EXPECT_TRUE(WaitUntil([&] {
      raw->Poll();
      return OnlyPeer(b_.get()).disconnects == 1;
    }));
    const PeerStatus status = OnlyPeer(b_.get());
    EXPECT_EQ(status.state, PeerState::kUp);
    EXPECT_EQ(status.link, LinkKind::kGrpc);
    return status.rdma_text;
  }
  std::string Data(uint32_t sequence, size_t bytes = 10) {
    FrameHeader header;
    header.type = FrameType::kData;
    header.lane = Lane::kAppend;
    header.count = 1;
    header.sequence = sequence;
    header.credit = kCredit;
    return RawFrameBytes(header, std::string(bytes, 'x'));
  }

  RecordingRaft raft_b_;
  std::unique_ptr<RawGrpcClient> grpc_;
  std::vector<RawFrame> read_;
  Hello hello_;
  uint32_t requests_ = 0;
  Ticket ticket_;
  std::string private_data_;
};

TEST_F(RdmaHostilePeerTest, PrivateDataThatProvesNothing) {
  AskForTicket();
  for (const size_t bytes : {0, 1, 8, 39, 40, 55}) {
    const auto raw = Dial(private_data_.substr(0, bytes));
    EXPECT_EQ(raw->state(), RawRdma::State::kRejected) << bytes;
    EXPECT_EQ(DecodeReject(raw->told()), CloseReason::kUnauthenticated) << bytes;
  }
  std::string forged = private_data_;
  forged[55] = static_cast<char>(forged[55] ^ 1);
  EXPECT_EQ(Dial(forged)->state(), RawRdma::State::kRejected);
  // That named the ticket, and used it up.
  EXPECT_EQ(Dial(private_data_)->state(), RawRdma::State::kRejected);
}

TEST_F(RdmaHostilePeerTest, ATicketIsGoodOnce) {
  AskForTicket();
  const auto first = Dial(private_data_);
  EXPECT_EQ(first->state(), RawRdma::State::kUp);
  EXPECT_EQ(Dial(private_data_)->state(), RawRdma::State::kRejected);
}

TEST_F(RdmaHostilePeerTest, AHelloWithoutTheProof) {
  AskForTicket();
  const auto raw = Dial(private_data_);
  ASSERT_EQ(raw->state(), RawRdma::State::kUp);
  raw->Send(RawControlFrame(FrameType::kHello, EncodeHello(RawHello(1, 2, kIncarnation)), kCredit));
  EXPECT_TRUE(WaitUntil([&] {
    raw->Poll();
    return raw->state() == RawRdma::State::kDown;
  }));
  EXPECT_EQ(OnlyPeer(b_.get()).connects, 1u);
}

TEST_F(RdmaHostilePeerTest, SilenceInsteadOfAHello) {
  AskForTicket();
  const auto raw = Dial(private_data_);
  EXPECT_TRUE(WaitUntil([&] {
    raw->Poll();
    return raw->state() == RawRdma::State::kDown;
  }));
}

TEST_F(RdmaHostilePeerTest, AFrameLargerThanTheSlot) {
  const auto raw = OpenRdma();
  ASSERT_NE(raw, nullptr);
  raw->Send(Data(1, 8193));
  EXPECT_EQ(HowItEnds(raw.get()).find("link_error: "), 0u) << OnlyPeer(b_.get()).rdma_text;
}

TEST_F(RdmaHostilePeerTest, AFrameOfNoBytes) {
  const auto raw = OpenRdma();
  ASSERT_NE(raw, nullptr);
  raw->Send("");
  EXPECT_EQ(HowItEnds(raw.get()).find("bad_frame: "), 0u) << OnlyPeer(b_.get()).rdma_text;
}

TEST_F(RdmaHostilePeerTest, AFrameThatIsTooShort) {
  const auto raw = OpenRdma();
  ASSERT_NE(raw, nullptr);
  raw->Send("x");
  EXPECT_EQ(HowItEnds(raw.get()).find("bad_frame: "), 0u) << OnlyPeer(b_.get()).rdma_text;
}

TEST_F(RdmaHostilePeerTest, DataWithoutAnEpoch) {
  const auto raw = OpenRdma();
  ASSERT_NE(raw, nullptr);
  raw->Send(Data(1));
  EXPECT_EQ(HowItEnds(raw.get()).find("bad_epoch: "), 0u) << OnlyPeer(b_.get()).rdma_text;
}

TEST_F(RdmaHostilePeerTest, AWrongSequence) {
  const auto raw = OpenRdma();
  ASSERT_NE(raw, nullptr);
  FrameHeader header;
  header.type = FrameType::kAck;
  header.sequence = 7;
  header.credit = kCredit;
  raw->Send(RawFrameBytes(header, ""));
  EXPECT_EQ(HowItEnds(raw.get()).find("bad_sequence: "), 0u) << OnlyPeer(b_.get()).rdma_text;
}

// Its queue pair retries for ever, the node does not.
TEST_F(RdmaHostilePeerTest, APeerThatStopsReposting) {
  b_.reset();
  Options options = OptionsOf(2);
  options.peer_silent_ms = 3000;
  b_ = *Transport::Create(options, &raft_b_);
  ASSERT_TRUE(b_->AddPeer(1, {}).ok());
  ASSERT_TRUE(b_->Start().ok());
  read_.clear();
  OpenGrpc();
  const auto raw = OpenRdma(/*receives=*/2);
  ASSERT_NE(raw, nullptr);
  EXPECT_TRUE(WaitUntil([&] {
    raw->Poll();
    return OnlyPeer(b_.get()).disconnects >= 1;
  }));
}

}  // namespace
}  // namespace hawser
