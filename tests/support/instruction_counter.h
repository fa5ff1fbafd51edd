#ifndef HAWSER_TESTS_SUPPORT_INSTRUCTION_COUNTER_H_
#define HAWSER_TESTS_SUPPORT_INSTRUCTION_COUNTER_H_

// How many instructions a piece of code takes, on any machine: counts are stable where times are
// not.

#include <cstdint>
#include <functional>

namespace hawser {

// Runs `work` in a child process, one instruction at a time, and returns how many it executed; the
// call of `work` itself is not counted. -1: not on this processor, or ptrace is not allowed.
//
// The child is a copy of the caller made here, so `work` finds the caller's memory as it is, and
// the caller does not see what it changes. Some microseconds an instruction.
int64_t CountInstructions(const std::function<void()>& work);

// The same, counting the calls into the kernel, at the speed of the processor otherwise.
int64_t CountSystemCalls(const std::function<void()>& work);

// Between these two nothing is counted: for what belongs to the test and not to what it measures.
// Some instructions each.
void PauseCounting();
void ResumeCounting();

// False in builds whose counts mean nothing: without optimization, or with a sanitizer.
bool InstructionsMatter();

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_INSTRUCTION_COUNTER_H_
