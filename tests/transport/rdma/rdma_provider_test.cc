// The provider on a fake NIC: who is let in, what fails, how it sleeps.

#include "transport/rdma/rdma_provider.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/transport/rdma/rdma_pair.h"

namespace hawser {
namespace {

TEST(RdmaProviderTest, AUsedTicketIsRejectedAndReservesNothing) {
  RdmaPair pair;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  const FakeNicCounters before = pair.b.nic->counters();
  RecordingUser again;
  again.link = pair.a.provider->Redeem(pair.parties, pair.request, pair.ticket, &again);
  ASSERT_TRUE(pair.RunUntil([&] { return again.down; }));
  EXPECT_TRUE(again.unauthenticated);
  EXPECT_EQ(again.down_text, "the other end refuses: unauthenticated");
  EXPECT_EQ(pair.b.nic->counters().qps, before.qps);
  EXPECT_EQ(pair.b.nic->counters().registrations, before.registrations);
  EXPECT_EQ(pair.b.nic->counters().ids, before.ids);
  EXPECT_EQ(pair.b.accepted, 1);
  // The link that used it goes on.
  pair.a.Send(TestFrame(FrameType::kData, "x"));
  EXPECT_TRUE(pair.RunUntil([&] { return pair.b.user.frames_seen == 1; }));
}

TEST(RdmaProviderTest, ATicketThatDiedOrExpired) {
  for (const bool expire : {false, true}) {
    RdmaPair pair;
    pair.Open();
    if (expire) pair.b.options.rdma_ticket_ms = 100;
    ASSERT_TRUE(pair.Dial());
    if (!expire) pair.b.provider->Void(1);
    if (expire) pair.fabric.RunFor(5001 * int64_t{1000000});
    ASSERT_TRUE(pair.RunUntil([&] { return pair.a.user.down; }));
    EXPECT_TRUE(pair.a.user.unauthenticated);
    EXPECT_EQ(pair.b.accepted, 0);
    EXPECT_EQ(pair.b.nic->counters().registrations, 0u);
  }
}

TEST(RdmaProviderTest, ForgedTicketsAndAForeignAcceptor) {
  RdmaPair pair;
  pair.Open();
  auto asked = pair.a.provider->Ask(pair.b.provider->addresses(), 0);
  ASSERT_TRUE(asked.ok());
  Ticket forged;
  forged.id = 4711;
  forged.security = RdmaSecurity::kTrustFabric;
  forged.addresses = pair.b.provider->addresses();
  pair.a.user.link = pair.a.provider->Redeem(pair.parties, *asked, forged, &pair.a.user);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.a.user.down; }));
  EXPECT_TRUE(pair.a.user.unauthenticated);
  EXPECT_EQ(pair.b.accepted, 0);
}

TEST(RdmaProviderTest, NobodyListensThere) {
  RdmaPair pair;
  pair.Open();
  auto asked = pair.a.provider->Ask(pair.b.provider->addresses(), 0);
  ASSERT_TRUE(asked.ok());
  Ticket ticket;
  ticket.security = RdmaSecurity::kTrustFabric;
  ticket.addresses = {"10.0.0.2:1"};
  pair.a.user.link = pair.a.provider->Redeem(pair.parties, *asked, ticket, &pair.a.user);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.a.user.down; }));
  EXPECT_EQ(pair.a.user.down_text, "nobody listens there, or it refuses (status 8)");
  EXPECT_TRUE(pair.NothingLeft());
}

TEST(RdmaProviderTest, TicketsThatMakeNoSense) {
  RdmaPair pair;
  pair.Open();
  auto asked = pair.a.provider->Ask(pair.b.provider->addresses(), 0);
  ASSERT_TRUE(asked.ok());
  Ticket ticket;
  ticket.security = RdmaSecurity::kTrustFabric;
  RecordingUser user;
  const std::vector<std::vector<std::string>> addresses = {
      {}, {""}, {"10.0.0.2"}, {"10.0.0.2:0"}, {"somewhere:80"}, {"[::1]:80"}};
  for (const auto& list : addresses) {
    ticket.addresses = list;
    EXPECT_EQ(pair.a.provider->Redeem(pair.parties, *asked, ticket, &user), nullptr);
  }
  ticket.addresses = pair.b.provider->addresses();
  for (const RdmaSecurity security : {RdmaSecurity::kUnset, RdmaSecurity::kAead}) {
    ticket.security = security;
    EXPECT_EQ(pair.a.provider->Redeem(pair.parties, *asked, ticket, &user), nullptr);
  }
  EXPECT_EQ(pair.a.provider->links(), 0u);
}

