#ifndef HAWSER_TESTS_SUPPORT_COST_COUNTERS_H_
#define HAWSER_TESTS_SUPPORT_COST_COUNTERS_H_

// How often the program takes memory from the heap, and locks a mutex.
//
// Linking this puts functions of its own in front of malloc and pthread_mutex_lock. Not under
// sanitizers, which do the same.

#include <cstdint>

namespace hawser {

struct Costs {
  uint64_t allocations = 0;
  uint64_t locks = 0;
};

// False: this build cannot count.
bool CountsCosts();

// Counts on, or no longer. For programs of one thread.
void CountCosts(bool on);

// All that was counted since the last time; counting stops.
Costs TakeCosts();

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_COST_COUNTERS_H_
