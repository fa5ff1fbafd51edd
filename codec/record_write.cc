#include "codec/record.h"
#include "codec/record_fields.h"
#include "codec/short_form.h"
#include "codec/varint.h"

namespace hawser {
namespace {

namespace fields = record_fields;

void AddByte(unsigned value, std::string* out) { out->push_back(static_cast<char>(value)); }

void AddVarint(uint64_t value, std::string* out) {
  char bytes[kVarintBytesMax];
  out->append(bytes, static_cast<size_t>(WriteVarint(value, bytes) - bytes));
}

void AddSized(absl::string_view bytes, std::string* out) {
  AddVarint(bytes.size(), out);
  out->append(bytes.data(), bytes.size());
}

// Of a message or slot, without what is said elsewhere.
unsigned Zeros(uint16_t zero_fields) { return zero_fields & ~unsigned{kCallBit}; }

uint32_t MaskOf(const MessageView& message, const SlotState& slot) {
  uint32_t mask = 0;
  const auto add = [&mask](bool present, uint32_t bit) { mask |= present ? bit : 0; };
  add(message.to != slot.to, fields::kTo);
  add(message.from != slot.from, fields::kFrom);
  add(message.term != slot.term, fields::kTerm);
  add(message.log_term != 0, fields::kLogTerm);
  add(message.index != 0, fields::kIndex);
  add(message.commit != 0, fields::kCommit);
  add(message.reject, fields::kReject);
  add(message.reject_hint != 0, fields::kRejectHint);
  add(message.vote != 0, fields::kVote);
  add(Zeros(message.zero_fields) != Zeros(slot.zero_fields), fields::kZeroFields);
  add(message.context.data() != nullptr, fields::kContext);
  add(!message.unknown_fields.empty(), fields::kUnknown);
  add(!message.responses.empty(), fields::kResponses);
  add(message.snapshot != nullptr, fields::kSnapshot);
  add(!message.entries.empty(), fields::kEntries);
  return mask;
}

void AddSnapshot(const SnapshotView& snapshot, std::string* head) {
  unsigned flags = 0;
  flags |= snapshot.data.data() != nullptr ? fields::kSnapshotData : 0;
  flags |= snapshot.metadata.data() != nullptr ? fields::kSnapshotMetadata : 0;
  flags |= !snapshot.unknown_fields.empty() ? fields::kSnapshotUnknown : 0;
  AddByte(flags, head);
  if ((flags & fields::kSnapshotMetadata) != 0) {
    AddSized(snapshot.metadata, head);
  }
  if ((flags & fields::kSnapshotUnknown) != 0) {
    AddSized(snapshot.unknown_fields, head);
  }
  if ((flags & fields::kSnapshotData) != 0) {
    AddVarint(snapshot.data.size(), head);
  }
}

void AddIrregularEntries(const MessageView& message, std::string* head) {
  uint64_t term = message.term;
  uint64_t index = message.index;
  for (const EntryView& entry : message.entries) {
    ++index;
    unsigned flags = static_cast<unsigned>(entry.type) << fields::kEntryTypeShift;
    flags |= entry.term != term ? fields::kEntryTerm : 0;
    flags |= entry.index != index ? fields::kEntryIndex : 0;
    flags |= entry.data.data() == nullptr ? fields::kEntryAbsentData : 0;
    flags |= entry.zero_fields != 0 ? fields::kEntryZeros : 0;
    flags |= !entry.unknown_fields.empty() ? fields::kEntryUnknown : 0;
    AddByte(flags, head);
    if ((flags & fields::kEntryTerm) != 0) {
      AddVarint(entry.term, head);
    }
    if ((flags & fields::kEntryIndex) != 0) {
      AddVarint(entry.index, head);
    }
    if ((flags & fields::kEntryZeros) != 0) {
      AddByte(entry.zero_fields, head);
    }
    if ((flags & fields::kEntryUnknown) != 0) {
      AddSized(entry.unknown_fields, head);
    }
    if ((flags & fields::kEntryAbsentData) == 0) {
      AddVarint(entry.data.size(), head);
    }
    term = entry.term;
    index = entry.index;
  }
}

void AddEntries(const MessageView& message, std::string* head) {
  AddVarint(message.entries.size(), head);
  const uint8_t zeros = message.entries[0].zero_fields;
  const EntryRun run = LookAtEntries(message, zeros);
  if (!run.regular || (zeros & ~fields::kEntryZeroFields) != 0) {
    AddByte(0, head);
    AddIrregularEntries(message, head);
    return;
  }
  AddByte(fields::kRegular | (run.one_length ? fields::kOneLength : 0) |
              static_cast<unsigned>(zeros << fields::kModeZerosShift),
          head);
  if (run.one_length) {
    AddVarint(run.longest, head);
    return;
  }
  for (const EntryView& entry : message.entries) {
    AddVarint(entry.data.size(), head);
  }
}

}  // namespace

void AppendRecordHead(const MessageView& message, const SlotState& slot, uint64_t call,
                      std::string* head) {
  const uint32_t mask = MaskOf(message, slot);
  AddByte(static_cast<unsigned>(message.type) | (call != 0 ? fields::kOfCall : 0), head);
  if (call != 0) {
    AddVarint(call, head);
  }
  AddByte(mask & 0xff, head);
  AddByte(mask >> 8, head);
  const auto number = [mask, head](uint32_t bit, uint64_t value) {
    if ((mask & bit) != 0) {
      AddVarint(value, head);
    }
  };
  number(fields::kTo, message.to);
  number(fields::kFrom, message.from);
  number(fields::kTerm, message.term);
  number(fields::kLogTerm, message.log_term);
  number(fields::kIndex, message.index);
  number(fields::kCommit, message.commit);
  number(fields::kRejectHint, message.reject_hint);
  number(fields::kVote, message.vote);
  number(fields::kZeroFields, Zeros(message.zero_fields));
  if ((mask & fields::kContext) != 0) {
    AddSized(message.context, head);
  }
  if ((mask & fields::kUnknown) != 0) {
    AddSized(message.unknown_fields, head);
  }
  if ((mask & fields::kResponses) != 0) {
    AddVarint(message.responses.size(), head);
    for (const absl::string_view response : message.responses) {
      AddSized(response, head);
    }
  }
  if ((mask & fields::kSnapshot) != 0) {
    AddSnapshot(*message.snapshot, head);
  }
  if ((mask & fields::kEntries) != 0) {
    AddEntries(message, head);
  }
}

size_t RecordPayloadBytes(const MessageView& message) {
  size_t bytes = message.snapshot == nullptr ? 0 : message.snapshot->data.size();
  for (const EntryView& entry : message.entries) {
    bytes += entry.data.size();
  }
  return bytes;
}

}  // namespace hawser
