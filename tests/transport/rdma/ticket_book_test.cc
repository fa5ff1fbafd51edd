// Tickets and private data: only who asked, once, in time, from where it said.

#include "transport/rdma/ticket_book.h"

#include <gtest/gtest.h>

#include <string>

namespace hawser {
namespace {

constexpr int64_t kMs = 1000000;

class TicketBookTest : public ::testing::Test {
 protected:
  TicketBookTest() {
    request_.request_id = 5;
    request_.epoch = 3;
    request_.source_address = "10.0.0.1";
    request_.nonce.fill(7);
    EXPECT_EQ(book_.Issue(parties_, request_, RdmaSecurity::kTrustFabric, 0, &ticket_),
              CloseReason::kNone);
    data_.security = RdmaSecurity::kTrustFabric;
    data_.ticket_id = ticket_.id;
    data_.dialler = 1;
    data_.dialler_incarnation = 11;
    data_.epoch = 3;
    data_.slot_bytes = 8192;
    proof_.acceptor = 2;
    proof_.acceptor_incarnation = 22;
    proof_.nonce = request_.nonce;
    ParseIp("10.0.0.1", &proof_.source_address);
  }
  std::string Connect() const { return EncodeConnect(data_, ticket_.key, proof_); }
  CloseReason Redeem(const std::string& data, int64_t now_ns = 0,
                     const std::string& source = "10.0.0.1") {
    return book_.Redeem(data, source, now_ns, &redeemed_);
  }

