// Streams as an operator reads them.

#include "tools/hawserctl/stream_text.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace hawser::ctl {
namespace {

admin::Stream AStream() {
  admin::Stream stream;
  stream.set_node(2);
  stream.add_addresses("10.0.0.2:7001");
  stream.set_state("up");
  stream.set_state_age_ms(90000);
  stream.set_link(admin::LINK_RDMA);
  stream.set_link_state("on_rdma");
  stream.set_link_reason("rdma is the better link");
  stream.set_link_age_ms(7200000);
  admin::Link* const link = stream.add_links();
  link->set_kind(admin::LINK_RDMA);
  link->set_up(true);
  link->mutable_rtt()->set_count(9);
  link->mutable_rtt()->set_p50_us(12);
  link->mutable_rtt()->set_p99_us(1500);
  stream.mutable_sent()->set_messages(1000);
  stream.mutable_sent()->set_raftpb_bytes(1000);
  stream.mutable_sent()->set_bytes_saved(400);
  return stream;
}

TEST(StreamTextTest, Numbers) {
  EXPECT_EQ(DurationText(0), "0 us");
  EXPECT_EQ(DurationText(999), "999 us");
  EXPECT_EQ(DurationText(12500), "12.5 ms");
  EXPECT_EQ(DurationText(3200000), "3.2 s");
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(12800), "12.5 KiB");
  EXPECT_EQ(BytesText(UINT64_MAX), "16.0 EiB");
  EXPECT_EQ(AgeText(119000), "119s");
  EXPECT_EQ(AgeText(120000), "2m");
  EXPECT_EQ(AgeText(7200000), "2h");
  EXPECT_EQ(AgeText(int64_t{86400000} * 9), "9d");
}

TEST(StreamTextTest, ColumnsAreAsWideAsTheyMustBe) {
  EXPECT_EQ(Table({{"A", "B"}, {"long", "x"}}), "A     B\nlong  x\n");
  EXPECT_EQ(Table({}), "");
}

TEST(StreamTextTest, ALineForEachStream) {
  admin::StreamList list;
  list.mutable_node()->set_node(1);
  list.mutable_node()->set_cluster_id("orders");
  *list.add_streams() = AStream();
  const std::string text = StreamsText(list);
  EXPECT_TRUE(absl::StrContains(text, "node 1 of orders")) << text;
  EXPECT_TRUE(absl::StrContains(text, "\n2     up     rdma  2h")) << text;
  EXPECT_TRUE(absl::StrContains(text, "12 us    1.5 ms  1000  40%")) << text;
  EXPECT_TRUE(absl::StrContains(text, "rdma is the better link\n")) << text;
}

TEST(StreamTextTest, AStreamThatIsDownSaysWhy) {
  admin::Stream stream = AStream();
  stream.set_link(admin::LINK_NONE);
  stream.set_state("idle");
  stream.set_state_reason("link_error");
  stream.set_state_text("connection refused");
  stream.set_pinned(admin::LINK_RDMA);
  stream.set_drain("drained");
  admin::ReasonTally* const lost = stream.mutable_ledger()->add_lost();
  lost->set_reason("link_lost");
  lost->mutable_tally()->set_messages(3);
  const std::string text = StreamText(stream);
  EXPECT_TRUE(absl::StrContains(text, "idle (link_error: connection refused), for 90s")) << text;
  EXPECT_TRUE(absl::StrContains(text, "[pinned to rdma] [drained]")) << text;
  EXPECT_TRUE(absl::StrContains(text, "lost link_lost: 3 (0 B)")) << text;
}

TEST(StreamTextTest, CallsWhereThereAreAny) {
  EXPECT_FALSE(absl::StrContains(StreamText(AStream()), "calls"));
  admin::Stream stream = AStream();
  stream.mutable_calls()->set_waiting(2);
  stream.mutable_calls()->set_received(7);
  stream.mutable_calls()->set_served(1);
  for (const char* status : {"ok", "not_sent"}) {
    admin::ReasonCount* const done = stream.mutable_calls()->add_done();
    done->set_reason(status);
    done->set_count(5);
  }
  const std::string text = StreamText(stream);
  EXPECT_TRUE(absl::StrContains(text, "2 wait for an answer; over: ok 5, not_sent 5;")) << text;
  EXPECT_TRUE(absl::StrContains(text, "from it: 7, of which 1 wait for our answer\n")) << text;
}

TEST(StreamTextTest, EndpointsWhereThereAreAny) {
  admin::StreamList list;
  EXPECT_FALSE(absl::StrContains(StreamsText(list), "ENDPOINT"));
  admin::Endpoint* const endpoint = list.mutable_node()->add_endpoints();
  endpoint->set_name("kv.put");
  endpoint->set_calls(12);
  endpoint->set_slow(3);
  endpoint->set_slowest_us(2500);
  const std::string text = StreamsText(list);
  EXPECT_TRUE(
      absl::StrContains(text, "\nkv.put    12     0              0        3          2.5 ms"))
      << text;
}

TEST(StreamTextTest, AnEmptyStreamIsNoTrouble) {
  EXPECT_FALSE(StreamText(admin::Stream()).empty());
  EXPECT_FALSE(ChangeText(admin::Stream()).empty());
  EXPECT_FALSE(StreamsText(admin::StreamList()).empty());
}

TEST(StreamTextTest, AChangeIsOneLine) {
  EXPECT_EQ(ChangeText(AStream()),
            "node 2  rdma  on_rdma: rdma is the better link  up  epochs 0/0  lost 0");
}

}  // namespace
}  // namespace hawser::ctl
