#include "tests/support/wait_until.h"

#include "absl/time/clock.h"

namespace hawser {

bool WaitUntil(const std::function<bool()>& done, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  while (!done()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

}  // namespace hawser
