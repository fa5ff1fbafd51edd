#include "tests/codec/message_maker.h"

#include "codec/varint.h"

namespace hawser {
namespace {

template <typename Zeros>
void MaybeZero(bool present, uint64_t value, int number, Zeros* zeros) {
  if (present && value == 0) {
    *zeros = static_cast<Zeros>(*zeros | 1u << number);
  }
}

void AppendVarint(uint64_t value, std::string* out) {
  char bytes[kVarintBytesMax];
  out->append(bytes, static_cast<size_t>(WriteVarint(value, bytes) - bytes));
}

}  // namespace

void MessageMaker::Begin() {
  bytes_.clear();
  entries_.clear();
  responses_.clear();
  snapshot_ = SnapshotView();
}

MessageMaker::Group& MessageMaker::GroupOf(uint64_t group) {
  while (groups_.size() <= group) {
    Group fresh;
    fresh.from = OneIn(2) ? groups_.size() * 3 + 1 : random_();
    fresh.to = OneIn(2) ? groups_.size() * 3 + 2 : random_();
    fresh.term = 1 + Below(200);
    fresh.index = Below(1 << 20);
    fresh.commit = fresh.index;
    fresh.match = fresh.index;
    groups_.push_back(fresh);
  }
  return groups_[group];
}

uint64_t MessageMaker::Number() {
  switch (Below(5)) {
    case 0:
      return 0;
    case 1:
      return Below(300);
    case 2:
      return (uint64_t{1} << Below(64)) - Below(2);
    case 3:
      return ~uint64_t{0} - Below(3);
    default:
      return random_();
  }
}

absl::string_view MessageMaker::Bytes(size_t size) {
  bytes_.emplace_back(size, '\0');
  std::string& bytes = bytes_.back();
  for (size_t at = 0; at < size; ++at) {
    bytes[at] = static_cast<char>(random_());
  }
  return absl::string_view(bytes.data(), size);
}

absl::string_view MessageMaker::MaybeBytes() {
  if (OneIn(3)) {
    return absl::string_view();
  }
  return Bytes(OneIn(4) ? 0 : Below(40));
}

absl::string_view MessageMaker::UnknownFields() {
  if (!OneIn(6)) {
    return absl::string_view();
  }
  bytes_.emplace_back();
  std::string& out = bytes_.back();
  const uint64_t count = 1 + Below(3);
  for (uint64_t at = 0; at < count; ++at) {
    const uint64_t number = 20 + Below(1000);
    switch (Below(5)) {
      case 0:
        AppendVarint(number << 3, &out);
        AppendVarint(Number(), &out);
        break;
      case 1:
        AppendVarint(number << 3 | 1, &out);
        out.append("12345678");
        break;
      case 2:
        AppendVarint(number << 3 | 2, &out);
        out.append(
            "\x03"
            "abc");
        break;
      case 3:
        AppendVarint(number << 3 | 3, &out);
        out.append("\x08\x01");
        AppendVarint(number << 3 | 4, &out);
        break;
      default:
        AppendVarint(number << 3 | 5, &out);
        out.append("1234");
    }
  }
  return out;
}

EntryView MessageMaker::AnyEntry() {
  EntryView entry;
  entry.term = Number();
  entry.index = Number();
  entry.type = static_cast<EntryType>(Below(3));
  MaybeZero(OneIn(2), static_cast<uint64_t>(entry.type), 1, &entry.zero_fields);
  MaybeZero(OneIn(2), entry.term, 2, &entry.zero_fields);
  MaybeZero(OneIn(2), entry.index, 3, &entry.zero_fields);
  entry.data = OneIn(20) ? Bytes(Below(400)) : MaybeBytes();
  entry.unknown_fields = UnknownFields();
  return entry;
}

void MessageMaker::AddAnyEntries(MessageView* message) {
  const uint64_t count = OneIn(3) ? 0 : Below(6);
  for (uint64_t at = 0; at < count; ++at) {
    entries_.push_back(AnyEntry());
  }
  message->entries = entries_;
}

MessageView MessageMaker::Any() {
  Begin();
  MessageView message;
  message.type = static_cast<MessageType>(Below(kMessageTypeCount));
  message.to = Number();
  message.from = Number();
  message.term = Number();
  message.log_term = Number();
  message.index = Number();
  message.commit = Number();
  message.reject = OneIn(3);
  message.reject_hint = Number();
  message.vote = OneIn(2) ? 0 : Number();
  const uint64_t zeros = random_();
  const uint64_t values[] = {0,
                             static_cast<uint64_t>(message.type),
                             message.to,
                             message.from,
                             message.term,
                             message.log_term,
                             message.index,
                             1,
                             message.commit,
                             1,
                             message.reject ? uint64_t{1} : 0,
                             message.reject_hint,
                             1,
                             message.vote};
  for (int number = 1; number <= 13; ++number) {
    MaybeZero((zeros >> number & 1) != 0, values[number], number, &message.zero_fields);
  }
  AddAnyEntries(&message);
  message.context = MaybeBytes();
  if (OneIn(4)) {
    snapshot_.data = MaybeBytes();
    // Metadata {index: 7, term: 2}, or none.
    snapshot_.metadata = OneIn(3) ? absl::string_view() : absl::string_view("\x10\x07\x18\x02", 4);
    snapshot_.unknown_fields = UnknownFields();
    message.snapshot = &snapshot_;
  }
  for (uint64_t count = OneIn(4) ? Below(3) : 0; count > 0; --count) {
    // A response {type: MsgAppResp, to: 3}.
    responses_.push_back(OneIn(3) ? Bytes(0) : absl::string_view("\x08\x04\x10\x03", 4));
  }
  message.responses = responses_;
  message.unknown_fields = UnknownFields();
  return message;
}

MessageView MessageMaker::Append(uint64_t group, size_t count, size_t size) {
  Begin();
  Group& state = GroupOf(group);
  MessageView message;
  message.type = MessageType::kApp;
  message.to = state.to;
  message.from = state.from;
  message.term = state.term;
  message.log_term = state.term;
  message.index = state.index;
  message.commit = state.commit;
  for (size_t at = 0; at < count; ++at) {
    EntryView entry;
    entry.term = state.term;
    entry.index = ++state.index;
    entry.data = Bytes(size);
    entries_.push_back(entry);
  }
  message.entries = entries_;
  return message;
}

MessageView MessageMaker::FollowingAppend(Group* group) {
  static constexpr size_t kCounts[] = {0, 1, 1, 1, 1, 2, 3, 4, 5, 16, 70, 256, 300};
  static constexpr size_t kSizes[] = {0, 1, 16, 64, 64, 64, 255, 256, 700};
  const size_t count = kCounts[Below(OneIn(20) ? 13 : 9)];
  const size_t size = kSizes[Below(9)];
  const bool mixed = OneIn(2);
  MessageView message;
  message.type = MessageType::kApp;
  message.log_term = group->term;
  message.index = group->index;
  group->commit += OneIn(3) ? 0 : Below(group->index - group->commit + 1);
  message.commit = group->commit;
  for (size_t at = 0; at < count; ++at) {
    EntryView entry;
    entry.term = group->term;
    entry.index = ++group->index;
    entry.data = Bytes(mixed ? Below(size + 1) : size);
    entries_.push_back(entry);
  }
  message.entries = entries_;
  return message;
}

void MessageMaker::Distort(MessageView* message) {
  EntryView* const entry = entries_.empty() ? nullptr : &entries_[Below(entries_.size())];
  switch (Below(entry == nullptr ? 9 : 15)) {
    case 0:
      message->context = MaybeBytes();
      break;
    case 1:
      message->index += Below(3);
      break;
    case 2:
      message->commit = Number();
      break;
    case 3:
      message->log_term = Number();
      break;
    case 4:
      message->from = Number();
      break;
    case 5:
      message->reject = true;
      message->reject_hint = Number();
      break;
    case 6:
      message->unknown_fields = UnknownFields();
      break;
    case 7:
      message->vote = Number();
      break;
    case 8:
      MaybeZero(true, message->vote, 13, &message->zero_fields);
      break;
    case 9:
      entry->term = Number();
      break;
    case 10:
      entry->index = Number();
      break;
    case 11:
      entry->type = EntryType::kConfChange;
      break;
    case 12:
      entry->data = absl::string_view();
      break;
    case 13:
      entry->unknown_fields = UnknownFields();
      break;
    default:
      MaybeZero(true, static_cast<uint64_t>(entry->type), 1, &entry->zero_fields);
  }
}

MessageView MessageMaker::Follow(uint64_t group_id) {
  if (OneIn(50)) {
    return Any();
  }
  Begin();
  Group& group = GroupOf(group_id);
  if (OneIn(60)) {
    group.term += 1 + Below(2);
  }
  if (OneIn(60)) {
    group.index -= Below(3);
    group.commit = group.commit < group.index ? group.commit : group.index;
  }
  MessageView message;
  switch (Below(8)) {
    case 0:
      message.type = MessageType::kAppResp;
      group.match += Below(OneIn(4) ? 1000 : 5);
      message.index = group.match;
      break;
    case 1:
      message.type = MessageType::kHeartbeat;
      group.commit += OneIn(2) ? 0 : Below(group.index - group.commit + 1);
      message.commit = group.commit;
      break;
    case 2:
      message.type = MessageType::kHeartbeatResp;
      break;
    case 3:
      message.type = OneIn(2) ? MessageType::kVote : MessageType::kPreVoteResp;
      message.index = group.index;
      message.log_term = group.term - 1;
      break;
    default:
      message = FollowingAppend(&group);
  }
  message.to = group.to;
  message.from = group.from;
  message.term = group.term;
  if (message.type != MessageType::kApp && OneIn(3)) {
    message.context = MaybeBytes();
  }
  if (OneIn(8)) {
    Distort(&message);
  }
  return message;
}

}  // namespace hawser
