#include "transport/grpc/address.h"

#include <arpa/inet.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace hawser {
namespace {

constexpr size_t kHostBytesMax = 253;

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("address \"", text, "\": ", why, "; use host:port or [ipv6]:port"));
}

}  // namespace

std::string Address::ToString() const {
  return host.find(':') == std::string::npos ? absl::StrCat(host, ":", port)
                                             : absl::StrCat("[", host, "]:", port);
}

absl::StatusOr<Address> ParseAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return Bad(text, "no port");
  absl::string_view host = text.substr(0, colon);
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port > 65535) {
    return Bad(text, "the port is no number from 0 to 65535");
  }
  const bool bracketed = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
  in6_addr ipv6;
  if (bracketed && inet_pton(AF_INET6, std::string(host).c_str(), &ipv6) != 1) {
    return Bad(text, "no IPv6 address in the brackets");
  }
  if (host.empty() || host.size() > kHostBytesMax) return Bad(text, "no host");
  if (!bracketed && host.find_first_of(":[]/ ") != absl::string_view::npos) {
    return Bad(text, "the host has a character that it cannot have");
  }
  Address address;
  address.host = std::string(host);
  address.port = static_cast<uint16_t>(port);
  return address;
}

bool IsLoopback(const Address& address) {
  if (address.host == "localhost") return true;
  in_addr ipv4;
  if (inet_pton(AF_INET, address.host.c_str(), &ipv4) == 1) {
    return (ntohl(ipv4.s_addr) >> 24) == 127;
  }
  in6_addr ipv6;
  if (inet_pton(AF_INET6, address.host.c_str(), &ipv6) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&ipv6)) return ipv6.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&ipv6);
}

bool IsLoopbackConnection(absl::string_view grpc_peer) {
  const bool ipv4 = absl::ConsumePrefix(&grpc_peer, "ipv4:");
  if (!ipv4 && !absl::ConsumePrefix(&grpc_peer, "ipv6:")) return false;
  const std::string text = absl::StrReplaceAll(grpc_peer, {{"%5B", "["}, {"%5D", "]"}});
  const absl::StatusOr<Address> address = ParseAddress(text);
  return address.ok() && address->host != "localhost" && IsLoopback(*address);
}

}  // namespace hawser
