#include <cstring>

#include "codec/raftpb_fields.h"
#include "codec/raftpb_wire.h"
#include "codec/varint.h"

namespace hawser {
namespace {

namespace fields = raftpb_fields;

// Each part of a message is described once, as a walk over its fields; a Sizer adds up what a
// Writer writes, so that the two cannot disagree.
class Sizer {
 public:
  void Number(uint32_t tag, uint64_t value) { size_ += 1 + VarintSize(value); }
  void Bytes(uint32_t tag, absl::string_view bytes) {
    Length(tag, bytes.size());
    size_ += bytes.size();
  }
  void Length(uint32_t tag, size_t length) { size_ += 1 + VarintSize(length); }
  void Raw(absl::string_view bytes) { size_ += bytes.size(); }

  size_t size() const { return size_; }

 private:
  size_t size_ = 0;
};

class Writer {
 public:
  explicit Writer(char* out) : at_(out) {}

  void Number(uint32_t tag, uint64_t value) {
    *at_++ = static_cast<char>(tag);
    at_ = WriteVarint(value, at_);
  }
  void Bytes(uint32_t tag, absl::string_view bytes) {
    Length(tag, bytes.size());
    Raw(bytes);
  }
  void Length(uint32_t tag, size_t length) { Number(tag, length); }
  void Raw(absl::string_view bytes) {
    if (!bytes.empty()) {
      std::memcpy(at_, bytes.data(), bytes.size());
      at_ += bytes.size();
    }
  }

  char* at() const { return at_; }

 private:
  char* at_;
};

template <typename Out>
void OptionalNumber(uint32_t tag, uint64_t value, uint32_t zero_fields, Out* out) {
  if (value != 0 || (zero_fields & fields::ZeroBit(tag)) != 0) {
    out->Number(tag, value);
  }
}

template <typename Out>
void OptionalBytes(uint32_t tag, absl::string_view bytes, Out* out) {
  if (bytes.data() != nullptr) {
    out->Bytes(tag, bytes);
  }
}

template <typename Out>
void WalkEntry(const EntryView& entry, Out* out) {
  OptionalNumber(fields::entry::kType, static_cast<uint64_t>(entry.type), entry.zero_fields, out);
  OptionalNumber(fields::entry::kTerm, entry.term, entry.zero_fields, out);
  OptionalNumber(fields::entry::kIndex, entry.index, entry.zero_fields, out);
  OptionalBytes(fields::entry::kData, entry.data, out);
  out->Raw(entry.unknown_fields);
}

template <typename Out>
void WalkSnapshot(const SnapshotView& snapshot, Out* out) {
  OptionalBytes(fields::snapshot::kData, snapshot.data, out);
  OptionalBytes(fields::snapshot::kMetadata, snapshot.metadata, out);
  out->Raw(snapshot.unknown_fields);
}

size_t SnapshotSize(const SnapshotView& snapshot) {
  Sizer sizer;
  WalkSnapshot(snapshot, &sizer);
  return sizer.size();
}

void PutEntry(const EntryView& entry, Sizer* out) { out->Raw({nullptr, RaftpbSize(entry)}); }
void PutEntry(const EntryView& entry, Writer* out) { WalkEntry(entry, out); }
void PutSnapshot(const SnapshotView& snapshot, Sizer* out) {
  out->Raw({nullptr, SnapshotSize(snapshot)});
}
void PutSnapshot(const SnapshotView& snapshot, Writer* out) { WalkSnapshot(snapshot, out); }

template <typename Out>
void WalkMessage(const MessageView& message, Out* out) {
  const uint32_t zeros = message.zero_fields;
  OptionalNumber(fields::message::kType, static_cast<uint64_t>(message.type), zeros, out);
  OptionalNumber(fields::message::kTo, message.to, zeros, out);
  OptionalNumber(fields::message::kFrom, message.from, zeros, out);
  OptionalNumber(fields::message::kTerm, message.term, zeros, out);
  OptionalNumber(fields::message::kLogTerm, message.log_term, zeros, out);
  OptionalNumber(fields::message::kIndex, message.index, zeros, out);
  for (const EntryView& entry : message.entries) {
    out->Length(fields::message::kEntries, RaftpbSize(entry));
    PutEntry(entry, out);
  }
  OptionalNumber(fields::message::kCommit, message.commit, zeros, out);
  if (message.snapshot != nullptr) {
    out->Length(fields::message::kSnapshot, SnapshotSize(*message.snapshot));
    PutSnapshot(*message.snapshot, out);
  }
  OptionalNumber(fields::message::kReject, message.reject ? 1 : 0, zeros, out);
  OptionalNumber(fields::message::kRejectHint, message.reject_hint, zeros, out);
  OptionalBytes(fields::message::kContext, message.context, out);
  OptionalNumber(fields::message::kVote, message.vote, zeros, out);
  for (const absl::string_view response : message.responses) {
    out->Bytes(fields::message::kResponses, response);
  }
  out->Raw(message.unknown_fields);
}

}  // namespace

size_t RaftpbSize(const EntryView& entry) {
  Sizer sizer;
  WalkEntry(entry, &sizer);
  return sizer.size();
}

size_t RaftpbSize(const MessageView& message) {
  Sizer sizer;
  WalkMessage(message, &sizer);
  return sizer.size();
}

char* WriteRaftpb(const EntryView& entry, char* out) {
  Writer writer(out);
  WalkEntry(entry, &writer);
  return writer.at();
}

char* WriteRaftpb(const MessageView& message, char* out) {
  Writer writer(out);
  WalkMessage(message, &writer);
  return writer.at();
}

}  // namespace hawser
