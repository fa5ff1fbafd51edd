#ifndef HAWSER_TESTS_SUPPORT_RESIDENT_BYTES_H_
#define HAWSER_TESTS_SUPPORT_RESIDENT_BYTES_H_

// How much memory the test's process takes.

#include <cstddef>

namespace hawser {

// Of this process; 0 when that cannot be read.
size_t ResidentBytes();

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_RESIDENT_BYTES_H_
