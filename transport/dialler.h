#ifndef HAWSER_TRANSPORT_DIALLER_H_
#define HAWSER_TRANSPORT_DIALLER_H_

// When and where a peer is dialled for one kind of link.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "transport/backoff.h"

namespace hawser {

class Session;

// The addresses of a peer, tried in turn, and the time of the next try. Pure.
//
// One per peer and kind of link, owned by the peer. Loop thread only.
class Dialler {
 public:
  explicit Dialler(const Backoff& backoff) : backoff_(backoff) {}

  // New addresses are tried from `at_ns` on.
  void set_addresses(std::vector<std::string> addresses, int64_t at_ns) {
    addresses_ = std::move(addresses);
    next_address_ = 0;
    backoff_.Reset();
    at_ns_ = at_ns;
  }
  const std::vector<std::string>& addresses() const { return addresses_; }

  // When to dial; the far future when there is nothing to dial, or a try is under way.
  int64_t DueNs() const {
    const bool may_dial = session_ == nullptr && !addresses_.empty();
    return may_dial ? at_ns_ : std::numeric_limits<int64_t>::max();
  }
  // The address of this try.
  const std::string& NextAddress() { return addresses_[next_address_++ % addresses_.size()]; }

  // The try under way; nullptr when there is none.
  Session* session() const { return session_; }
  void set_session(Session* session) { session_ = session; }

  // A try failed, or the link did: the next one comes after the usual backoff or, where somebody
  // must change something first, its longest delay.
  void Schedule(int64_t now_ns, bool slowly) {
    at_ns_ = now_ns + (slowly ? backoff_.Longest() : backoff_.Next());
  }
  // The next try comes at `at_ns`, whatever the backoff.
  void Postpone(int64_t at_ns) { at_ns_ = at_ns; }
  // The peer is reached: the next outage begins with the shortest delay.
  void Succeeded() {
    backoff_.Reset();
    failures_ = 0;
  }
  uint64_t CountFailure() { return ++failures_; }

 private:
  std::vector<std::string> addresses_;
  size_t next_address_ = 0;
  int64_t at_ns_ = 0;
  uint64_t failures_ = 0;
  Backoff backoff_;
  Session* session_ = nullptr;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_DIALLER_H_
