#ifndef HAWSER_TESTS_SIM_WIRE_WATCH_H_
#define HAWSER_TESTS_SIM_WIRE_WATCH_H_

// Reads every frame on the wire and says where docs/wire_format.md was broken.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sim_trace.h"
#include "tests/support/fake_link.h"
#include "transport/frame.h"
#include "transport/options.h"

namespace hawser {

// Checks what only the wire shows: sequence numbers without gaps, no unit spent that was not
// granted, no ack of what was never received, the urgent bound (unacknowledged bytes of APPEND and
// BULK), who lives of two links that come up at once, no message on gRPC where RDMA alone may carry
// them, and that no end finds fault with the other.
//
// One per simulation. It believes nobody: its counts are its own.
class WireWatch {
 public:
  WireWatch(const Options& options, const SimTrace* trace, Oracle* oracle)
      : options_(options), trace_(trace), oracle_(oracle) {}

  void OnSent(const FrameWay& way, absl::string_view frame);
  void OnArrived(const FrameWay& way, absl::string_view frame);
  // The process that listened at `address` is gone; another one may come.
  void OnEnd(const std::string& address);

 private:
  struct Unacked {
    uint64_t connection;
    uint32_t sequence;
    Lane lane;
    size_t bytes;
  };
  // From one node to another, over all connections.
  struct Direction {
    // An epoch begins, as the answer to the fence, or by the switch that was announced.
    void Start(uint32_t epoch, uint32_t new_fence);

    uint32_t fence = 0;
    uint32_t switch_to = 0;  // The epoch that SWITCH announced last.
    std::array<uint64_t, kLaneCount> unacked_bytes{};
    std::deque<Unacked> unacked;
  };
  // One end's sending half of a connection.
  struct Half {
    bool greeted = false;  // The other end's HELLO has arrived.
    bool dialler = false;
    uint32_t sent = 0;
    uint32_t received = 0;  // By the other end.
    uint32_t units_spent = 0;
    uint32_t units_granted = 0;  // As this end knows.
    Direction* direction = nullptr;
  };

  Half& HalfOf(uint64_t connection, const std::string& from, const std::string& to);
  uint32_t UnitsOf(const FrameWay& way, size_t bytes) const;
  void OnSequenced(const FrameWay& way, const FrameHeader& header, size_t bytes, Half* half);
  void OnGoaway(const FrameWay& way, const FrameHeader& header, absl::string_view frame,
                const Half& half);
  void OnAck(const FrameWay& way, uint32_t ack);
  void Fail(const FrameWay& way, const FrameHeader& header, const std::string& text);

  const Options options_;
  const SimTrace* const trace_;
  Oracle* const oracle_;
  absl::flat_hash_map<std::pair<uint64_t, std::string>, Half> halves_;  // by connection and sender
  absl::flat_hash_map<std::pair<std::string, std::string>, std::unique_ptr<Direction>> directions_;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SIM_WIRE_WATCH_H_
