#ifndef HAWSER_BENCH_NET_PAIR_H_
#define HAWSER_BENCH_NET_PAIR_H_

// Two hosts of a small network, on one machine: for shaping and for cutting.

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hawser::bench {

// This process in a network namespace of its own, a second process in another, and a cable (a veth
// pair) between them. Needs root, or user namespaces; iproute2; the kernel's veth.
//
// At most one in a process, made before it has other threads. The destructor ends the other
// process; this one stays in its namespace.
class NetPair {
 public:
  static constexpr char kHere[] = "10.77.0.1";
  static constexpr char kThere[] = "10.77.0.2";

  // `other` runs in the second process, which ends when it returns. An error says what is not
  // permitted or not there.
  static absl::StatusOr<std::unique_ptr<NetPair>> Enter(const std::function<void()>& other);
  ~NetPair();
  NetPair(const NetPair&) = delete;
  NetPair& operator=(const NetPair&) = delete;

  // Lets the second process begin.
  void StartOther();

  // Both ends of the cable carry `rate` ("1gbit"), and queue what is more.
  absl::Status Shape(const std::string& rate);
  // What this host sends is lost; what the other one sends arrives.
  absl::Status CutFromHere();
  // The other way round.
  absl::Status CutFromThere();
  // Undoes Shape and both cuts.
  absl::Status Mend();

 private:
  explicit NetPair(pid_t other) : other_(other) {}

  absl::Status Here(const std::string& command) const;
  absl::Status There(const std::string& command) const;

  const pid_t other_;
  int start_fd_ = -1;
};

}  // namespace hawser::bench

#endif  // HAWSER_BENCH_NET_PAIR_H_
