#ifndef HAWSER_TESTS_SIM_SIM_TRACE_H_
#define HAWSER_TESTS_SIM_SIM_TRACE_H_

// What a simulation did, line by line, for whoever looks for the reason of a failure.

#include <cinttypes>
#include <cstdint>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/support/fake_link.h"

namespace hawser {

// Writes to stdout when it is on; costs a branch when it is off.
class SimTrace {
 public:
  SimTrace(const FakeNetwork* network, bool on)
      : network_(network), begin_ns_(network->now_ns()), on_(on) {}

  bool on() const { return on_; }
  // Milliseconds since the beginning.
  double now_ms() const { return static_cast<double>(network_->now_ns() - begin_ns_) / 1e6; }

  template <typename... Parts>
  void Line(const Parts&... parts) const {
    if (on_) Print(absl::StrCat(parts...));
  }

 private:
  void Print(absl::string_view text) const {
    std::printf("%12.6f  %.*s\n", now_ms(), static_cast<int>(text.size()), text.data());
  }

  const FakeNetwork* const network_;
  const int64_t begin_ns_;
  const bool on_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_SIM_TRACE_H_
