#ifndef HAWSER_TRANSPORT_RDMA_HMAC_H_
#define HAWSER_TRANSPORT_RDMA_HMAC_H_

// Keyed proofs and random bytes, by OpenSSL.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace hawser {

inline constexpr size_t kMacBytes = 16;
using Mac = std::array<char, kMacBytes>;
using TicketKey = std::array<uint8_t, 32>;

// The first 16 bytes of HMAC-SHA-256 over "hawser rdma ", `purpose`, a zero byte and `bytes`.
Mac MacOf(const TicketKey& key, absl::string_view purpose, absl::string_view bytes);

// Compares without telling by its time where two differ; false when the lengths do.
bool SameMac(absl::string_view a, absl::string_view b);

// False when the system has none to give.
bool RandomBytes(absl::Span<uint8_t> bytes);

// Makes the MACs of one direction of a link: each covers the sender's HELLO frame and one frame.
//
// One thread.
class FrameMac {
 public:
  FrameMac(const TicketKey& key, absl::string_view hello_frame);
  ~FrameMac();
  FrameMac(const FrameMac&) = delete;
  FrameMac& operator=(const FrameMac&) = delete;

  Mac Of(absl::string_view frame) const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace hawser

#endif  // HAWSER_TRANSPORT_RDMA_HMAC_H_
