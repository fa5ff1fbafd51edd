#ifndef HAWSER_CODEC_DECODE_ERROR_H_
#define HAWSER_CODEC_DECODE_ERROR_H_

// The named ways in which bytes from a peer can be wrong.

#include <cstdint>

namespace hawser {

// Why a decoder refused. Everything but kNone closes the stream: what follows has no meaning.
enum class DecodeError : uint8_t {
  kNone,
  kTruncated,       // The message goes on past the end of its bytes.
  kBadTag,          // No message starts with this byte.
  kReservedForm,    // A form that this version does not know.
  kBadCheck,        // The check does not match: damaged bytes, or the two ends differ in state.
  kBadHead,         // A head that no encoder writes: wrong lengths, counts or flags.
  kBadRaftpb,       // Not a raftpb message, entry or unknown field.
  kBadSlot,         // A group slot with a wrong parity bit, or one that was never opened.
  kTooManyGroups,   // More group slots than the limit.
  kTooManyEntries,  // More entries (or nested responses) than the limit.
  kTooLarge,        // A length above the limit for one message.
  kJoinRefused,     // No memory was given for a part that lies in several buffers.
  kTrailingBytes,   // Bytes after the message where it should have been alone.
};

inline constexpr int kDecodeErrorCount = 13;

// The name for logs and metrics ("bad_check").
const char* DecodeErrorName(DecodeError error);

}  // namespace hawser

#endif  // HAWSER_CODEC_DECODE_ERROR_H_
