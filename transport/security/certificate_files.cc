#include "transport/security/certificate_files.h"

#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace hawser {
namespace {

// No certificate is larger; a bundle of CAs may have hundreds of them.
constexpr size_t kFileBytesMax = 4 * 1024 * 1024;

absl::Status ReadFile(absl::string_view option, const std::string& path, std::string* bytes) {
  std::ifstream file(path, std::ios::binary);
  bytes->resize(kFileBytesMax + 1);
  file.read(&(*bytes)[0], static_cast<std::streamsize>(bytes->size()));
  bytes->resize(static_cast<size_t>(file.gcount()));
  if (bytes->empty() || bytes->size() > kFileBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, ": \"", path, "\" cannot be read, is empty, or is larger than ",
                     kFileBytesMax, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<CertificateFiles>> CertificateFiles::Open(const Options& options) {
  std::unique_ptr<CertificateFiles> files(new CertificateFiles(options));
  files->seen_ = files->last_look_ = files->Look();
  auto bundle = files->Read();
  if (!bundle.ok()) return bundle.status();
  MutexLock lock(&files->mu_);
  files->current_ = *std::move(bundle);
  return files;
}

CertificateFiles::CertificateFiles(const Options& options)
    : options_(options), identities_(options.cluster_id, options.tls_identities) {}

CertificateFiles::~CertificateFiles() {
  {
    MutexLock lock(&mu_);
    stop_ = true;
    stop_changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void CertificateFiles::Watch(std::function<void()> changed) {
  changed_ = std::move(changed);
  thread_ = std::thread([this] { Run(); });
}

std::shared_ptr<const CertificateBundle> CertificateFiles::current() const {
  MutexLock lock(&mu_);
  return current_;
}

uint64_t CertificateFiles::refused() const {
  MutexLock lock(&mu_);
  return refused_;
}

CertificateFiles::Stamp CertificateFiles::Look() const {
  Stamp stamp;
  for (const std::string* path :
       {&options_.tls_certificate_file, &options_.tls_key_file, &options_.tls_ca_file}) {
    struct stat info = {};
    const int error = stat(path->c_str(), &info);
    absl::StrAppend(&stamp, error, " ", info.st_dev, " ", info.st_ino, " ", info.st_size, " ",
                    info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec, "; ");
  }
  return stamp;
}

absl::StatusOr<std::shared_ptr<CertificateBundle>> CertificateFiles::Read() const {
  auto bundle = std::make_shared<CertificateBundle>();
  const struct {
    absl::string_view option;
    const std::string& path;
    std::string* bytes;
  } files[] = {{"tls_certificate_file", options_.tls_certificate_file, &bundle->set.certificate},
               {"tls_key_file", options_.tls_key_file, &bundle->set.key},
               {"tls_ca_file", options_.tls_ca_file, &bundle->set.ca}};
  for (const auto& file : files) {
    absl::Status status = ReadFile(file.option, file.path, file.bytes);
    if (!status.ok()) return status;
  }
  auto facts = CheckCertificates(bundle->set);
  if (!facts.ok()) return facts.status();
  bundle->facts = *std::move(facts);
  const auto node = identities_.NodeOf(bundle->facts.names);
  if (!node.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tls_certificate_file: ", node.status().message(), "; give it the URI ",
                     IdentityUri(options_.cluster_id, options_.node_id)));
  }
  if (*node != options_.node_id) {
    return absl::InvalidArgumentError(absl::StrCat("tls_certificate_file: it is of node ", *node,
                                                   ", but node_id is ", options_.node_id));
  }
  return bundle;
}

void CertificateFiles::Run() {
  const std::chrono::milliseconds pause(options_.tls_reload_ms);
  while (true) {
    {
      MutexLock lock(&mu_);
      if (!stop_) stop_changed_.WaitFor(&mu_, pause);
      if (stop_) return;
    }
    LookAgain();
  }
}

void CertificateFiles::LookAgain() {
  const Stamp look = Look();
  // The files change one after the other: they are read when they have come to rest.
  const bool at_rest = look == last_look_;
  last_look_ = look;
  if (!at_rest || look == seen_) return;
  seen_ = look;
  auto bundle = Read();
  if (!bundle.ok()) {
    uint64_t refused = 0;
    {
      MutexLock lock(&mu_);
      refused = ++refused_;
    }
    Log(absl::StrCat("tls: the new files were refused (", refused,
                     " times), the old ones stay in use: ", bundle.status().message()));
    return;
  }
  {
    MutexLock lock(&mu_);
    (*bundle)->version = current_->version + 1;
    current_ = *bundle;
  }
  Log(absl::StrCat("tls: new certificates are in use, good until ",
                   absl::FormatTime((*bundle)->facts.not_after, absl::UTCTimeZone())));
  changed_();
}

}  // namespace hawser