  TicketBook book_{5000};
  TicketParties parties_{1, 11, 2, 22};
  TicketRequest request_;
  Ticket ticket_;
  ConnectData data_;
  ConnectProof proof_;
  TicketBook::Redeemed redeemed_;
};

TEST_F(TicketBookTest, AGoodTicketIsGoodOnce) {
  EXPECT_EQ(ticket_.request_id, 5u);
  EXPECT_EQ(ticket_.ttl_ms, 5000u);
  EXPECT_EQ(Connect().size(), 56u);
  EXPECT_EQ(Redeem(Connect(), 4999 * kMs), CloseReason::kNone);
  EXPECT_EQ(redeemed_.parties.dialler, 1u);
  EXPECT_EQ(redeemed_.slot_bytes, 8192u);
  EXPECT_EQ(redeemed_.key, ticket_.key);
  EXPECT_EQ(Redeem(Connect(), 4999 * kMs), CloseReason::kUnauthenticated);
  EXPECT_EQ(book_.size(), 0u);
}

TEST_F(TicketBookTest, PrivateDataOfEveryLength) {
  const std::string whole = Connect() + std::string(200, '\0');
  for (size_t bytes = 0; bytes < 56; ++bytes) {
    EXPECT_EQ(Redeem(whole.substr(0, bytes)), CloseReason::kUnauthenticated) << bytes;
  }
  // Nothing of that used it up; padding behind it is usual.
  EXPECT_EQ(Redeem(whole.substr(0, 256)), CloseReason::kNone);
}

TEST_F(TicketBookTest, EveryBitCounts) {
  const std::string good = Connect();
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    TicketBook book(5000);
    Ticket ticket;
    ASSERT_EQ(book.Issue(parties_, request_, RdmaSecurity::kTrustFabric, 0, &ticket),
              CloseReason::kNone);
    ConnectData data = data_;
    data.ticket_id = ticket.id;
    std::string bad = EncodeConnect(data, ticket.key, proof_);
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(book.Redeem(bad, "10.0.0.1", 0, &redeemed_), CloseReason::kUnauthenticated) << bit;
  }
}

TEST_F(TicketBookTest, AnExpiredTicket) {
  EXPECT_EQ(Redeem(Connect(), 5000 * kMs), CloseReason::kUnauthenticated);
}

TEST_F(TicketBookTest, FromAnotherAddress) {
  EXPECT_EQ(Redeem(Connect(), 0, "10.0.0.3"), CloseReason::kUnauthenticated);
  EXPECT_EQ(Redeem(Connect()), CloseReason::kUnauthenticated) << "it was used up";
}

TEST_F(TicketBookTest, AForeignKey) {
  TicketKey key = ticket_.key;
  key[0] ^= 1;
  EXPECT_EQ(Redeem(EncodeConnect(data_, key, proof_)), CloseReason::kUnauthenticated);
}

TEST_F(TicketBookTest, ForAnotherAcceptorOrNonce) {
  ConnectProof proof = proof_;
  proof.acceptor_incarnation = 23;
  EXPECT_EQ(Redeem(EncodeConnect(data_, ticket_.key, proof)), CloseReason::kUnauthenticated);
}

TEST_F(TicketBookTest, ASecurityThatWasNotAgreed) {
  data_.security = RdmaSecurity::kMac;
  EXPECT_EQ(Redeem(Connect()), CloseReason::kUnauthenticated);
}

TEST_F(TicketBookTest, ANewerTicketVoidsTheOlder) {
  const std::string old = Connect();
  Ticket newer;
  ASSERT_EQ(book_.Issue(parties_, request_, RdmaSecurity::kTrustFabric, 0, &newer),
            CloseReason::kNone);
  EXPECT_EQ(book_.size(), 1u);
  EXPECT_EQ(Redeem(old), CloseReason::kUnauthenticated);
  data_.ticket_id = newer.id;
  EXPECT_EQ(Redeem(EncodeConnect(data_, newer.key, proof_)), CloseReason::kNone);
}

TEST_F(TicketBookTest, ATicketDiesWithItsLink) {
  book_.Void(1);
  EXPECT_EQ(Redeem(Connect()), CloseReason::kUnauthenticated);
}

TEST_F(TicketBookTest, ASourceAddressThatIsNone) {
  request_.source_address = "somewhere";
  EXPECT_EQ(book_.Issue(parties_, request_, RdmaSecurity::kTrustFabric, 0, &ticket_),
            CloseReason::kBadFrame);
}

TEST(PrivateDataTest, AnAcceptProvesTheKeyForThisRequest) {
  TicketKey key{};
  AcceptData accept;
  accept.security = RdmaSecurity::kMac;
  accept.ticket_id = 4711;
  accept.slot_bytes = 16384;
  const std::string request(kConnectDataBytes, 'r');
  const std::string bytes = EncodeAccept(accept, key, request);
  ASSERT_EQ(bytes.size(), kAcceptDataBytes);
  const std::string padded = bytes + std::string(156, '\0');
  AcceptData read;
  ASSERT_TRUE(DecodeAccept(padded, &read));
  EXPECT_EQ(read.ticket_id, 4711u);
  EXPECT_EQ(read.slot_bytes, 16384u);
  EXPECT_EQ(read.security, RdmaSecurity::kMac);
  EXPECT_TRUE(AcceptMacHolds(padded, key, request));
  EXPECT_FALSE(AcceptMacHolds(padded, key, std::string(kConnectDataBytes, 's')));
  for (size_t length = 0; length < kAcceptDataBytes; ++length) {
    EXPECT_FALSE(DecodeAccept(padded.substr(0, length), &read));
  }
  EXPECT_NE(HelloProof(key, true, request, bytes), HelloProof(key, false, request, bytes));
}

TEST(PrivateDataTest, ARejectSaysWhy) {
  const std::string bytes = EncodeReject(CloseReason::kResourceExhausted);
  ASSERT_EQ(bytes.size(), 8u);
  EXPECT_EQ(DecodeReject(bytes + std::string(140, '\0')), CloseReason::kResourceExhausted);
  EXPECT_EQ(DecodeReject(""), CloseReason::kNone);
  EXPECT_EQ(DecodeReject(std::string(148, '\0')), CloseReason::kNone);
  std::string unknown = bytes;
  unknown[6] = '\xFF';
  EXPECT_EQ(DecodeReject(unknown), CloseReason::kNone);
}

}  // namespace
}  // namespace hawser
