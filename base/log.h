#ifndef HAWSER_BASE_LOG_H_
#define HAWSER_BASE_LOG_H_

// One line to the log: stderr, or where the host program wants it.

#include <cstdint>

#include "absl/strings/string_view.h"

namespace hawser {

// Takes a line without its newline; may be called from any thread.
using LogSink = void (*)(absl::string_view line);

// Sets where lines go; nullptr: stderr. Any thread.
void SetLogSink(LogSink sink);

void Log(absl::string_view line);

// True for the first and every hundredth: what repeats is logged by this rule.
constexpr bool LogThis(uint64_t occurrence) { return occurrence % 100 == 1; }

}  // namespace hawser

#endif  // HAWSER_BASE_LOG_H_
