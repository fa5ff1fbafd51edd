#include "transport/options.h"

#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace hawser {
namespace {

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

Options Valid() {
  Options options;
  options.node_id = 1;
  options.cluster_id = "orders";
  return options;
}

// One limit: how to set it, and the range that its message must name.
struct Limit {
  std::string name;
  std::function<void(Options*, uint64_t)> set;
  uint64_t min;
  uint64_t max;
  std::string unit;
};

template <typename T>
Limit Row(std::string name, T Options::*field, uint64_t min, uint64_t max, std::string unit) {
  return {std::move(name),
          [field](Options* options, uint64_t value) { options->*field = static_cast<T>(value); },
          min, max, std::move(unit)};
}

const std::vector<Limit>& Limits() {
  static const auto* limits = new std::vector<Limit>{
      Row("spin_us", &Options::spin_us, 0, 1000000, "microseconds"),
      Row("grpc_frame_bytes_max", &Options::grpc_frame_bytes_max, 8 * kKiB, kMiB, "bytes"),
      Row("rdma_receive_slots", &Options::rdma_receive_slots, 64, 4096, "slots"),
      Row("rdma_spin_us_max", &Options::rdma_spin_us_max, 0, 1000000, "microseconds"),
      Row("rdma_ack_timeout_exponent", &Options::rdma_ack_timeout_exponent, 8, 22,
          "(4.096 us << n)"),
      Row("rdma_retries", &Options::rdma_retries, 1, 6, "retries"),
      Row("rdma_ticket_ms", &Options::rdma_ticket_ms, 100, 60000, "ms"),
      Row("message_bytes_max", &Options::message_bytes_max, 64 * kKiB, 512 * kMiB, "bytes"),
      Row("message_entries_max", &Options::message_entries_max, 1, 1 << 20, "entries"),
      Row("codec_groups_max", &Options::codec_groups_max, 1, 32768, "groups"),
      Row("peers_max", &Options::peers_max, 1, 4096, "peers"),
      Row("urgent_queue_messages_max", &Options::urgent_queue_messages_max, 1, 1 << 20, "messages"),
      Row("append_queue_messages_max", &Options::append_queue_messages_max, 1, 1 << 20, "messages"),
      Row("bulk_queue_messages_max", &Options::bulk_queue_messages_max, 1, 1 << 20, "messages"),
      Row("urgent_queue_bytes_max", &Options::urgent_queue_bytes_max, 64 * kKiB, uint64_t{1} << 40,
          "bytes"),
      Row("append_queue_bytes_max", &Options::append_queue_bytes_max, 64 * kKiB, uint64_t{1} << 40,
          "bytes"),
      Row("bulk_queue_bytes_max", &Options::bulk_queue_bytes_max, 64 * kKiB, uint64_t{1} << 40,
          "bytes"),
      Row("receive_window_bytes", &Options::receive_window_bytes, 32 * kGrpcCreditUnitBytes,
          1024 * kMiB, "bytes"),
      Row("append_unacked_bytes_max", &Options::append_unacked_bytes_max, 8 * kKiB, 64 * kMiB,
          "bytes"),
      Row("bulk_unacked_bytes_max", &Options::bulk_unacked_bytes_max, 8 * kKiB, 64 * kMiB, "bytes"),
      Row("leased_bytes_max", &Options::leased_bytes_max, 64 * kKiB, uint64_t{1} << 40, "bytes"),
      Row("grpc_memory_bytes_max", &Options::grpc_memory_bytes_max, 64 * kKiB, uint64_t{1} << 40,
          "bytes"),
      Row("ack_delay_ms", &Options::ack_delay_ms, 1, 1000, "ms"),
      Row("ack_frames_max", &Options::ack_frames_max, 1, 65536, "frames"),
      Row("ack_bytes_max", &Options::ack_bytes_max, kKiB, 16 * kMiB, "bytes"),
      Row("no_link_append_ms", &Options::no_link_append_ms, 0, 60000, "ms"),
      Row("no_link_urgent_ms", &Options::no_link_urgent_ms, 0, 60000, "ms"),
      Row("hello_timeout_ms", &Options::hello_timeout_ms, 10, 60000, "ms"),
      Row("hello_connections_max", &Options::hello_connections_max, 1, 65536, "connections"),
      Row("tls_reload_ms", &Options::tls_reload_ms, 10, 3600000, "ms"),
      Row("tls_renew_ms", &Options::tls_renew_ms, 100, 3600000, "ms"),
      Row("redial_delay_ms_min", &Options::redial_delay_ms_min, 1, 60000, "ms"),
      Row("redial_delay_ms_max", &Options::redial_delay_ms_max, 1, 600000, "ms"),
      Row("provisional_peer_ms", &Options::provisional_peer_ms, 0, 3600000, "ms"),
      Row("switch_timeout_ms", &Options::switch_timeout_ms, 10, 60000, "ms"),
      Row("peer_silent_ms", &Options::peer_silent_ms, 20, 600000, "ms"),
  };
  return *limits;
}

std::string RangeMessage(const Limit& limit, uint64_t value) {
  return absl::StrCat(limit.name, " is ", value, " ", limit.unit, "; set it to ", limit.min, " to ",
                      limit.max, " ", limit.unit);
}

absl::Status ValidateWith(const Limit& limit, uint64_t value) {
  Options options = Valid();
  limit.set(&options, value);
  return options.Validate();
}

TEST(OptionsTest, DefaultsNeedOnlyNodeAndCluster) {
  EXPECT_EQ(Valid().Validate(), absl::OkStatus());
}

TEST(OptionsTest, NodeIdForgotten) {
  Options options = Valid();
  options.node_id = 0;
  const absl::Status status = options.Validate();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "node_id is 0; give every node an id of its own, from 1");
}

