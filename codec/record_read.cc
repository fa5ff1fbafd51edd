#include "codec/record.h"
#include "codec/record_fields.h"

namespace hawser {
namespace {

namespace fields = record_fields;

// Reads the parts of one head into a message and its scratch.
class HeadReader {
 public:
  HeadReader(ByteReader* in, size_t entries_max, size_t payload_bytes_max, RecordScratch* scratch,
             MessageView* message)
      : in_(in),
        entries_max_(entries_max),
        payload_bytes_max_(payload_bytes_max),
        scratch_(scratch),
        message_(message) {}

  DecodeError Read(const SlotState& slot);

 private:
  void Refuse(DecodeError error) {
    error_ = error_ == DecodeError::kNone ? error : error_;
    in_->Fail();
  }

  // A length of payload, as a view of that length without a place yet.
  absl::string_view PayloadRun(uint64_t size);
  void ReadNumbers(uint32_t mask, const SlotState& slot);
  void ReadResponses();
  void ReadSnapshot();
  void ReadEntries();
  void ReadRegularEntries(uint64_t count, unsigned mode);
  void ReadIrregularEntries(uint64_t count);

  ByteReader* const in_;
  const size_t entries_max_;
  const size_t payload_bytes_max_;
  RecordScratch* const scratch_;
  MessageView* const message_;
  DecodeError error_ = DecodeError::kNone;
};

absl::string_view HeadReader::PayloadRun(uint64_t size) {
  if (size > payload_bytes_max_ - scratch_->payload_bytes) {
    Refuse(DecodeError::kTooLarge);
    return absl::string_view();
  }
  scratch_->payload_bytes += static_cast<size_t>(size);
  // Any pointer that is not null will do until the payload is placed.
  return absl::string_view(in_->at(), static_cast<size_t>(size));
}

void HeadReader::ReadNumbers(uint32_t mask, const SlotState& slot) {
  const auto number = [this, mask](uint32_t bit, uint64_t predicted) {
    return (mask & bit) != 0 ? in_->Varint() : predicted;
  };
  message_->to = number(fields::kTo, slot.to);
  message_->from = number(fields::kFrom, slot.from);
  message_->term = number(fields::kTerm, slot.term);
  message_->log_term = number(fields::kLogTerm, 0);
  message_->index = number(fields::kIndex, 0);
  message_->commit = number(fields::kCommit, 0);
  message_->reject = (mask & fields::kReject) != 0;
  message_->reject_hint = number(fields::kRejectHint, 0);
  message_->vote = number(fields::kVote, 0);
  const uint64_t zero_fields = number(fields::kZeroFields, slot.zero_fields & ~unsigned{kCallBit});
  if (zero_fields >= kCallBit) {
    Refuse(DecodeError::kBadHead);
  }
  message_->zero_fields = static_cast<uint16_t>(zero_fields | (scratch_->call != 0 ? kCallBit : 0));
}

void HeadReader::ReadResponses() {
  const uint64_t count = in_->Varint();
  if (count > entries_max_) {
    Refuse(DecodeError::kTooManyEntries);
  }
  for (uint64_t at = 0; at < count && !in_->failed(); ++at) {
    scratch_->responses.push_back(in_->Sized());
  }
  message_->responses = scratch_->responses;
}

void HeadReader::ReadSnapshot() {
  SnapshotView& snapshot = scratch_->snapshot;
  const uint8_t flags = in_->U8();
  if ((flags & fields::kSnapshotReserved) != 0) {
    Refuse(DecodeError::kBadHead);
  }
  if ((flags & fields::kSnapshotMetadata) != 0) {
    snapshot.metadata = in_->Sized();
  }
  if ((flags & fields::kSnapshotUnknown) != 0) {
    snapshot.unknown_fields = in_->Sized();
  }
  if ((flags & fields::kSnapshotData) != 0) {
    snapshot.data = PayloadRun(in_->Varint());
  }
  message_->snapshot = &snapshot;
}

void HeadReader::ReadRegularEntries(uint64_t count, unsigned mode) {
  const bool one_length = (mode & fields::kOneLength) != 0;
  const uint64_t common = one_length ? in_->Varint() : 0;
  EntryView entry;
  entry.term = message_->term;
  entry.index = message_->index;
  entry.zero_fields = static_cast<uint8_t>((mode & fields::kModeZeros) >> fields::kModeZerosShift);
  for (uint64_t at = 0; at < count && !in_->failed(); ++at) {
    ++entry.index;
    entry.data = PayloadRun(one_length ? common : in_->Varint());
    scratch_->entries.push_back(entry);
  }
}

void HeadReader::ReadIrregularEntries(uint64_t count) {
  EntryView entry;
  entry.term = message_->term;
  entry.index = message_->index;
  for (uint64_t at = 0; at < count && !in_->failed(); ++at) {
    const uint8_t flags = in_->U8();
    const unsigned type = flags >> fields::kEntryTypeShift & fields::kEntryTypeMask;
    if ((flags & fields::kEntryReserved) != 0 ||
        type > static_cast<unsigned>(EntryType::kConfChangeV2)) {
      Refuse(DecodeError::kBadHead);
    }
    entry.type = static_cast<EntryType>(type);
    entry.term = (flags & fields::kEntryTerm) != 0 ? in_->Varint() : entry.term;
    entry.index = (flags & fields::kEntryIndex) != 0 ? in_->Varint() : entry.index + 1;
    entry.zero_fields = (flags & fields::kEntryZeros) != 0 ? in_->U8() : 0;
    entry.unknown_fields =
        (flags & fields::kEntryUnknown) != 0 ? in_->Sized() : absl::string_view();
    entry.data =
        (flags & fields::kEntryAbsentData) != 0 ? absl::string_view() : PayloadRun(in_->Varint());
    scratch_->entries.push_back(entry);
  }
}

void HeadReader::ReadEntries() {
  const uint64_t count = in_->Varint();
  const uint8_t mode = in_->U8();
  if (count > entries_max_) {
    Refuse(DecodeError::kTooManyEntries);
  } else if (count == 0 || (mode & fields::kModeReserved) != 0 ||
             ((mode & fields::kRegular) == 0 && mode != 0)) {
    Refuse(DecodeError::kBadHead);
  } else if ((mode & fields::kRegular) != 0) {
    ReadRegularEntries(count, mode);
  } else {
    ReadIrregularEntries(count);
  }
  message_->entries = scratch_->entries;
}

DecodeError HeadReader::Read(const SlotState& slot) {
  const uint8_t type_byte = in_->U8();
  const bool of_call = (type_byte & fields::kOfCall) != 0;
  const uint8_t type = type_byte & static_cast<uint8_t>(~fields::kOfCall);
  scratch_->call = of_call ? in_->Varint() : 0;
  const uint16_t mask = in_->U16();
  if (type >= kWireTypeCount || (of_call && (scratch_->call == 0 || type >= kMessageTypeCount)) ||
      (mask & fields::kReserved) != 0) {
    return DecodeError::kBadHead;
  }
  message_->type = static_cast<MessageType>(type);
  ReadNumbers(mask, slot);
  if ((mask & fields::kContext) != 0) {
    message_->context = in_->Sized();
  }
  if ((mask & fields::kUnknown) != 0) {
    message_->unknown_fields = in_->Sized();
  }
  if ((mask & fields::kResponses) != 0) {
    ReadResponses();
  }
  if ((mask & fields::kSnapshot) != 0) {
    ReadSnapshot();
  }
  if ((mask & fields::kEntries) != 0) {
    ReadEntries();
  }
  if (error_ != DecodeError::kNone) {
    return error_;
  }
  return in_->failed() || in_->left() != 0 ? DecodeError::kBadHead : DecodeError::kNone;
}

}  // namespace

DecodeError ReadRecordHead(ByteReader* in, const SlotState& slot, size_t entries_max,
                           size_t payload_bytes_max, RecordScratch* scratch, MessageView* message) {
  *message = MessageView();
  scratch->snapshot = SnapshotView();
  scratch->entries.clear();
  scratch->responses.clear();
  scratch->payload_bytes = 0;
  HeadReader reader(in, entries_max, payload_bytes_max, scratch, message);
  return reader.Read(slot);
}

}  // namespace hawser
