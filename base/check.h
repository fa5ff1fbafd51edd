#ifndef HAWSER_BASE_CHECK_H_
#define HAWSER_BASE_CHECK_H_

// HAWSER_CHECK(condition): stops the process when we have a bug; on in every build mode.
//
// For what a peer or the world did wrong there is CloseReason and absl::Status: bytes from
// outside must never reach a failing check.

namespace hawser {

// Prints the failed condition with its place on stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace hawser

#define HAWSER_CHECK(condition)                              \
  do {                                                       \
    if (__builtin_expect(!(condition), 0)) {                 \
      ::hawser::CheckFailed(__FILE__, __LINE__, #condition); \
    }                                                        \
  } while (false)

#endif  // HAWSER_BASE_CHECK_H_
