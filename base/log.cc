#include "base/log.h"

#include <atomic>
#include <cstdio>

namespace hawser {
namespace {

std::atomic<LogSink> sink_override{nullptr};

}  // namespace

void SetLogSink(LogSink sink) { sink_override.store(sink); }

void Log(absl::string_view line) {
  if (LogSink sink = sink_override.load()) {
    sink(line);
    return;
  }
  std::fprintf(stderr, "hawser: %.*s\n", static_cast<int>(line.size()), line.data());
}

}  // namespace hawser
