#include "tests/support/instruction_counter.h"

#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace hawser {
namespace {

// What the child says when it stops itself.
enum class Mark : uint64_t { kBegin, kEnd, kPause, kResume };

// This process is the child.
bool counted = false;

#if defined(__x86_64__)

inline void Say(Mark mark) { __asm__ volatile("int3" : : "D"(mark) : "memory"); }

// A stop by the kernel's work for us is SIGTRAP, one at a call into it has this bit besides.
constexpr int kAtSystemCall = 0x80;

// Waits for the child's next stop; false when it ended, or stopped for another reason.
bool WaitForStop(pid_t child, int* signal) {
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return false;
  *signal = WSTOPSIG(status);
  return (*signal & ~kAtSystemCall) == SIGTRAP;
}

// Whether it stopped itself, and why.
bool Said(pid_t child, Mark* mark) {
  siginfo_t info = {};
  if (ptrace(PTRACE_GETSIGINFO, child, nullptr, &info) != 0 || info.si_code != SI_KERNEL) {
    return false;
  }
  user_regs_struct registers = {};
  ptrace(PTRACE_GETREGS, child, nullptr, &registers);
  *mark = static_cast<Mark>(registers.rdi);
  return true;
}

// How often the child stops in `step` between its first and its last word; -1: it did not get so
// far.
int64_t Follow(pid_t child, __ptrace_request step) {
  int signal = 0;
  if (!WaitForStop(child, &signal)) return -1;
  ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD);
  int64_t stops = 0;
  bool paused = false;
  while (ptrace(paused ? PTRACE_CONT : step, child, nullptr, nullptr) == 0) {
    if (!WaitForStop(child, &signal)) return -1;
    Mark mark;
    if (signal == SIGTRAP && Said(child, &mark)) {
      if (mark == Mark::kEnd) return stops;
      paused = mark == Mark::kPause;
    } else {
      ++stops;
    }
  }
  return -1;
}

int64_t StopsOf(const std::function<void()>& work, __ptrace_request step) {
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
    counted = true;
    Say(Mark::kBegin);
    work();
    Say(Mark::kEnd);
    _exit(0);
  }
  const int64_t stops = Follow(child, step);
  ptrace(PTRACE_KILL, child, nullptr, nullptr);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return stops;
}

int64_t Steps(const std::function<void()>& work) { return StopsOf(work, PTRACE_SINGLESTEP); }
// It stops before a call and after it.
int64_t Calls(const std::function<void()>& work) {
  const int64_t stops = StopsOf(work, PTRACE_SYSCALL);
  return stops < 0 ? -1 : stops / 2;
}

#else

inline void Say(Mark mark) {}
int64_t Steps(const std::function<void()>& work) { return -1; }
int64_t Calls(const std::function<void()>& work) { return -1; }

#endif

}  // namespace

void PauseCounting() {
  if (counted) Say(Mark::kPause);
}

void ResumeCounting() {
  if (counted) Say(Mark::kResume);
}

int64_t CountInstructions(const std::function<void()>& work) {
  const int64_t empty = Steps([] {});
  const int64_t steps = Steps(work);
  return empty < 0 || steps < 0 ? -1 : steps - empty;
}

int64_t CountSystemCalls(const std::function<void()>& work) { return Calls(work); }

bool InstructionsMatter() {
#if defined(__OPTIMIZE__) && defined(NDEBUG)
  return true;
#else
  return false;
#endif
}

}  // namespace hawser
