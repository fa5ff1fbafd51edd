#ifndef HAWSER_ADMIN_ADMIN_OPTIONS_H_
#define HAWSER_ADMIN_ADMIN_OPTIONS_H_

// Where the admin service listens, who may use it, and its limits.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "transport/security/identity.h"

namespace hawser::admin {

struct AdminOptions {
  // --- Where it listens ---

  // "host:port"; port 0 lets the kernel choose (AdminServer::listen_address tells). Without TLS the
  // host must be a loopback address, unless allow_insecure_network is set.
  std::string listen_address = "127.0.0.1:0";
  // Plain text over a network that is not loopback: asked for by name.
  bool allow_insecure_network = false;
  // As in the transport's options, and its files will do: every caller then needs a certificate of
  // this CA. Read again when they change.
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string tls_ca_file;
  std::vector<TlsIdentity> tls_identities;
  uint32_t tls_reload_ms = 1000;

  // --- Who may use it (docs/security.md, "Admin") ---

  // Callers that show the token in this file may pin and drain, and read. The file must be this
  // user's or root's, of mode 0600 or stricter, and hold 16 to 4096 printable characters. Empty,
  // and `changers` too: nobody may change anything.
  std::string change_token_file;
  // Whose certificates may change, and read: URI or DNS names in them. Needs TLS.
  std::vector<std::string> changers;
  // The same for reading. Both empty: without TLS every caller on loopback may read, with TLS every
  // caller with a certificate.
  std::string read_token_file;
  std::vector<std::string> readers;

  // --- Limits ---

  // The transport is looked at this often while somebody watches or asks, never more often.
  uint32_t interval_ms = 200;
  // Callers that watch at a time.
  uint32_t watchers_max = 256;
  // One that has taken nothing for this long is sent away: its place is another's.
  uint32_t watcher_stalled_ms = 30000;
  // Calls that wait for the next look at a time.
  uint32_t waiting_calls_max = 256;
  // Memory of gRPC for all connections.
  uint64_t memory_bytes_max = 64 * 1024 * 1024;

  bool tls() const { return !tls_certificate_file.empty(); }

  // InvalidArgument that names the option, and what to change it to. Reads no file.
  absl::Status Validate() const;
};

}  // namespace hawser::admin

#endif  // HAWSER_ADMIN_ADMIN_OPTIONS_H_