TEST(RdmaProviderTest, TheStricterEndsSecurityHolds) {
  for (const bool dialler_is_strict : {true, false}) {
    RdmaPair pair;
    (dialler_is_strict ? pair.a : pair.b).options.rdma_security = RdmaSecurity::kMac;
    pair.Open();
    ASSERT_TRUE(pair.Connect());
    EXPECT_EQ(pair.ticket.security, RdmaSecurity::kMac);
    EXPECT_TRUE(pair.a.user.link->has_trailer());
    EXPECT_TRUE(pair.b.user.link->has_trailer());
    EXPECT_EQ(pair.a.user.link->frame_bytes_max(), 8192u - 16);
  }
}

TEST(RdmaProviderTest, AnEndThatWantsWhatIsNotBuiltIsRefused) {
  RdmaPair pair;
  pair.a.options.rdma_security = RdmaSecurity::kAead;
  pair.Open();
  auto asked = pair.a.provider->Ask(pair.b.provider->addresses(), 0);
  ASSERT_TRUE(asked.ok());
  std::string text;
  EXPECT_EQ(pair.b.provider->Issue(pair.parties, *asked, &pair.ticket, &text),
            CloseReason::kNotBuilt);
}

TEST(RdmaProviderTest, MacsAreCheckedOnEveryFrame) {
  RdmaPair pair;
  pair.a.options.rdma_security = RdmaSecurity::kMac;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  const std::string hello = TestFrame(FrameType::kHello, "who I am");
  pair.a.Send(hello);
  pair.b.Send(hello);
  pair.a.Send(TestFrame(FrameType::kData, "first"));
  ASSERT_TRUE(pair.RunUntil([&] { return pair.b.user.frames_seen == 2; }));
  EXPECT_EQ(pair.b.user.frames[0], hello);
  EXPECT_EQ(pair.b.user.frames[1], TestFrame(FrameType::kData, "first"));
  // Bytes that change on the way: the frame's memory is read when it leaves.
  pair.fabric.options.bytes_per_second = 1000000;
  pair.a.SendUnflushed(TestFrame(FrameType::kData, std::string(3000, 'x')));
  pair.a.user.link->Flush();
  FrameBuffer next = pair.a.user.link->Allocate(100);
  next.data[-8192 + 500] ^= 1;
  ASSERT_TRUE(pair.RunUntil([&] { return !pair.b.user.garbage.empty(); }));
  EXPECT_EQ(pair.b.user.frames_seen, 2u);
}

TEST(RdmaProviderTest, AFrameBeforeHelloIsGarbageWhereMacsWereAgreed) {
  RdmaPair pair;
  pair.a.options.rdma_security = RdmaSecurity::kMac;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  pair.a.Send(TestFrame(FrameType::kData, "x"));
  ASSERT_TRUE(pair.RunUntil([&] { return !pair.b.user.garbage.empty(); }));
  EXPECT_EQ(pair.b.user.frames_seen, 0u);
}

TEST(RdmaProviderTest, WithTlsItMustBeAskedFor) {
  FakeFabric fabric;
  FakeNic* nic = fabric.AddNic({"10.0.0.1"});
  Options options;
  options.node_id = 1;
  options.listen_address = "10.0.0.1:7000";
  options.tls_certificate_file = "certificate.pem";
  auto provider = RdmaProvider::Create(options, nic);
  ASSERT_FALSE(provider.ok());
  EXPECT_EQ(provider.status().message().find("rdma_unprotected: "), 0u);
  options.rdma_security = RdmaSecurity::kTrustFabric;
  EXPECT_TRUE(RdmaProvider::Create(options, nic).ok());
}

TEST(RdmaProviderTest, PlainTextOnANetworkMustBeAskedFor) {
  FakeFabric fabric;
  FakeNic* nic = fabric.AddNic({"10.0.0.1"});
  Options options;
  options.node_id = 1;
  for (const char* address : {"127.0.0.1:0", "10.0.0.1:0", "0.0.0.0:0"}) {
    options.listen_address = address;
    EXPECT_FALSE(RdmaProvider::Create(options, nic).ok()) << address;
  }
  options.allow_insecure_network = true;
  EXPECT_TRUE(RdmaProvider::Create(options, nic).ok());
  options.listen_address = "127.0.0.1:0";
  EXPECT_FALSE(RdmaProvider::Create(options, nic).ok());
  options.rdma_listen_address = "10.0.0.1:0";
  EXPECT_TRUE(RdmaProvider::Create(options, nic).ok());
  options.rdma_listen_address = "10.9.9.9:0";
  EXPECT_FALSE(RdmaProvider::Create(options, nic).ok());
}

