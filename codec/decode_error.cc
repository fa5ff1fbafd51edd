#include "codec/decode_error.h"

namespace hawser {

const char* DecodeErrorName(DecodeError error) {
  switch (error) {
    case DecodeError::kNone:
      return "none";
    case DecodeError::kTruncated:
      return "truncated";
    case DecodeError::kBadTag:
      return "bad_tag";
    case DecodeError::kReservedForm:
      return "reserved_form";
    case DecodeError::kBadCheck:
      return "bad_check";
    case DecodeError::kBadHead:
      return "bad_head";
    case DecodeError::kBadRaftpb:
      return "bad_raftpb";
    case DecodeError::kBadSlot:
      return "bad_slot";
    case DecodeError::kTooManyGroups:
      return "too_many_groups";
    case DecodeError::kTooManyEntries:
      return "too_many_entries";
    case DecodeError::kTooLarge:
      return "too_large";
    case DecodeError::kJoinRefused:
      return "join_refused";
    case DecodeError::kTrailingBytes:
      return "trailing_bytes";
  }
  return "unknown";
}

}  // namespace hawser
