#include <cstdint>

#include "codec/byte_reader.h"
#include "codec/raftpb_fields.h"
#include "codec/raftpb_wire.h"

namespace hawser {
namespace {

namespace fields = raftpb_fields;
using fields::Field;

// Takes the value of a number field that stands for `*value`, and whether it is a present zero.
template <typename Zeros>
void TakeNumber(const Field& field, uint64_t* value, Zeros* zero_fields) {
  const uint32_t bit = fields::ZeroBit(field.tag);
  *value = field.number;
  *zero_fields = static_cast<Zeros>(field.number == 0 ? *zero_fields | bit : *zero_fields & ~bit);
}

// An enumeration's number is the lower 32 bits of the varint, as in a protobuf library.
template <typename Enum, typename Zeros>
void TakeEnum(Field field, Enum* value, Zeros* zero_fields) {
  field.number = static_cast<uint32_t>(field.number);
  uint64_t number = 0;
  TakeNumber(field, &number, zero_fields);
  *value = static_cast<Enum>(number);
}

bool IsMessageType(uint64_t number) {
  return static_cast<uint32_t>(number) < static_cast<uint32_t>(kMessageTypeCount);
}

bool IsEntryType(uint64_t number) {
  return static_cast<uint32_t>(number) <= static_cast<uint32_t>(EntryType::kConfChangeV2);
}

bool IsKnownOfMessage(const Field& field) {
  switch (field.tag) {
    case fields::message::kType:
      return IsMessageType(field.number);
    case fields::message::kTo:
    case fields::message::kFrom:
    case fields::message::kTerm:
    case fields::message::kLogTerm:
    case fields::message::kIndex:
    case fields::message::kEntries:
    case fields::message::kCommit:
    case fields::message::kSnapshot:
    case fields::message::kReject:
    case fields::message::kRejectHint:
    case fields::message::kContext:
    case fields::message::kVote:
    case fields::message::kResponses:
      return true;
    default:
      return false;
  }
}

bool IsKnownOfEntry(const Field& field) {
  return (field.tag == fields::entry::kType && IsEntryType(field.number)) ||
         field.tag == fields::entry::kTerm || field.tag == fields::entry::kIndex ||
         field.tag == fields::entry::kData;
}

bool IsKnownOfSnapshot(const Field& field) {
  return field.tag == fields::snapshot::kData || field.tag == fields::snapshot::kMetadata;
}

// True when `bytes` are whole fields, none of which `is_known`.
bool AreUnknownFields(absl::string_view bytes, bool (*is_known)(const Field&)) {
  ByteReader in(bytes);
  Field field;
  while (fields::NextField(&in, &field)) {
    if (is_known(field)) {
      return false;
    }
  }
  return !in.failed();
}

bool ZerosMatch(uint32_t zero_fields, uint32_t tag, uint64_t value) {
  return value == 0 || (zero_fields & fields::ZeroBit(tag)) == 0;
}

// Takes a field of a message that is one number or one run of bytes.
void TakeScalar(const Field& field, MessageView* message) {
  uint64_t number = 0;
  switch (field.tag) {
    case fields::message::kType:
      TakeEnum(field, &message->type, &message->zero_fields);
      break;
    case fields::message::kTo:
      TakeNumber(field, &message->to, &message->zero_fields);
      break;
    case fields::message::kFrom:
      TakeNumber(field, &message->from, &message->zero_fields);
      break;
    case fields::message::kTerm:
      TakeNumber(field, &message->term, &message->zero_fields);
      break;
    case fields::message::kLogTerm:
      TakeNumber(field, &message->log_term, &message->zero_fields);
      break;
    case fields::message::kIndex:
      TakeNumber(field, &message->index, &message->zero_fields);
      break;
    case fields::message::kCommit:
      TakeNumber(field, &message->commit, &message->zero_fields);
      break;
    case fields::message::kReject:
      TakeNumber(field, &number, &message->zero_fields);
      message->reject = number != 0;
      break;
    case fields::message::kRejectHint:
      TakeNumber(field, &message->reject_hint, &message->zero_fields);
      break;
    case fields::message::kContext:
      message->context = field.bytes;
      break;
    default:
      TakeNumber(field, &message->vote, &message->zero_fields);
  }
}

constexpr uint32_t kEntryZeros = fields::ZeroBit(fields::entry::kType) |
                                 fields::ZeroBit(fields::entry::kTerm) |
                                 fields::ZeroBit(fields::entry::kIndex);

constexpr uint32_t kMessageZeros =
    fields::ZeroBit(fields::message::kType) | fields::ZeroBit(fields::message::kTo) |
    fields::ZeroBit(fields::message::kFrom) | fields::ZeroBit(fields::message::kTerm) |
    fields::ZeroBit(fields::message::kLogTerm) | fields::ZeroBit(fields::message::kIndex) |
    fields::ZeroBit(fields::message::kCommit) | fields::ZeroBit(fields::message::kReject) |
    fields::ZeroBit(fields::message::kRejectHint) | fields::ZeroBit(fields::message::kVote);

bool IsEncodable(const EntryView& entry) {
  const uint32_t zeros = entry.zero_fields;
  return IsEntryType(static_cast<uint64_t>(entry.type)) && (zeros & ~kEntryZeros) == 0 &&
         ZerosMatch(zeros, fields::entry::kType, static_cast<uint64_t>(entry.type)) &&
         ZerosMatch(zeros, fields::entry::kTerm, entry.term) &&
         ZerosMatch(zeros, fields::entry::kIndex, entry.index) &&
         AreUnknownFields(entry.unknown_fields, IsKnownOfEntry);
}

}  // namespace

bool IsEncodable(const MessageView& message) {
  return IsMessageType(static_cast<uint64_t>(message.type)) &&
         (message.zero_fields & kCallBit) == 0 && IsOnTheWire(message);
}

bool IsOnTheWire(const MessageView& message) {
  const uint32_t zeros = message.zero_fields & ~uint32_t{kCallBit};
  for (const EntryView& entry : message.entries) {
    if (!IsEncodable(entry)) {
      return false;
    }
  }
  return static_cast<int>(message.type) < kWireTypeCount && (zeros & ~kMessageZeros) == 0 &&
         ZerosMatch(zeros, fields::message::kType, static_cast<uint64_t>(message.type)) &&
         ZerosMatch(zeros, fields::message::kTo, message.to) &&
         ZerosMatch(zeros, fields::message::kFrom, message.from) &&
         ZerosMatch(zeros, fields::message::kTerm, message.term) &&
         ZerosMatch(zeros, fields::message::kLogTerm, message.log_term) &&
         ZerosMatch(zeros, fields::message::kIndex, message.index) &&
         ZerosMatch(zeros, fields::message::kCommit, message.commit) &&
         ZerosMatch(zeros, fields::message::kReject, message.reject ? 1 : 0) &&
         ZerosMatch(zeros, fields::message::kRejectHint, message.reject_hint) &&
         ZerosMatch(zeros, fields::message::kVote, message.vote) &&
         (message.snapshot == nullptr ||
          AreUnknownFields(message.snapshot->unknown_fields, IsKnownOfSnapshot)) &&
         AreUnknownFields(message.unknown_fields, IsKnownOfMessage);
}

// Runs of bytes of one kind: a view of them where they lie together, else joined in `buffer`.
// `buffer` never moves while views of it exist: it is reserved once for the whole input, and
// the runs of one kind are never longer than the input.
struct RaftpbDecoder::Runs {
  std::string* const buffer;
  const size_t bytes_max;
  absl::string_view view;
  bool joined = false;

