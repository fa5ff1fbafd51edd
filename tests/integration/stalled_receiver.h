#ifndef HAWSER_TESTS_INTEGRATION_STALLED_RECEIVER_H_
#define HAWSER_TESTS_INTEGRATION_STALLED_RECEIVER_H_

// A receiver that stalls for as long as HAWSER_STALL_SECONDS says (3), and a sender that goes on.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "transport/transport.h"

namespace hawser {

enum class Stall : uint8_t {
  kKeepsLeases,   // Its handler returns, and keeps all that it gets.
  kDoesNotReturn  // Its handler does not.
};

// Sends all that Send takes from node 1 to node 2, while node 2 stalls, and expects: both ends stay
// within the limits that Limit() sets, URGENT goes on as long as handlers return, and all arrives
// in order once the stall is over.
//
// One a test; it outlives the transports. Threads: one test's, and the loops'.
class StalledReceiver {
 public:
  explicit StalledReceiver(Stall how) : how_(how), receiving_(how) {}

  // Small queues and windows, and patience with one who does not return.
  void Limit(Options* options) const;
  RaftHandler* sending() { return &sending_; }
  RaftHandler* receiving() { return &receiving_; }

  // Both are up. Prints what it saw at the most.
  void Run(Transport* from, Transport* to);

 private:
  class Sending : public RaftHandler {
   public:
    void OnMessage(NodeId, GroupId, const MessageView&, Lease) override {}
    void OnUnreachable(NodeId, const LossReport&) override { ++outages; }
    std::atomic<uint64_t> outages{0};
  };

  class Receiving : public RaftHandler {
   public:
    explicit Receiving(Stall how) : how_(how) {}
    void OnMessage(NodeId from, GroupId group, const MessageView& message, Lease lease) override;
    void OnUnreachable(NodeId, const LossReport&) override { ++wrong; }
    void set_stalled(bool stalled);
    size_t kept();

    std::atomic<uint64_t> appends{0};
    std::atomic<uint64_t> urgent{0};
    std::atomic<uint64_t> snapshots{0};
    std::atomic<uint64_t> wrong{0};  // Out of order, changed, or lost.
    std::atomic<int64_t> urgent_ns_max{0};

   private:
    const Stall how_;
    std::mutex mu_;
    std::condition_variable changed_;
    bool stalled_ = false;
    std::vector<Lease> kept_;
  };

  // At the most, or so far.
  struct Seen {
    uint64_t queued_messages = 0;
    uint64_t queued_bytes = 0;
    uint64_t unacknowledged_bytes = 0;
    uint64_t leased_bytes = 0;
    uint64_t leases = 0;
    size_t resident_bytes_first_half = 0;
    size_t resident_bytes = 0;
  };

  void SendForAsLongAsItStalls(Transport* from, Transport* to, double seconds);
  bool TryAppend(Transport* from);
  void Look(Transport* from, Transport* to, bool first_half);
  void ExpectBounds(size_t resident_before) const;
  bool AllArrived() const;

  const Stall how_;
  Sending sending_;
  Receiving receiving_;
  Options limits_;
  Seen seen_;
  uint64_t appends_ = 0;
  uint64_t urgent_ = 0;
  uint64_t snapshots_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_TESTS_INTEGRATION_STALLED_RECEIVER_H_
