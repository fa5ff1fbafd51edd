#include "admin/permissions.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "transport/grpc/address.h"

namespace hawser::admin {
namespace {

constexpr size_t kTokenBytesMin = 16;
constexpr size_t kTokenBytesMax = 4096;
// What others than the owner may do.
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

std::string Digest(absl::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(&digest[0]));
  return digest;
}

// Takes the same time wherever they differ.
bool SameDigest(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

absl::Status Wrong(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("token file ", path, ": ", what));
}

absl::Status CheckFile(const std::string& path, const struct stat& file) {
  if (!S_ISREG(file.st_mode)) return Wrong(path, "it is not a regular file");
  if (file.st_uid != geteuid() && file.st_uid != 0) {
    return Wrong(path, "it belongs to another user; it must be this process's user's, or root's");
  }
  if ((file.st_mode & kOthers) != 0) {
    return Wrong(path, absl::StrFormat("its mode is %04o, so others may use it: run chmod 0600",
                                       file.st_mode & 07777));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadTokenFile(const std::string& path) {
  // What was checked is what is read.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Wrong(path, std::strerror(errno));
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  struct stat file;
  if (fstat(fd, &file) != 0) return Wrong(path, std::strerror(errno));
  if (absl::Status status = CheckFile(path, file); !status.ok()) return status;
  std::array<char, kTokenBytesMax + 2> bytes;
  const ssize_t count = read(fd, bytes.data(), bytes.size());
  if (count < 0) return Wrong(path, std::strerror(errno));
  const absl::string_view token = absl::StripTrailingAsciiWhitespace(
      absl::string_view(bytes.data(), static_cast<size_t>(count)));
  if (token.size() < kTokenBytesMin || token.size() > kTokenBytesMax) {
    return Wrong(path, absl::StrCat("it holds a token of ", token.size(), " characters; must be ",
                                    kTokenBytesMin, " to ", kTokenBytesMax,
                                    ": openssl rand -hex 32 makes a good one"));
  }
  if (!std::all_of(token.begin(), token.end(), absl::ascii_isgraph)) {
    return Wrong(path, "the token has characters that are not printable, or white space");
  }
  return std::string(token);
}

bool Permissions::Rule::Permits(const Caller& caller) const {
  if (caller.has_certificate) {
    for (const std::string& name : caller.names) {
      if (std::find(names.begin(), names.end(), name) != names.end()) return true;
    }
  }
  if (!has_token || caller.authorizations.size() != 1) return false;
  absl::string_view token = caller.authorizations[0];
  if (!absl::ConsumePrefix(&token, "Bearer ")) return false;
  return SameDigest(Digest(token), token_digest);
}

Permissions::Permissions(const AdminOptions& options)
    : tls_(options.tls()), allow_insecure_network_(options.allow_insecure_network) {
  read_.names = options.readers;
  change_.names = options.changers;
}

absl::StatusOr<std::unique_ptr<Permissions>> Permissions::Create(const AdminOptions& options) {
  std::unique_ptr<Permissions> permissions(new Permissions(options));
  const auto take = [](const std::string& path, Rule* rule) -> absl::Status {
    if (path.empty()) return absl::OkStatus();
    const absl::StatusOr<std::string> token = ReadTokenFile(path);
    if (!token.ok()) return token.status();
    rule->has_token = true;
    rule->token_digest = Digest(*token);
    return absl::OkStatus();
  };
  absl::Status status = take(options.change_token_file, &permissions->change_);
  status.Update(take(options.read_token_file, &permissions->read_));
  if (!status.ok()) return status;
  return permissions;
}

absl::Status Permissions::CheckConnection(const Caller& caller) const {
  if (tls_) {
    if (caller.has_certificate) return absl::OkStatus();
    return absl::UnauthenticatedError("the connection shows no certificate");
  }
  if (allow_insecure_network_ || IsLoopbackConnection(caller.peer)) return absl::OkStatus();
  return absl::PermissionDeniedError("plain text is for loopback connections only");
}

absl::Status Permissions::Refusal(const Caller& caller, absl::string_view what) {
  if (caller.authorizations.empty() && caller.names.empty()) {
    return absl::UnauthenticatedError(
        absl::StrCat(what, " needs a token or a certificate that permits it"));
  }
  return absl::PermissionDeniedError(
      absl::StrCat("neither this token nor this certificate permits ", what));
}

absl::Status Permissions::MayRead(const Caller& caller) const {
  if (absl::Status status = CheckConnection(caller); !status.ok()) return status;
  if (change_.Permits(caller) || read_.Permits(caller)) return absl::OkStatus();
  // With TLS every certificate of the CA may read, without it every process of this machine.
  const bool open = read_.empty() && (tls_ || IsLoopbackConnection(caller.peer));
  return open ? absl::OkStatus() : Refusal(caller, "reading");
}

absl::Status Permissions::MayChange(const Caller& caller) const {
  if (absl::Status status = CheckConnection(caller); !status.ok()) return status;
  if (change_.empty()) {
    return absl::PermissionDeniedError(
        "nobody may change anything here: the server has no change_token_file and no changers");
  }
  return change_.Permits(caller) ? absl::OkStatus() : Refusal(caller, "changing");
}

}  // namespace hawser::admin
