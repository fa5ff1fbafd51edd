#ifndef HAWSER_TOOLS_STREAMDUMP_DUMP_RESULT_H_
#define HAWSER_TOOLS_STREAMDUMP_DUMP_RESULT_H_

// How reading a stream, or the lines of one, ended.

#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"

namespace hawser {

struct DumpResult {
  uint64_t messages = 0;
  // Empty: all was read. Else where and why it stopped.
  std::string error;
};

// Takes a line without its end, or a run of bytes.
using DumpSink = std::function<void(absl::string_view)>;

}  // namespace hawser

#endif  // HAWSER_TOOLS_STREAMDUMP_DUMP_RESULT_H_
