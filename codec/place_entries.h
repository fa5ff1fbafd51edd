#ifndef HAWSER_CODEC_PLACE_ENTRIES_H_
#define HAWSER_CODEC_PLACE_ENTRIES_H_

// From the lengths of a short append to its entries. Private to message_decoder.cc.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "codec/message_payload.h"
#include "codec/message_view.h"
#include "codec/short_form_read.h"

namespace hawser {

// Places the entries of a short append in one buffer, from `at` on.
template <typename LengthOf>
void PlaceEntries(const EntryView& first, size_t count, const char* at, EntryView* entries,
                  LengthOf length_of) {
  EntryView entry = first;
  for (size_t i = 0; i < count; ++i) {
    const size_t length = length_of(i);
    entry.data = absl::string_view(at, length);
    entries[i] = entry;
    at += length;
    ++entry.index;
  }
}

inline bool PlacePayload(const AppendShape& shape, const EntryView& first, FlatPayload* payload,
                         EntryView* entries) {
  const char* const at = payload->Skip(static_cast<size_t>(shape.total));
  const char* const lengths = shape.lengths;
  if (lengths == nullptr) {
    const size_t length = shape.one_length;
    PlaceEntries(first, shape.count, at, entries, [length](size_t) { return length; });
  } else if (shape.width == 1) {
    PlaceEntries(first, shape.count, at, entries, [lengths](size_t i) {
      return static_cast<size_t>(static_cast<uint8_t>(lengths[i]));
    });
  } else {
    PlaceEntries(first, shape.count, at, entries, [&shape](size_t i) { return shape.LengthOf(i); });
  }
  return true;
}

inline bool PlacePayload(const AppendShape& shape, const EntryView& first, PiecePayload* payload,
                         EntryView* entries) {
  EntryView entry = first;
  for (size_t at = 0; at < shape.count; ++at) {
    if (!payload->Take(shape.LengthOf(at), &entry.data)) {
      return false;
    }
    entries[at] = entry;
    ++entry.index;
  }
  return true;
}

}  // namespace hawser

#endif  // HAWSER_CODEC_PLACE_ENTRIES_H_
