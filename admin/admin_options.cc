#include "admin/admin_options.h"

#include "absl/strings/str_cat.h"
#include "transport/grpc/address.h"

namespace hawser::admin {
namespace {

absl::Status Wrong(absl::string_view option, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", what));
}

absl::Status CheckTls(const AdminOptions& options) {
  const int files = static_cast<int>(!options.tls_certificate_file.empty()) +
                    static_cast<int>(!options.tls_key_file.empty()) +
                    static_cast<int>(!options.tls_ca_file.empty());
  if (files == 3 && options.allow_insecure_network) {
    return Wrong("allow_insecure_network", "contradicts tls_certificate_file; set only one");
  }
  if (files == 3) return absl::OkStatus();
  if (files != 0) {
    return Wrong("tls_certificate_file, tls_key_file, tls_ca_file", "set all three, or none");
  }
  if (!options.changers.empty()) return Wrong("changers", "needs TLS: set the tls files");
  if (!options.readers.empty()) return Wrong("readers", "needs TLS: set the tls files");
  return absl::OkStatus();
}

absl::Status CheckRange(absl::string_view option, uint64_t value, uint64_t min, uint64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return Wrong(option, absl::StrCat(value, " must be from ", min, " to ", max));
}

}  // namespace

absl::Status AdminOptions::Validate() const {
  const absl::StatusOr<Address> address = ParseAddress(listen_address);
  if (!address.ok()) return Wrong("listen_address", address.status().message());
  if (absl::Status status = CheckTls(*this); !status.ok()) return status;
  if (!tls() && !allow_insecure_network && !IsLoopback(*address)) {
    return Wrong("listen_address", absl::StrCat(listen_address,
                                                " is not a loopback address: set the tls files, or "
                                                "allow_insecure_network for plain text"));
  }
  for (const std::vector<std::string>* names : {&changers, &readers}) {
    for (const std::string& name : *names) {
      if (name.empty()) return Wrong("changers, readers", "an empty name");
    }
  }
  absl::Status status = CheckRange("interval_ms", interval_ms, 10, 60000);
  status.Update(CheckRange("watchers_max", watchers_max, 1, 4096));
  status.Update(CheckRange("watcher_stalled_ms", watcher_stalled_ms, 100, 3600000));
  status.Update(CheckRange("waiting_calls_max", waiting_calls_max, 1, 65536));
  status.Update(CheckRange("memory_bytes_max", memory_bytes_max, 1 << 20, uint64_t{1} << 40));
  return status;
}

}  // namespace hawser::admin
