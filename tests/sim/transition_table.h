#ifndef HAWSER_TESTS_SIM_TRANSITION_TABLE_H_
#define HAWSER_TESTS_SIM_TRANSITION_TABLE_H_

// Which steps of the core's state machines simulations took, and which they never did.

#include <array>
#include <cstdint>
#include <string>

#include "transport/transitions.h"

namespace hawser {

// Counts of many cores together. A plain value.
struct TransitionTable {
  using Steps = std::array<std::array<uint64_t, kStatesMax>, kStatesMax>;  // [from][to]
  std::array<Steps, kMachineCount> machines{};

  void Add(const TransitionCounts& counts);
  void Add(const TransitionTable& other);
  // Transitions that the tables of transport/transitions.cc allow and nobody took: "peer: up ->
  // idle" and so on, a line each.
  std::string NeverTaken() const;
  // How many of the states and of the transitions were visited, and all counts, a line each.
  std::string Text() const;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_TRANSITION_TABLE_H_