// What lands between the last look and the request for notification tells nobody.
TEST(RdmaProviderTest, ACompletionBetweenPollAndArmIsNotSleptOn) {
  FakeFabricOptions fabric;
  fabric.land_before_arm_ns = 5000;
  RdmaPair pair(fabric);
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  pair.a.Send(TestFrame(FrameType::kData, "x"));
  const int64_t began_ns = pair.fabric.now_ns();
  EXPECT_GT(pair.b.provider->Poll(began_ns + 1000000000), 0);
  EXPECT_EQ(pair.b.user.frames_seen, 1u);
  EXPECT_LE(pair.fabric.now_ns() - began_ns, 100000);
}

TEST(RdmaProviderTest, ASleeperWakesForAFrameAndForWake) {
  RdmaPair pair;
  pair.Open();
  ASSERT_TRUE(pair.Connect());
  pair.a.Send(TestFrame(FrameType::kData, "x"));
  EXPECT_GT(pair.b.provider->Poll(pair.fabric.now_ns() + 1000000000), 0);
  pair.b.provider->Wake();
  pair.b.provider->Wake();
  EXPECT_EQ(pair.b.provider->Poll(pair.fabric.now_ns() + 1000000000), 0);
}

TEST(RdmaProviderTest, ARefusedLinkIsClosed) {
  RdmaPair pair;
  pair.b.refuse = true;
  pair.Open();
  ASSERT_TRUE(pair.Dial());
  ASSERT_TRUE(pair.RunUntil([&] { return pair.a.user.down; }));
  EXPECT_TRUE(pair.RunUntil([&] { return pair.b.provider->links() == 0; }));
  EXPECT_TRUE(pair.NothingLeft());
}

// Every call of the libraries fails once, at either end: nobody dies, nothing is left, and the next
// try works.
TEST(RdmaProviderTest, EveryCallFailsOnce) {
  for (const bool at_dialler : {true, false}) {
    uint64_t call = 1;
    for (bool failed = true; failed; ++call) {
      RdmaPair pair;
      FakeNic* const nic = at_dialler ? pair.a.nic : pair.b.nic;
      pair.Open();
      nic->FailCall(call);
      if (pair.Connect()) {
        for (int i = 0; i < 40 && !pair.a.user.down; ++i) {
          pair.a.Send(TestFrame(FrameType::kData, std::string(1000, 'x')));
          pair.RunFor(10);
        }
        pair.RunUntil([&] { return pair.a.user.down || pair.b.user.frames_seen == 40; }, 100);
        if (!pair.a.user.down) {
          pair.a.Send(TestFrame(FrameType::kGoaway, ""));
          pair.a.user.link->Close();
        }
      } else {
        // The one that notices nothing has its own patience.
        if (!pair.a.user.down && pair.a.user.link != nullptr) pair.a.user.link->Close();
      }
      ASSERT_TRUE(pair.RunUntil([&] {
        return pair.a.provider->links() + pair.b.provider->links() == 0;
      })) << call;
      failed = nic->failed();
      nic->FailCall(0);
      pair.a.user = RecordingUser();
      pair.b.user = RecordingUser();
      EXPECT_TRUE(pair.Connect()) << call;
      EXPECT_TRUE(pair.NothingLeft()) << call;
    }
    EXPECT_GT(call, 50u);
  }
}

// The same for the calls that open the provider.
TEST(RdmaProviderTest, EveryCallOfOpeningFailsOnce) {
  for (uint64_t call = 1;; ++call) {
    FakeFabric fabric;
    FakeNic* nic = fabric.AddNic({"10.0.0.1"});
    Options options;
    options.node_id = 1;
    options.listen_address = "0.0.0.0:7000";
    options.allow_insecure_network = true;
    nic->FailCall(call);
    auto provider = RdmaProvider::Create(options, nic);
    EXPECT_EQ(provider.ok(), !nic->failed()) << call;
    if (provider.ok()) break;
    EXPECT_FALSE(provider.status().message().empty());
    EXPECT_TRUE(nic->counters().NothingLeft());
    ASSERT_LT(call, 100u);
  }
}

}  // namespace
}  // namespace hawser
