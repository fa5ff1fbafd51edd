#include "transport/security/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace hawser {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  // The stack only; what is on it has other owners.
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> Open(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// An encrypted key is refused; OpenSSL would ask the terminal for its password.
int NoPassword(char*, int, int, void*) { return -1; }

// All certificates in `pem`; empty when one does not parse or there is none.
std::vector<Owned<X509>> ReadCertificates(const std::string& pem) {
  std::vector<Owned<X509>> certificates;
  const Owned<BIO> bio = Open(pem);
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr)) {
    certificates.emplace_back(next);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) certificates.clear();
  return certificates;
}

absl::Status Bad(absl::string_view option, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", what));
}

absl::Time NotAfterOf(const X509* certificate) {
  std::tm end = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return absl::InfinitePast();
  return absl::FromTM(end, absl::UTCTimeZone());
}

CertificateNames NamesOf(const X509* certificate) {
  CertificateNames names;
  const Owned<GENERAL_NAMES> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type);
    if (type != GEN_URI && type != GEN_DNS) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    (type == GEN_URI ? names.uris : names.dns)
        .emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<size_t>(ASN1_STRING_length(text)));
  }
  return names;
}

// Whether chain[0] is valid under `store` for `purpose`.
absl::Status Verify(X509_STORE* store, const std::vector<Owned<X509>>& chain, int purpose) {
  const Owned<STACK_OF(X509)> untrusted(sk_X509_new_null());
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(untrusted.get(), chain[i].get());
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store, chain[0].get(), untrusted.get()) != 1 ||
      X509_STORE_CTX_set_purpose(context.get(), purpose) != 1) {
    return absl::InternalError("OpenSSL cannot verify");
  }
  if (X509_verify_cert(context.get()) == 1) return absl::OkStatus();
  const int error = X509_STORE_CTX_get_error(context.get());
  return Bad("tls_certificate_file",
             absl::StrCat("not valid under tls_ca_file: ", X509_verify_cert_error_string(error)));
}

}  // namespace

absl::StatusOr<CertificateFacts> CheckCertificates(const CertificateSet& set) {
  ERR_clear_error();
  const std::vector<Owned<X509>> chain = ReadCertificates(set.certificate);
  if (chain.empty()) return Bad("tls_certificate_file", "no PEM certificate");
  const Owned<BIO> key_bio = Open(set.key);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  if (key == nullptr) return Bad("tls_key_file", "no PEM key, or one with a password");
  const bool matches = X509_check_private_key(chain[0].get(), key.get()) == 1;
  ERR_clear_error();
  if (!matches) return Bad("tls_key_file", "not the key of tls_certificate_file");
  const std::vector<Owned<X509>> roots = ReadCertificates(set.ca);
  if (roots.empty()) return Bad("tls_ca_file", "no PEM certificate");
  const Owned<X509_STORE> store(X509_STORE_new());
  for (const Owned<X509>& root : roots) X509_STORE_add_cert(store.get(), root.get());
  for (const int purpose : {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT}) {
    const absl::Status status = Verify(store.get(), chain, purpose);
    ERR_clear_error();
    if (!status.ok()) return status;
  }
  return CertificateFacts{NamesOf(chain[0].get()), NotAfterOf(chain[0].get())};
}

absl::Time NotAfter(const std::string& pem) {
  const Owned<BIO> bio = Open(pem);
  const Owned<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  return certificate == nullptr ? absl::InfinitePast() : NotAfterOf(certificate.get());
}

}  // namespace hawser
