#ifndef HAWSER_ADMIN_PERMISSIONS_H_
#define HAWSER_ADMIN_PERMISSIONS_H_

// Who may read, and who may change. Decides by values; only Create reads files.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "admin/admin_options.h"

namespace hawser::admin {

// What is known about who calls.
struct Caller {
  // The connection's other end, as gRPC names it: "ipv4:127.0.0.1:4242".
  std::string peer;
  // The values of the call's "authorization" metadata.
  std::vector<std::string> authorizations;
  // It has shown a certificate of our CA, and the URI and DNS names in it.
  bool has_certificate = false;
  std::vector<std::string> names;
};

// The rules of one server: tokens and names, read once. Whatever is not permitted is refused.
//
// One per AdminServer, owned by it. Threads: any; nothing changes.
class Permissions {
 public:
  // InvalidArgument: a token file that is not what it must be, and what to change.
  static absl::StatusOr<std::unique_ptr<Permissions>> Create(const AdminOptions& options);

  // Unauthenticated: the caller shows nothing that could permit it. PermissionDenied: what it shows
  // does not, or nobody may.
  absl::Status MayRead(const Caller& caller) const;
  absl::Status MayChange(const Caller& caller) const;

 private:
  // Who may do one of the two.
  struct Rule {
    bool has_token = false;
    std::string token_digest;  // SHA-256
    std::vector<std::string> names;

    bool empty() const { return !has_token && names.empty(); }
    bool Permits(const Caller& caller) const;
  };

  explicit Permissions(const AdminOptions& options);
  absl::Status CheckConnection(const Caller& caller) const;
  static absl::Status Refusal(const Caller& caller, absl::string_view what);

  const bool tls_;
  const bool allow_insecure_network_;
  Rule read_;
  Rule change_;
};

// The token in a file: InvalidArgument if others may read it, or it is too short, too long or not
// printable. White space at its end is not part of it.
absl::StatusOr<std::string> ReadTokenFile(const std::string& path);

}  // namespace hawser::admin

#endif  // HAWSER_ADMIN_PERMISSIONS_H_
