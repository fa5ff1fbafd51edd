#ifndef HAWSER_TESTS_SUPPORT_NETWORK_TROUBLE_H_
#define HAWSER_TESTS_SUPPORT_NETWORK_TROUBLE_H_

// What goes wrong on a FakeNetwork in tests that draw it from a seed, and its end.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/fake_link.h"

namespace hawser {

// How many kinds of trouble there are; two of them are relief.
inline constexpr uint32_t kNetworkTroubles = 7;

// Makes trouble `which` between `a` and `b`. `below(n)` draws a number from 0 to n - 1.
template <typename Below>
void MakeTrouble(FakeNetwork* network, uint32_t which, const std::string& a, const std::string& b,
                 Below below) {
  constexpr int64_t kMs = 1000000;
  switch (which) {
    case 0:
      return network->Cut(a, b, below(200) * kMs, below(200) * kMs);
    case 1:
      return network->CutAfterFrames(a, b, 1 + below(10));
    case 2:
      return network->Stall(a, b, true);
    case 3:
    case 4:
      return network->Stall(a, b, false);
    case 5:
      return network->SetDelay(a, b, below(2) == 0 ? 50000 : below(30) * kMs);
    default:
      return network->RefuseDials(a, below(2) == 0);
  }
}

// All ways between `addresses` are as they were at first.
inline void EndTrouble(FakeNetwork* network, const std::vector<std::string>& addresses) {
  for (const std::string& from : addresses) {
    network->RefuseDials(from, false);
    for (const std::string& to : addresses) {
      network->Stall(from, to, false);
      network->SetDelay(from, to, 50000);
      network->CutAfterFrames(from, to, UINT32_MAX);
    }
  }
}

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_NETWORK_TROUBLE_H_
