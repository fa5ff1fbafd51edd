#include "codec/raftpb_convert.h"

#include <limits>

namespace hawser {
namespace {

// Present bytes as a view that is never null.
absl::string_view Present(const std::string& bytes) {
  return absl::string_view(bytes.data(), bytes.size());
}

uint32_t ZeroBit(bool present_zero, int number) { return present_zero ? 1u << number : 0; }

template <typename Message>
absl::string_view UnknownOf(const Message& message, std::deque<std::string>* bytes) {
  const auto& unknown = message.unknown_fields();
  if (unknown.empty()) {
    return absl::string_view();
  }
  bytes->emplace_back();
  unknown.SerializeToString(&bytes->back());
  return Present(bytes->back());
}

template <typename Message>
bool MergeUnknown(absl::string_view bytes, Message* message) {
  return bytes.empty() || message->mutable_unknown_fields()->ParseFromArray(
                              bytes.data(), static_cast<int>(bytes.size()));
}

template <typename Message>
bool ParseView(absl::string_view bytes, Message* message) {
  return bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max()) &&
         message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

EntryView ViewOfEntry(const raftpb::Entry& entry, std::deque<std::string>* bytes) {
  EntryView view;
  view.term = entry.term();
  view.index = entry.index();
  view.type = static_cast<EntryType>(entry.type());
  view.zero_fields = static_cast<uint8_t>(ZeroBit(entry.has_type() && entry.type() == 0, 1) |
                                          ZeroBit(entry.has_term() && entry.term() == 0, 2) |
                                          ZeroBit(entry.has_index() && entry.index() == 0, 3));
  if (entry.has_data()) {
    view.data = Present(entry.data());
  }
  view.unknown_fields = UnknownOf(entry, bytes);
  return view;
}

uint16_t ZeroFieldsOf(const raftpb::Message& message) {
  return static_cast<uint16_t>(ZeroBit(message.has_type() && message.type() == 0, 1) |
                               ZeroBit(message.has_to() && message.to() == 0, 2) |
                               ZeroBit(message.has_from() && message.from() == 0, 3) |
                               ZeroBit(message.has_term() && message.term() == 0, 4) |
                               ZeroBit(message.has_logterm() && message.logterm() == 0, 5) |
                               ZeroBit(message.has_index() && message.index() == 0, 6) |
                               ZeroBit(message.has_commit() && message.commit() == 0, 8) |
                               ZeroBit(message.has_reject() && !message.reject(), 10) |
                               ZeroBit(message.has_rejecthint() && message.rejecthint() == 0, 11) |
                               ZeroBit(message.has_vote() && message.vote() == 0, 13));
}

bool ToProtoEntry(const EntryView& view, raftpb::Entry* out) {
  if (view.type != EntryType::kNormal || (view.zero_fields & ZeroBit(true, 1)) != 0) {
    out->set_type(static_cast<raftpb::EntryType>(view.type));
  }
  if (view.term != 0 || (view.zero_fields & ZeroBit(true, 2)) != 0) {
    out->set_term(view.term);
  }
  if (view.index != 0 || (view.zero_fields & ZeroBit(true, 3)) != 0) {
    out->set_index(view.index);
  }
  if (view.data.data() != nullptr) {
    out->set_data(view.data.data(), view.data.size());
  }
  return MergeUnknown(view.unknown_fields, out);
}

bool ToProtoSnapshot(const SnapshotView& view, raftpb::Snapshot* out) {
  if (view.data.data() != nullptr) {
    out->set_data(view.data.data(), view.data.size());
  }
  bool whole = MergeUnknown(view.unknown_fields, out);
  if (view.metadata.data() != nullptr && !ParseView(view.metadata, out->mutable_metadata())) {
    out->clear_metadata();
    whole = false;
  }
  return whole;
}

void ToProtoNumbers(const MessageView& view, raftpb::Message* out) {
  const auto present = [&view](uint64_t value, int number) {
    return value != 0 || (view.zero_fields & ZeroBit(true, number)) != 0;
  };
  if (present(static_cast<uint64_t>(view.type), 1)) {
    out->set_type(static_cast<raftpb::MessageType>(view.type));
  }
  if (present(view.to, 2)) {
    out->set_to(view.to);
  }
  if (present(view.from, 3)) {
    out->set_from(view.from);
  }
  if (present(view.term, 4)) {
    out->set_term(view.term);
  }
  if (present(view.log_term, 5)) {
    out->set_logterm(view.log_term);
  }
  if (present(view.index, 6)) {
    out->set_index(view.index);
  }
  if (present(view.commit, 8)) {
    out->set_commit(view.commit);
  }
  if (present(view.reject ? 1 : 0, 10)) {
    out->set_reject(view.reject);
  }
  if (present(view.reject_hint, 11)) {
    out->set_rejecthint(view.reject_hint);
  }
  if (present(view.vote, 13)) {
    out->set_vote(view.vote);
  }
}

}  // namespace

MessageView ViewOf(const raftpb::Message& message, ViewScratch* scratch) {
  scratch->entries_.clear();
  scratch->responses_.clear();
  scratch->bytes_.clear();
  MessageView view;
  view.type = static_cast<MessageType>(message.type());
  view.reject = message.reject();
  view.zero_fields = ZeroFieldsOf(message);
  view.to = message.to();
  view.from = message.from();
  view.term = message.term();
  view.log_term = message.logterm();
  view.index = message.index();
  view.commit = message.commit();
  view.reject_hint = message.rejecthint();
  view.vote = message.vote();
  for (const raftpb::Entry& entry : message.entries()) {
    scratch->entries_.push_back(ViewOfEntry(entry, &scratch->bytes_));
  }
  view.entries = scratch->entries_;
  if (message.has_context()) {
    view.context = Present(message.context());
  }
  if (message.has_snapshot()) {
    const raftpb::Snapshot& snapshot = message.snapshot();
    scratch->snapshot_ = SnapshotView();
    if (snapshot.has_data()) {
      scratch->snapshot_.data = Present(snapshot.data());
    }
    if (snapshot.has_metadata()) {
      scratch->bytes_.push_back(snapshot.metadata().SerializeAsString());
      scratch->snapshot_.metadata = Present(scratch->bytes_.back());
    }
    scratch->snapshot_.unknown_fields = UnknownOf(snapshot, &scratch->bytes_);
    view.snapshot = &scratch->snapshot_;
  }
  for (const raftpb::Message& response : message.responses()) {
    scratch->bytes_.push_back(response.SerializeAsString());
    scratch->responses_.push_back(Present(scratch->bytes_.back()));
  }
  view.responses = scratch->responses_;
  view.unknown_fields = UnknownOf(message, &scratch->bytes_);
  return view;
}

bool ToProto(const MessageView& view, raftpb::Message* out) {
  out->Clear();
  ToProtoNumbers(view, out);
  bool whole = MergeUnknown(view.unknown_fields, out);
  for (const EntryView& entry : view.entries) {
    whole = ToProtoEntry(entry, out->add_entries()) && whole;
  }
  if (view.context.data() != nullptr) {
    out->set_context(view.context.data(), view.context.size());
  }
  if (view.snapshot != nullptr) {
    whole = ToProtoSnapshot(*view.snapshot, out->mutable_snapshot()) && whole;
  }
  for (const absl::string_view response : view.responses) {
    if (!ParseView(response, out->add_responses())) {
      out->mutable_responses()->RemoveLast();
      whole = false;
    }
  }
  return whole;
}

}  // namespace hawser
