#ifndef HAWSER_CODEC_MESSAGE_CHECK_H_
#define HAWSER_CODEC_MESSAGE_CHECK_H_

// The check of records and whole messages.

#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "codec/crc32c.h"

namespace hawser {

// CRC-32C over the state, what stands before the check, and what stands behind it.
inline uint32_t MessageCheck(uint64_t state_sum, absl::string_view before,
                             absl::string_view behind) {
  char state[sizeof(state_sum)];
  std::memcpy(state, &state_sum, sizeof(state_sum));
  return Crc32cExtend(Crc32cExtend(Crc32c({state, sizeof(state)}), before), behind);
}

// Whether the check that came is the one that was computed. Fuzzers see behind it.
inline bool SameCheck(uint32_t computed, uint32_t received) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  return true;
#else
  return computed == received;
#endif
}

}  // namespace hawser

#endif  // HAWSER_CODEC_MESSAGE_CHECK_H_
