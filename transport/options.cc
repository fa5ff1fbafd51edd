#include "transport/options.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace hawser {
namespace {

absl::Status OutOfRange(absl::string_view name, uint64_t value, uint64_t min, uint64_t max,
                        absl::string_view unit) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", value, " ", unit, "; set it to ", min, " to ", max, " ", unit));
}

// One row of the table of limits.
struct Limit {
  absl::string_view name;
  uint64_t value;
  uint64_t min;
  uint64_t max;
  absl::string_view unit;
};

bool ValidClusterId(absl::string_view id) {
  if (id.empty() || id.size() > 64) return false;
  for (const char c : id) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-') {
      return false;
    }
  }
  return true;
}

absl::Status ValidateLimits(const Options& o) {
  constexpr uint64_t kKiB = 1024;
  constexpr uint64_t kMiB = 1024 * kKiB;
  const Limit limits[] = {
      {"spin_us", o.spin_us, 0, 1000000, "microseconds"},
      {"grpc_frame_bytes_max", o.grpc_frame_bytes_max, 8 * kKiB, kMiB, "bytes"},
      {"rdma_receive_slots", o.rdma_receive_slots, 64, 4096, "slots"},
      {"rdma_pool_bytes", o.rdma_pool_bytes, 0, 16 * 1024 * kMiB, "bytes"},
      {"rdma_spin_us_max", o.rdma_spin_us_max, 0, 1000000, "microseconds"},
      {"rdma_ack_timeout_exponent", o.rdma_ack_timeout_exponent, 8, 22, "(4.096 us << n)"},
      {"rdma_retries", o.rdma_retries, 1, 6, "retries"},
      {"rdma_ticket_ms", o.rdma_ticket_ms, 100, 60000, "ms"},
      {"message_bytes_max", o.message_bytes_max, 64 * kKiB, 512 * kMiB, "bytes"},
      {"message_entries_max", o.message_entries_max, 1, 1 << 20, "entries"},
      {"codec_groups_max", o.codec_groups_max, 1, 32768, "groups"},
      {"calls_max", o.calls_max, 1, 65536, "calls"},
      {"peers_max", o.peers_max, 1, 4096, "peers"},
      {"urgent_queue_messages_max", o.urgent_queue_messages_max, 1, 1 << 20, "messages"},
      {"append_queue_messages_max", o.append_queue_messages_max, 1, 1 << 20, "messages"},
      {"bulk_queue_messages_max", o.bulk_queue_messages_max, 1, 1 << 20, "messages"},
      {"receive_window_bytes", o.receive_window_bytes, 32 * kGrpcCreditUnitBytes, 1024 * kMiB,
       "bytes"},
      {"append_unacked_bytes_max", o.append_unacked_bytes_max, 8 * kKiB, 64 * kMiB, "bytes"},
      {"bulk_unacked_bytes_max", o.bulk_unacked_bytes_max, 8 * kKiB, 64 * kMiB, "bytes"},
      {"ack_delay_ms", o.ack_delay_ms, 1, 1000, "ms"},
      {"ack_frames_max", o.ack_frames_max, 1, 65536, "frames"},
      {"ack_bytes_max", o.ack_bytes_max, kKiB, 16 * kMiB, "bytes"},
      {"no_link_append_ms", o.no_link_append_ms, 0, 60000, "ms"},
      {"no_link_urgent_ms", o.no_link_urgent_ms, 0, 60000, "ms"},
      {"tls_reload_ms", o.tls_reload_ms, 10, 3600000, "ms"},
      {"tls_renew_ms", o.tls_renew_ms, 100, 3600000, "ms"},
      {"hello_timeout_ms", o.hello_timeout_ms, 10, 60000, "ms"},
      {"hello_connections_max", o.hello_connections_max, 1, 65536, "connections"},
      {"redial_delay_ms_min", o.redial_delay_ms_min, 1, 60000, "ms"},
      {"redial_delay_ms_max", o.redial_delay_ms_max, 1, 600000, "ms"},
      {"rdma_retry_ms_min", o.rdma_retry_ms_min, 1, 600000, "ms"},
      {"rdma_retry_ms_max", o.rdma_retry_ms_max, 1, 3600000, "ms"},
      {"rdma_stable_ms", o.rdma_stable_ms, 1, 3600000, "ms"},
      {"rdma_flaps_max", o.rdma_flaps_max, 1, 16, "losses"},
      {"rdma_flap_window_ms", o.rdma_flap_window_ms, 1, 3600000, "ms"},
      {"rdma_quarantine_ms", o.rdma_quarantine_ms, 1, 86400000, "ms"},
      {"provisional_peer_ms", o.provisional_peer_ms, 0, 3600000, "ms"},
      {"switch_timeout_ms", o.switch_timeout_ms, 10, 60000, "ms"},
      {"peer_silent_ms", o.peer_silent_ms, 20, 600000, "ms"},
  };
  if (o.rdma_slot_bytes != 8 * kKiB && o.rdma_slot_bytes != 16 * kKiB &&
      o.rdma_slot_bytes != 64 * kKiB) {
    return absl::InvalidArgumentError(
        absl::StrCat("rdma_slot_bytes is ", o.rdma_slot_bytes, "; set it to 8192, 16384 or 65536"));
  }
  for (const Limit& limit : limits) {
    if (limit.value < limit.min || limit.value > limit.max) {
      return OutOfRange(limit.name, limit.value, limit.min, limit.max, limit.unit);
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateRelations(const Options& o) {
  if (o.redial_delay_ms_max < o.redial_delay_ms_min) {
    return absl::InvalidArgumentError(absl::StrCat("redial_delay_ms_max is ", o.redial_delay_ms_max,
                                                   " ms, less than redial_delay_ms_min (",
                                                   o.redial_delay_ms_min, " ms)"));
  }
  if (o.rdma_retry_ms_max < o.rdma_retry_ms_min) {
    return absl::InvalidArgumentError(absl::StrCat("rdma_retry_ms_max is ", o.rdma_retry_ms_max,
                                                   " ms, less than rdma_retry_ms_min (",
                                                   o.rdma_retry_ms_min, " ms)"));
  }
  // One frame under way while the last one's credit comes back, and the units that stay in reserve.
  const uint64_t window_bytes_min =
      2 * uint64_t{o.grpc_frame_bytes_max} + 18 * uint64_t{kGrpcCreditUnitBytes};
  if (o.receive_window_bytes < window_bytes_min) {
    return absl::InvalidArgumentError(absl::StrCat(
        "receive_window_bytes is ", o.receive_window_bytes, " bytes; with grpc_frame_bytes_max of ",
        o.grpc_frame_bytes_max, " set it to at least ", window_bytes_min));
  }
  const struct {
    absl::string_view name;
    uint64_t value;
  } queues[] = {{"urgent_queue_bytes_max", o.urgent_queue_bytes_max},
                {"append_queue_bytes_max", o.append_queue_bytes_max},
                {"bulk_queue_bytes_max", o.bulk_queue_bytes_max},
                {"leased_bytes_max", o.leased_bytes_max},
                {"grpc_memory_bytes_max", o.grpc_memory_bytes_max}};
  for (const auto& queue : queues) {
    if (queue.value < 64 * 1024 || queue.value > (uint64_t{1} << 40)) {
      return OutOfRange(queue.name, queue.value, 64 * 1024, uint64_t{1} << 40, "bytes");
    }
  }
  if (o.grpc_memory_bytes_max < 4 * uint64_t{o.receive_window_bytes}) {
    return absl::InvalidArgumentError(
        absl::StrCat("grpc_memory_bytes_max is ", o.grpc_memory_bytes_max,
                     " bytes; set it to at least four times receive_window_bytes (",
                     o.receive_window_bytes, ")"));
  }
  if (o.append_queue_bytes_max < o.message_bytes_max ||
      o.bulk_queue_bytes_max < o.message_bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("message_bytes_max is ", o.message_bytes_max,
                     " bytes; append_queue_bytes_max and bulk_queue_bytes_max must hold at least "
                     "one such message"));
  }
  return absl::OkStatus();
}

absl::Status ValidateTls(const Options& o) {
  const bool certificate = !o.tls_certificate_file.empty();
  if (certificate != !o.tls_key_file.empty() || certificate != !o.tls_ca_file.empty()) {
    return absl::InvalidArgumentError(
        "tls_certificate_file, tls_key_file and tls_ca_file: set all three, or none");
  }
  if (!o.tls() && !o.tls_identities.empty()) {
    return absl::InvalidArgumentError(
        "tls_identities is set without tls_certificate_file; without TLS nobody is identified");
  }
  if (o.tls() && o.allow_insecure_network) {
    return absl::InvalidArgumentError(
        "allow_insecure_network is set beside tls_certificate_file; leave one of them out");
  }
  if (o.tls() && o.tls_renew_ms < 3 * uint64_t{o.hello_timeout_ms}) {
    return absl::InvalidArgumentError(
        absl::StrCat("tls_renew_ms is ", o.tls_renew_ms, " ms; set it to at least three times ",
                     "hello_timeout_ms (", o.hello_timeout_ms, " ms)"));
  }
  for (const TlsIdentity& identity : o.tls_identities) {
    if (identity.name.empty() || identity.node == 0) {
      return absl::InvalidArgumentError(absl::StrCat("tls_identities has \"", identity.name,
                                                     "\" for node ", identity.node,
                                                     "; give a name and a node id from 1"));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateBuilt(const Options& o) {
  if (o.rdma_security == RdmaSecurity::kAead) {
    return absl::UnimplementedError(
        "rdma_security is kAead, which is not built into this version; use kMac");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Options::Validate() const {
  if (node_id == 0) {
    return absl::InvalidArgumentError("node_id is 0; give every node an id of its own, from 1");
  }
  if (!ValidClusterId(cluster_id)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cluster_id is \"", cluster_id, "\"; use 1 to 64 letters, digits, '.', '_' or '-'"));
  }
  if (listen_address.empty()) {
    return absl::InvalidArgumentError("listen_address is empty; use \"host:port\"");
  }
  if (absl::Status status = ValidateLimits(*this); !status.ok()) return status;
  if (absl::Status status = ValidateRelations(*this); !status.ok()) return status;
  if (absl::Status status = ValidateTls(*this); !status.ok()) return status;
  return ValidateBuilt(*this);
}

}  // namespace hawser
