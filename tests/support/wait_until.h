#ifndef HAWSER_TESTS_SUPPORT_WAIT_UNTIL_H_
#define HAWSER_TESTS_SUPPORT_WAIT_UNTIL_H_

// Waiting for what another thread does.

#include <functional>

#include "absl/time/time.h"

namespace hawser {

// Waits for `done`, which is asked every millisecond. False: not within `patience`.
bool WaitUntil(const std::function<bool()>& done, absl::Duration patience = absl::Seconds(60));

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_WAIT_UNTIL_H_
