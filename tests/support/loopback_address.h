#ifndef HAWSER_TESTS_SUPPORT_LOOPBACK_ADDRESS_H_
#define HAWSER_TESTS_SUPPORT_LOOPBACK_ADDRESS_H_

// An address for a server that is yet to listen.

#include <string>

namespace hawser {

// "127.a.b.c:port". The host is drawn at random, so that no other process takes the port meanwhile,
// also while its server is away: those that ask the system for a port do so on 127.0.0.1.
std::string NewLoopbackAddress();

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_LOOPBACK_ADDRESS_H_
