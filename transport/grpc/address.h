#ifndef HAWSER_TRANSPORT_GRPC_ADDRESS_H_
#define HAWSER_TRANSPORT_GRPC_ADDRESS_H_

// "host:port" addresses: parsing, and which of them stay on this machine. Pure.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hawser {

struct Address {
  std::string host;  // Without the brackets of an IPv6 address.
  uint16_t port = 0;

  std::string ToString() const;
};

// "host:port" or "[ipv6]:port"; InvalidArgument says what is wrong.
absl::StatusOr<Address> ParseAddress(absl::string_view text);

// True for 127.0.0.0/8, ::1 and the name "localhost". A wildcard (0.0.0.0, ::) is not loopback,
// nor is any other name: where it leads can change.
bool IsLoopback(const Address& address);

// The same for the other end of a connection as gRPC names it: "ipv4:127.0.0.1:42",
// "ipv6:%5B::1%5D:42". What is neither is not loopback.
bool IsLoopbackConnection(absl::string_view grpc_peer);

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_GRPC_ADDRESS_H_