TEST(OptionsTest, ClusterIdThatCannotBeComparedSafely) {
  for (const std::string& id :
       {std::string(), std::string(65, 'a'), std::string("a b"), std::string("a/b"),
        std::string("a\0b", 3), std::string("\xc3\xa4")}) {
    Options options = Valid();
    options.cluster_id = id;
    const absl::Status status = options.Validate();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << id;
    EXPECT_TRUE(absl::StrContains(status.message(), "cluster_id is \"")) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "use 1 to 64 letters")) << status;
  }
  for (const std::string& id : {std::string("a"), std::string(64, 'Z'), std::string("a.B_9-")}) {
    Options options = Valid();
    options.cluster_id = id;
    EXPECT_EQ(options.Validate(), absl::OkStatus()) << id;
  }
}

TEST(OptionsTest, ListenAddressForgotten) {
  Options options = Valid();
  options.listen_address.clear();
  EXPECT_EQ(options.Validate(),
            absl::InvalidArgumentError("listen_address is empty; use \"host:port\""));
}

TEST(OptionsTest, LimitTooSmallNamesOptionValueAndRange) {
  for (const Limit& limit : Limits()) {
    if (limit.min == 0) continue;
    const absl::Status status = ValidateWith(limit, limit.min - 1);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << limit.name;
    EXPECT_EQ(status.message(), RangeMessage(limit, limit.min - 1));
  }
}

TEST(OptionsTest, LimitTooLargeNamesOptionValueAndRange) {
  for (const Limit& limit : Limits()) {
    const absl::Status status = ValidateWith(limit, limit.max + 1);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << limit.name;
    EXPECT_EQ(status.message(), RangeMessage(limit, limit.max + 1));
  }
}

// The ends of a range are inside it; another rule may still ask for a second option to follow.
TEST(OptionsTest, EndsOfTheRangeAreAllowed) {
  for (const Limit& limit : Limits()) {
    for (const uint64_t value : {limit.min, limit.max}) {
      EXPECT_NE(ValidateWith(limit, value).message(), RangeMessage(limit, value));
    }
  }
}

// A negative number that a flag turned into a huge unsigned one.
TEST(OptionsTest, WrappedNegativeNumberIsRefused) {
  for (const Limit& limit : Limits()) {
    const uint64_t value = limit.max <= std::numeric_limits<uint32_t>::max()
                               ? std::numeric_limits<uint32_t>::max()
                               : std::numeric_limits<uint64_t>::max();
    EXPECT_EQ(ValidateWith(limit, value).message(), RangeMessage(limit, value));
  }
}

