#include "codec/raftpb_fields.h"

#include <cstddef>
#include <limits>

namespace hawser {
namespace raftpb_fields {
namespace {

constexpr size_t kGroupDepthMax = 64;

// Reads a tag; fails `in` when it has no field number.
uint32_t ReadTag(ByteReader* in) {
  const uint64_t tag = in->Varint();
  if (tag > std::numeric_limits<uint32_t>::max() || tag >> 3 == 0) {
    in->Fail();
    return 0;
  }
  return static_cast<uint32_t>(tag);
}

void SkipGroup(uint32_t first_number, ByteReader* in) {
  uint32_t open[kGroupDepthMax];
  size_t depth = 0;
  open[depth++] = first_number;
  while (depth > 0 && !in->failed()) {
    const uint32_t tag = ReadTag(in);
    switch (tag & 7) {
      case kVarint:
        in->Varint();
        break;
      case kFixed64:
        in->Bytes(8);
        break;
      case kBytes:
        in->Sized();
        break;
      case kFixed32:
        in->Bytes(4);
        break;
      case kGroupBegin:
        if (depth == kGroupDepthMax) {
          in->Fail();
          break;
        }
        open[depth++] = tag >> 3;
        break;
      case kGroupEnd:
        if (open[--depth] != tag >> 3) {
          in->Fail();
        }
        break;
      default:
        in->Fail();
    }
  }
}

}  // namespace

bool NextField(ByteReader* in, Field* field) {
  if (in->left() == 0) {
    return false;
  }
  const char* begin = in->at();
  field->tag = ReadTag(in);
  switch (field->tag & 7) {
    case kVarint:
      field->number = in->Varint();
      break;
    case kFixed64:
      in->Bytes(8);
      break;
    case kBytes:
      field->bytes = in->Sized();
      break;
    case kGroupBegin:
      SkipGroup(field->tag >> 3, in);
      break;
    case kFixed32:
      in->Bytes(4);
      break;
    default:
      in->Fail();
  }
  field->whole = absl::string_view(begin, static_cast<size_t>(in->at() - begin));
  return !in->failed();
}

}  // namespace raftpb_fields
}  // namespace hawser
