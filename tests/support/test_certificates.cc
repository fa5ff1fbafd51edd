#include "tests/support/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace hawser {
namespace {

EVP_PKEY* NewKey() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  HAWSER_CHECK(key != nullptr);
  return key;
}

std::string TakeText(BIO* bio) {
  char* bytes = nullptr;
  const auto size = static_cast<size_t>(BIO_get_mem_data(bio, &bytes));
  std::string text(bytes, size);
  BIO_free(bio);
  return text;
}

std::string ToPem(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  HAWSER_CHECK(PEM_write_bio_X509(bio, certificate) == 1);
  return TakeText(bio);
}

std::string ToPem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  HAWSER_CHECK(PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return TakeText(bio);
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  HAWSER_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// A certificate without signature for `key`.
X509* NewCertificate(EVP_PKEY* key, const std::string& common_name, long from_s, long to_s) {
  static std::atomic<long> serial{1};
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), to_s);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return certificate;
}

CertificateSet Make(const CertificateRequest& request, X509* issuer, EVP_PKEY* issuer_key) {
  EVP_PKEY* key = NewKey();
  X509* certificate = NewCertificate(key, "node", request.valid_from_s, request.valid_to_s);
  std::string names;
  for (const std::string& uri : request.uris) absl::StrAppend(&names, ",URI:", uri);
  for (const std::string& dns : request.dns) absl::StrAppend(&names, ",DNS:", dns);
  if (!names.empty()) AddExtension(certificate, NID_subject_alt_name, names.substr(1));
  X509* const signer = issuer == nullptr ? certificate : issuer;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  HAWSER_CHECK(X509_sign(certificate, issuer == nullptr ? key : issuer_key, EVP_sha256()) != 0);
  const CertificateSet set = {ToPem(certificate), ToPem(key), ToPem(signer)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return set;
}

// Replaces the file at once, as a careful operator does.
void WriteFile(const std::string& path, const std::string& bytes) {
  {
    std::ofstream file(path + ".new", std::ios::binary | std::ios::trunc);
    file << bytes;
  }
  HAWSER_CHECK(std::rename((path + ".new").c_str(), path.c_str()) == 0);
}

}  // namespace

TestCa::TestCa(const std::string& name)
    : key_(NewKey()), certificate_(NewCertificate(key_, name, -7200, 7200)) {
  X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
  AddExtension(certificate_, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate_, NID_subject_key_identifier, "hash");
  HAWSER_CHECK(X509_sign(certificate_, key_, EVP_sha256()) != 0);
}

TestCa::~TestCa() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

std::string TestCa::pem() const { return ToPem(certificate_); }

CertificateSet TestCa::Issue(const CertificateRequest& request) const {
  return Make(request, certificate_, key_);
}

CertificateSet TestCa::IssueNode(NodeId node) const {
  CertificateRequest request;
  request.uris = {IdentityUri("test", node)};
  return Issue(request);
}

CertificateSet SelfSigned(const CertificateRequest& request) {
  return Make(request, nullptr, nullptr);
}

void WriteCertificates(const CertificateSet& set, const std::string& name, Options* options) {
  const char* directory = std::getenv("TEST_TMPDIR");
  const std::string base = absl::StrCat(directory == nullptr ? "/tmp" : directory, "/", name);
  options->tls_certificate_file = base + ".crt";
  options->tls_key_file = base + ".key";
  options->tls_ca_file = base + ".ca";
  WriteFile(options->tls_certificate_file, set.certificate);
  WriteFile(options->tls_key_file, set.key);
  WriteFile(options->tls_ca_file, set.ca);
}

}  // namespace hawser