TEST(OptionsTest, LongestRedialDelayUnderTheShortest) {
  Options options = Valid();
  options.redial_delay_ms_min = 100;
  options.redial_delay_ms_max = 99;
  EXPECT_EQ(options.Validate(),
            absl::InvalidArgumentError(
                "redial_delay_ms_max is 99 ms, less than redial_delay_ms_min (100 ms)"));
  options.redial_delay_ms_max = 100;
  EXPECT_EQ(options.Validate(), absl::OkStatus());
}

// With less than two frames of window, beside the units kept in reserve, a stream would wait for an
// acknowledgement at every frame.
TEST(OptionsTest, WindowThatHoldsNoTwoFrames) {
  Options options = Valid();
  options.grpc_frame_bytes_max = 128 * kKiB;
  options.receive_window_bytes = 400 * kKiB - 1;
  EXPECT_EQ(options.Validate(),
            absl::InvalidArgumentError("receive_window_bytes is 409599 bytes; with "
                                       "grpc_frame_bytes_max of 131072 set it to at least 409600"));
  options.receive_window_bytes = 400 * kKiB;
  EXPECT_EQ(options.Validate(), absl::OkStatus());
}

// A message that is allowed and fits no queue could never be sent.
TEST(OptionsTest, QueueThatHoldsNoWholeMessage) {
  for (const bool append : {true, false}) {
    Options options = Valid();
    (append ? options.append_queue_bytes_max : options.bulk_queue_bytes_max) =
        options.message_bytes_max - 1;
    const absl::Status status = options.Validate();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StartsWith(status.message(), "message_bytes_max is 67108864 bytes; "))
        << status;
  }
}

// gRPC would end good streams that only use their credit.
TEST(OptionsTest, MemoryForLessThanTheWindows) {
  Options options = Valid();
  options.grpc_memory_bytes_max = 4 * uint64_t{options.receive_window_bytes} - 1;
  const absl::Status status = options.Validate();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "at least four times receive_window_bytes"))
      << status;
}

Options ValidTls() {
  Options options = Valid();
  options.tls_certificate_file = "node.crt";
  options.tls_key_file = "node.key";
  options.tls_ca_file = "ca.crt";
  return options;
}

TEST(OptionsTest, TlsWithOneFileForgotten) {
  EXPECT_EQ(ValidTls().Validate(), absl::OkStatus());
  for (std::string Options::*file :
       {&Options::tls_certificate_file, &Options::tls_key_file, &Options::tls_ca_file}) {
    Options options = ValidTls();
    (options.*file).clear();
    EXPECT_EQ(options.Validate(),
              absl::InvalidArgumentError(
                  "tls_certificate_file, tls_key_file and tls_ca_file: set all three, or none"));
  }
}

TEST(OptionsTest, TlsAndPlainTextAtOnce) {
  Options options = ValidTls();
  options.allow_insecure_network = true;
  EXPECT_EQ(options.Validate(),
            absl::InvalidArgumentError("allow_insecure_network is set beside tls_certificate_file; "
                                       "leave one of them out"));
}

TEST(OptionsTest, IdentitiesThatNameNobody) {
  Options options = Valid();
  options.tls_identities = {{"node1.example.org", 1}};
  EXPECT_EQ(options.Validate().code(), absl::StatusCode::kInvalidArgument) << "without TLS";
  for (const TlsIdentity& identity : {TlsIdentity{"", 1}, TlsIdentity{"node1.example.org", 0}}) {
    options = ValidTls();
    options.tls_identities = {identity};
    const absl::Status status = options.Validate();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StrContains(status.message(), "give a name and a node id from 1")) << status;
  }
}

TEST(OptionsTest, RenewalSoonerThanAHandshakeMayLast) {
  Options options = ValidTls();
  options.hello_timeout_ms = 1000;
  options.tls_renew_ms = 2999;
  EXPECT_EQ(options.Validate(),
            absl::InvalidArgumentError("tls_renew_ms is 2999 ms; set it to at least three times "
                                       "hello_timeout_ms (1000 ms)"));
  options.tls_renew_ms = 3000;
  EXPECT_EQ(options.Validate(), absl::OkStatus());
}

TEST(OptionsTest, PartThatIsNotBuiltIsRefusedNotIgnored) {
  Options options = Valid();
  options.rdma_security = RdmaSecurity::kAead;
  const absl::Status status = options.Validate();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(absl::StartsWith(status.message(), "rdma_security is kAead")) << status;
}

}  // namespace
}  // namespace hawser
