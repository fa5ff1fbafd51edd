#include "codec/raftpb_count.h"

#include <cstring>

#include "codec/raftpb_wire.h"
#include "codec/varint.h"

namespace hawser {
namespace {

// What one entry's lengths take beyond a byte each; `bare` is the entry without its data.
uint64_t Extras(size_t bare, uint64_t size) {
  const uint64_t data = VarintSize(size);
  return data - 1 + VarintSize(bare + 1 + data + size) - 1;
}

// An entry of more data than each of these needs a byte more for a length, its own or its data's:
// its own grows first. Up to 64 KiB.
struct Steps {
  explicit Steps(size_t bare)
      : at{static_cast<uint16_t>(125 - bare), 127, static_cast<uint16_t>(16380 - bare), 16383} {}

  uint64_t Above(size_t size) const {
    return (size > at[0] ? 1u : 0u) + (size > at[1] ? 1u : 0u) + (size > at[2] ? 1u : 0u) +
           (size > at[3] ? 1u : 0u);
  }

  uint16_t at[4];
};

using Lanes8 = uint8_t __attribute__((vector_size(16)));
using Lanes16 = uint16_t __attribute__((vector_size(16)));

// Of lengths of `Length` bytes, of at most kMixedEntriesMax entries: no sum below is more than a
// byte. 16 bytes at a time.
template <typename Length, typename Lanes>
uint64_t ExtrasOfLengths(const Steps& steps, const char* lengths, size_t count) {
  constexpr size_t kLanes = 16 / sizeof(Length);
  Lanes sums = {};
  for (; count >= kLanes; count -= kLanes, lengths += sizeof(sums)) {
    Lanes sizes;
    std::memcpy(&sizes, lengths, sizeof(sizes));
    // A comparison that holds gives -1.
    sums -= reinterpret_cast<Lanes>(sizes > static_cast<Length>(steps.at[0]));
    sums -= reinterpret_cast<Lanes>(sizes > static_cast<Length>(steps.at[1]));
    if (sizeof(Length) > 1) {
      sums -= reinterpret_cast<Lanes>(sizes > static_cast<Length>(steps.at[2]));
      sums -= reinterpret_cast<Lanes>(sizes > static_cast<Length>(steps.at[3]));
    }
  }
  uint64_t extras = 0;
  for (size_t at = 0; at < kLanes; ++at) {
    extras += sums[at];
  }
  for (; count > 0; --count, lengths += sizeof(Length)) {
    Length size;
    std::memcpy(&size, lengths, sizeof(size));
    extras += steps.Above(size);
  }
  return extras;
}

uint64_t ExtrasOfRun(size_t bare, const EntryLengths& lengths,
                     absl::Span<const EntryView> entries) {
  if (lengths.longest <= kSmallEntryBytes) {
    return 0;
  }
  if (lengths.one_length) {
    return entries.size() * Extras(bare, lengths.longest);
  }
  const Steps steps(bare);
  if (lengths.lengths != nullptr) {
    return lengths.width == 1
               ? ExtrasOfLengths<uint8_t, Lanes8>(steps, lengths.lengths, entries.size())
               : ExtrasOfLengths<uint16_t, Lanes16>(steps, lengths.lengths, entries.size());
  }
  uint64_t extras = 0;
  for (const EntryView& entry : entries) {
    extras += steps.Above(entry.data.size());
  }
  return extras;
}

bool SameWidth(uint64_t a, uint64_t b) { return (a ^ b) < 0x80 || VarintSize(a) == VarintSize(b); }

size_t FieldSize(uint64_t number) { return number == 0 ? 0 : 1 + VarintSize(number); }

// An entry as predicted, without data.
size_t BareSize(uint64_t term, uint64_t index, unsigned zero_fields) {
  const size_t zeros = (zero_fields >> 1 & 1) + (zero_fields >> 2 & 1) + (zero_fields >> 3 & 1);
  return FieldSize(term) + FieldSize(index) + 2 * zeros;
}

// Tag and length of an entry and of its data, a byte each.
constexpr size_t kEntryHeads = 4;

// An append as predicted, without its entries.
size_t HeadSize(const SlotState& slot, uint64_t index, uint64_t commit) {
  const unsigned zeros = slot.zero_fields;
  const auto field = [zeros](unsigned number, uint64_t value) {
    return value != 0 ? FieldSize(value) : 2 * (zeros >> number & 1);
  };
  // reject, rejectHint and vote are zero, and perhaps there.
  const size_t others = 2 * ((zeros >> 10 & 1) + (zeros >> 11 & 1) + (zeros >> 13 & 1));
  const size_t type = FieldSize(static_cast<uint64_t>(MessageType::kApp));
  return type + field(2, slot.to) + field(3, slot.from) + field(4, slot.term) +
         field(5, slot.term) + field(6, index) + field(8, commit) + others;
}

}  // namespace

uint64_t RaftpbSizeOfRun(const MessageView& message, uint64_t data_bytes,
                         const EntryLengths& lengths, const SlotState& slot) {
  const size_t count = message.entries.size();
  if (count == 0) {
    return RaftpbSize(message);
  }
  const uint64_t last = message.index + count;
  const size_t bare = BareSize(message.term, last, slot.entry_zeros);
  // Tag and length of each entry and of its data.
  const uint64_t entries =
      count * (bare + kEntryHeads) + data_bytes + ExtrasOfRun(bare, lengths, message.entries);
  if (slot.one_beside_data != 0 && message.commit != 0 && SameWidth(message.index, last) &&
      SameWidth(message.commit, slot.commit)) {
    return slot.one_beside_data - bare - kEntryHeads + entries;
  }
  // Where the size of the index changes within the run.
  const uint64_t first = message.index + 1;
  if (first == 0 || last < first || !SameWidth(first, last)) {
    return RaftpbSize(message);
  }
  MessageView head = message;
  head.entries = absl::Span<const EntryView>();
  return RaftpbSize(head) + entries;
}

uint8_t BesideDataOfNext(const SlotState& slot) {
  // A 0 may be left out, as nothing else is.
  if (slot.index == 0 || slot.commit == 0 || VarintSize(slot.index) != VarintSize(slot.index + 1)) {
    return 0;
  }
  return static_cast<uint8_t>(HeadSize(slot, slot.index, slot.commit) +
                              BareSize(slot.term, slot.index + 1, slot.entry_zeros) + kEntryHeads);
}

void CountFrom(const SlotState& before, SlotState* slot) {
  const bool alike = before.from == slot->from && before.to == slot->to &&
                     before.term == slot->term && before.zero_fields == slot->zero_fields &&
                     before.entry_zeros == slot->entry_zeros;
  if (!alike || before.one_beside_data == 0 || slot->index == 0 || slot->commit == 0 ||
      !SameWidth(before.index, slot->index) || !SameWidth(before.index, slot->index + 1) ||
      !SameWidth(before.commit, slot->commit)) {
    slot->one_beside_data = BesideDataOfNext(*slot);
  }
}

uint64_t RaftpbSizeOfOneLookedAt(const MessageView& message, SlotState* slot) {
  const uint64_t size = message.entries[0].data.size();
  const size_t bare = BareSize(slot->term, message.index + 1, slot->entry_zeros);
  slot->one_beside_data = BesideDataOfNext(*slot);
  return HeadSize(*slot, message.index, message.commit) + bare + kEntryHeads + size +
         Extras(bare, size);
}

}  // namespace hawser
