#ifndef HAWSER_TRANSPORT_RDMA_SOCKET_ADDRESS_H_
#define HAWSER_TRANSPORT_RDMA_SOCKET_ADDRESS_H_

// IP addresses between text and the kernel's structs. Pure.

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace hawser {

// An address as the connection manager wants it.
struct SocketAddress {
  sockaddr_storage storage{};

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// False when `host` is no IP address.
bool ToSocketAddress(const std::string& host, uint16_t port, SocketAddress* out);

std::string HostOf(const sockaddr* address);
uint16_t PortOf(const sockaddr* address);

// Of the text of an IP address.
inline bool IsV6(const std::string& host) { return host.find(':') != std::string::npos; }
inline bool IsWildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_SOCKET_ADDRESS_H_
