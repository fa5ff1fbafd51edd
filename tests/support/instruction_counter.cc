#include "tests/support/instruction_counter.h"

#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace hawser {
namespace {

#if defined(__x86_64__)

// Stops the child, as the parent sees it.
inline void Trap() { __asm__ volatile("int3" ::: "memory"); }

bool StoppedAtTrap(pid_t child) {
  siginfo_t info = {};
  return ptrace(PTRACE_GETSIGINFO, child, nullptr, &info) == 0 && info.si_code == SI_KERNEL;
}

// Waits for the child's next stop by SIGTRAP; false when it ended, or stopped otherwise.
bool WaitForTrap(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

int64_t StepsBetweenTraps(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
    Trap();
    work();
    Trap();
    _exit(0);
  }
  int64_t steps = -1;
  if (WaitForTrap(child)) {
    steps = 0;
    while (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) == 0) {
      if (!WaitForTrap(child)) {
        steps = -1;
        break;
      }
      if (StoppedAtTrap(child)) break;
      ++steps;
    }
  }
  ptrace(PTRACE_KILL, child, nullptr, nullptr);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return steps;
}

#else

int64_t StepsBetweenTraps(const std::function<void()>& work) { return -1; }

#endif

}  // namespace

int64_t CountInstructions(const std::function<void()>& work) {
  const int64_t empty = StepsBetweenTraps([] {});
  const int64_t steps = StepsBetweenTraps(work);
  return empty < 0 || steps < 0 ? -1 : steps - empty;
}

bool InstructionsMatter() {
#if defined(__OPTIMIZE__) && defined(NDEBUG)
  return true;
#else
  return false;
#endif
}

}  // namespace hawser