  void Add(absl::string_view run) {
    if (view.empty()) {
      view = run;
      return;
    }
    if (run.empty()) {
      return;
    }
    if (!joined && view.data() + view.size() == run.data()) {
      view = absl::string_view(view.data(), view.size() + run.size());
      return;
    }
    if (!joined) {
      if (buffer->capacity() < bytes_max) {
        buffer->reserve(bytes_max);
      }
      const size_t start = buffer->size();
      buffer->append(view.data(), view.size());
      view = absl::string_view(buffer->data() + start, view.size());
      joined = true;
    }
    buffer->append(run.data(), run.size());
    view = absl::string_view(view.data(), view.size() + run.size());
  }
};

void RaftpbDecoder::ResetEntries(size_t bytes) {
  joined_bytes_max_ = bytes;
  entry_unknown_.clear();
}

DecodeError RaftpbDecoder::DecodeEntry(absl::string_view bytes, EntryView* entry) {
  *entry = EntryView();
  Runs unknown{&entry_unknown_, joined_bytes_max_, {}};
  ByteReader in(bytes);
  Field field;
  while (fields::NextField(&in, &field)) {
    if (!IsKnownOfEntry(field)) {
      unknown.Add(field.whole);
      continue;
    }
    switch (field.tag) {
      case fields::entry::kType:
        TakeEnum(field, &entry->type, &entry->zero_fields);
        break;
      case fields::entry::kTerm:
        TakeNumber(field, &entry->term, &entry->zero_fields);
        break;
      case fields::entry::kIndex:
        TakeNumber(field, &entry->index, &entry->zero_fields);
        break;
      default:
        entry->data = field.bytes;
    }
  }
  entry->unknown_fields = unknown.view;
  return in.failed() ? DecodeError::kBadRaftpb : DecodeError::kNone;
}

DecodeError RaftpbDecoder::AddEntry(absl::string_view bytes) {
  if (entries_.size() >= limits_.entries_max) {
    return DecodeError::kTooManyEntries;
  }
  entries_.emplace_back();
  return DecodeEntry(bytes, &entries_.back());
}

DecodeError RaftpbDecoder::AddSnapshot(absl::string_view bytes, Runs* metadata, Runs* unknown) {
  ByteReader in(bytes);
  Field field;
  while (fields::NextField(&in, &field)) {
    switch (field.tag) {
      case fields::snapshot::kData:
        snapshot_.data = field.bytes;
        break;
      case fields::snapshot::kMetadata:
        // Messages that are concatenated are merged.
        metadata->Add(field.bytes);
        break;
      default:
        unknown->Add(field.whole);
    }
  }
  snapshot_.metadata = metadata->view;
  snapshot_.unknown_fields = unknown->view;
  return in.failed() ? DecodeError::kBadRaftpb : DecodeError::kNone;
}

DecodeError RaftpbDecoder::Decode(absl::string_view bytes, MessageView* message) {
  *message = MessageView();
  entries_.clear();
  responses_.clear();
  snapshot_ = SnapshotView();
  message_unknown_.clear();
  snapshot_unknown_.clear();
  snapshot_metadata_.clear();
  ResetEntries(bytes.size());
  Runs unknown{&message_unknown_, bytes.size(), {}};
  Runs snapshot_unknown{&snapshot_unknown_, bytes.size(), {}};
  Runs metadata{&snapshot_metadata_, bytes.size(), {}};

  ByteReader in(bytes);
  Field field;
  DecodeError error = DecodeError::kNone;
  while (error == DecodeError::kNone && fields::NextField(&in, &field)) {
    if (field.tag == fields::message::kEntries) {
      error = AddEntry(field.bytes);
    } else if (field.tag == fields::message::kSnapshot) {
      error = AddSnapshot(field.bytes, &metadata, &snapshot_unknown);
      message->snapshot = &snapshot_;
    } else if (field.tag == fields::message::kResponses) {
      if (responses_.size() >= limits_.entries_max) {
        error = DecodeError::kTooManyEntries;
      }
      responses_.push_back(field.bytes);
    } else if (!IsKnownOfMessage(field)) {
      unknown.Add(field.whole);
    } else {
      TakeScalar(field, message);
    }
  }
  if (error == DecodeError::kNone && in.failed()) {
    error = DecodeError::kBadRaftpb;
  }
  message->entries = entries_;
  message->responses = responses_;
  message->unknown_fields = unknown.view;
  return error;
}

}  // namespace hawser
