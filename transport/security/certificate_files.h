#ifndef HAWSER_TRANSPORT_SECURITY_CERTIFICATE_FILES_H_
#define HAWSER_TRANSPORT_SECURITY_CERTIFICATE_FILES_H_

// The certificate, key and CA files: read, checked, and read again when they change.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "transport/options.h"
#include "transport/security/certificates.h"
#include "transport/security/identity.h"

namespace hawser {

// One good reading of the files; never changes.
struct CertificateBundle {
  CertificateSet set;
  CertificateFacts facts;
  // Rises with each reading that replaced another.
  uint64_t version = 0;
};

// Keeps the newest good reading. A thread of its own looks at the files every tls_reload_ms, so
// that a slow disk never stops the loop. What does not pass the checks (they belong together, are
// valid now, and name this node) is logged and the last good reading stays.
//
// One per transport with TLS. Threads: current() from any; the rest where it was made.
class CertificateFiles {
 public:
  // Reads them once. InvalidArgument says which option's file is wrong, and how.
  static absl::StatusOr<std::unique_ptr<CertificateFiles>> Open(const Options& options);
  ~CertificateFiles();
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;

  // Begins to look for changes; `changed` runs on the watching thread after each new bundle. Once.
  void Watch(std::function<void()> changed);

  std::shared_ptr<const CertificateBundle> current() const;
  const IdentityRule& identities() const { return identities_; }
  // Readings that were refused.
  uint64_t refused() const;

 private:
  // What tells one state of the files from another.
  using Stamp = std::string;

  explicit CertificateFiles(const Options& options);
  Stamp Look() const;
  absl::StatusOr<std::shared_ptr<CertificateBundle>> Read() const;
  void Run();
  void LookAgain();

  const Options options_;
  const IdentityRule identities_;
  std::function<void()> changed_;
  Stamp seen_;  // what was read last, good or bad
  Stamp last_look_;

  mutable Mutex mu_;
  CondVar stop_changed_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t refused_ ABSL_GUARDED_BY(mu_) = 0;
  std::shared_ptr<const CertificateBundle> current_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_SECURITY_CERTIFICATE_FILES_H_
