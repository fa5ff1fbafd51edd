#include "transport/rdma/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>

#include "base/check.h"

namespace hawser {
namespace {

// An HMAC-SHA-256 that is under way. OpenSSL's HMAC does not fail save for want of memory, where
// the process ends as everywhere.
class Hmac {
 public:
  explicit Hmac(const TicketKey& key) {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    HAWSER_CHECK(mac != nullptr);
    context_ = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    HAWSER_CHECK(context_ != nullptr);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    HAWSER_CHECK(EVP_MAC_init(context_, key.data(), key.size(), parameters) == 1);
  }
  Hmac(const Hmac& other) : context_(EVP_MAC_CTX_dup(other.context_)) {
    HAWSER_CHECK(context_ != nullptr);
  }
  Hmac& operator=(const Hmac&) = delete;
  ~Hmac() { EVP_MAC_CTX_free(context_); }

  void Add(absl::string_view bytes) {
    HAWSER_CHECK(EVP_MAC_update(context_, reinterpret_cast<const unsigned char*>(bytes.data()),
                                bytes.size()) == 1);
  }
  Mac Finish() {
    unsigned char whole[32];
    size_t bytes = 0;
    HAWSER_CHECK(EVP_MAC_final(context_, whole, &bytes, sizeof(whole)) == 1);
    Mac mac;
    std::copy_n(whole, mac.size(), mac.begin());
    return mac;
  }

 private:
  EVP_MAC_CTX* context_;
};

Hmac Begin(const TicketKey& key, absl::string_view purpose) {
  Hmac hmac(key);
  hmac.Add("hawser rdma ");
  hmac.Add(purpose);
  hmac.Add(absl::string_view("\0", 1));
  return hmac;
}

}  // namespace

Mac MacOf(const TicketKey& key, absl::string_view purpose, absl::string_view bytes) {
  Hmac hmac = Begin(key, purpose);
  hmac.Add(bytes);
  return hmac.Finish();
}

bool SameMac(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool RandomBytes(absl::Span<uint8_t> bytes) {
  return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
}

struct FrameMac::State {
  Hmac begun;
};

FrameMac::FrameMac(const TicketKey& key, absl::string_view hello_frame)
    : state_(new State{Begin(key, "frame")}) {
  state_->begun.Add(hello_frame);
}

FrameMac::~FrameMac() = default;

Mac FrameMac::Of(absl::string_view frame) const {
  Hmac hmac = state_->begun;
  hmac.Add(frame);
  return hmac.Finish();
}

}  // namespace hawser
