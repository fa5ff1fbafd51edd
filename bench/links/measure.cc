#include "bench/links/measure.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>

#include "bench/clock.h"
#include "bench/latency_histogram.h"
#include "bench/links/link_end.h"
#include "transport/frame.h"

namespace hawser::bench {
namespace {

constexpr int kWarmUpPart = 5;
// Fewer than the receive slots that RDMA has by default; bytes as gRPC's receive window.
constexpr uint64_t kWindowFrames = 224;
constexpr uint64_t kWindowBytes = 4 * 1024 * 1024;
constexpr uint64_t kAcksAWindow = 8;

int64_t CpuNs(clockid_t clock) {
  timespec cpu{};
  clock_gettime(clock, &cpu);
  return int64_t{cpu.tv_sec} * 1'000'000'000 + cpu.tv_nsec;
}

// What is read at the beginning and at the end of a measurement.
struct Meters {
  int64_t now_ns;
  int64_t cpu_ns;
  RdmaCounters counters;
};

class Measuring {
 public:
  Measuring(const LinkCase& c, clockid_t answering_clock)
      : case_(c), end_(c), answering_clock_(answering_clock) {}

  absl::StatusOr<LinkResult> Run(ControlChannel* other) {
    if (absl::Status status = end_.Dial(other); !status.ok()) return status;
    Phase(case_.duration_ns / kWarmUpPart);
    latencies_.Clear();
    min_ns_ = INT64_MAX;
    const Meters before = Read();
    const uint64_t messages = Phase(case_.duration_ns);
    const Meters after = Read();
    if (end_.down()) return absl::UnavailableError("the link ended during the measurement");
    return Difference(before, after, messages);
  }

 private:
  // Messages that got there.
  uint64_t Phase(int64_t duration_ns) {
    const int64_t until_ns = NowNs() + duration_ns;
    return case_.test == LinkTest::kPingPong ? PingPong(until_ns) : Stream(until_ns);
  }

  uint64_t PingPong(int64_t until_ns) {
    uint64_t messages = 0;
    for (int64_t start_ns = NowNs(); start_ns < until_ns && !end_.down(); ++messages) {
      const uint64_t answered = end_.received_bytes() + case_.message_bytes;
      end_.Send(1, case_.message_bytes);
      while (end_.received_bytes() < answered && !end_.down()) end_.Turn();
      const int64_t now_ns = NowNs();
      const int64_t one_way_ns = (now_ns - start_ns) / 2;
      latencies_.Record(one_way_ns);
      min_ns_ = std::min(min_ns_, one_way_ns);
      start_ns = now_ns;
    }
    return messages;
  }

  uint64_t Stream(int64_t until_ns) {
    const StreamWindow window = WindowOf(case_);
    const uint64_t acks_before = end_.received_acks();
    // However slow it is, something gets there.
    while ((NowNs() < until_ns || end_.received_acks() == acks_before) && !end_.down()) {
      const uint64_t on_way = sent_ - end_.received_acks() * window.ack_every;
      if (on_way < window.messages) {
        end_.Send(window.messages - on_way, case_.message_bytes);
        sent_ += window.messages - on_way;
      }
      end_.Turn();
    }
    return (end_.received_acks() - acks_before) * window.ack_every;
  }

  Meters Read() const {
    return {NowNs(), CpuNs(CLOCK_PROCESS_CPUTIME_ID) + CpuNs(answering_clock_), end_.counters()};
  }

  LinkResult Difference(const Meters& before, const Meters& after, uint64_t messages) const {
    LinkResult result;
    result.messages = messages;
    result.duration_ns = after.now_ns - before.now_ns;
    result.cpu_ns = after.cpu_ns - before.cpu_ns;
    if (case_.test == LinkTest::kPingPong) {
      result.min_ns = min_ns_;
      result.p50_ns = latencies_.PercentileNs(50);
      result.p99_ns = latencies_.PercentileNs(99);
      result.max_ns = latencies_.max_ns();
    }
    result.frames = after.counters.frames_sent - before.counters.frames_sent;
    result.doorbells = after.counters.send_doorbells - before.counters.send_doorbells;
    result.wakes = after.counters.wakes - before.counters.wakes;
    return result;
  }

  const LinkCase case_;
  LinkEnd end_;
  const clockid_t answering_clock_;
  LatencyHistogram latencies_;
  int64_t min_ns_ = INT64_MAX;
  uint64_t sent_ = 0;
};

}  // namespace

StreamWindow WindowOf(const LinkCase& c) {
  const uint64_t frames = (c.message_bytes + c.slot_bytes - 1) / c.slot_bytes;
  const uint64_t messages = std::min(kWindowFrames / frames, kWindowBytes / c.message_bytes);
  return {std::max<uint64_t>(messages, 1), std::max<uint64_t>(messages / kAcksAWindow, 1)};
}

absl::StatusOr<LinkResult> RunMeasuring(const LinkCase& c, ControlChannel* other, pid_t answering) {
  clockid_t clock;
  if (const int error = clock_getcpuclockid(answering, &clock); error != 0) {
    return absl::ErrnoToStatus(error, "CPU clock of the answering end");
  }
  Measuring measuring(c, clock);
  return measuring.Run(other);
}

absl::Status RunAnswering(const LinkCase& c, ControlChannel* other) {
  LinkEnd end(c);
  if (absl::Status status = end.Accept(other); !status.ok()) return status;
  const uint64_t every = c.test == LinkTest::kPingPong ? 1 : WindowOf(c).ack_every;
  const size_t answer_bytes = c.test == LinkTest::kPingPong ? c.message_bytes : kFrameHeaderBytes;
  uint64_t answers = 0;
  while (!end.down()) {
    end.Turn();
    const uint64_t due = end.received_bytes() / c.message_bytes / every;
    if (due > answers) end.Send(due - answers, answer_bytes);
    answers = std::max(due, answers);
  }
  return absl::OkStatus();
}

}  // namespace hawser::bench
