#include "adapters/libraft/raft_messages.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/little_endian.h"

namespace hawser::libraft {
namespace {

// A vote for which a live leader steps down has this context, as etcd's has.
constexpr absl::string_view kDisruptLeader = "CampaignTransfer";
// The context of an answer that does not say whether it answers a pre-vote.
constexpr absl::string_view kPreVoteUnknown = "pre-vote unknown";

// libraft's encoding of a configuration: version, count, then id, address, zero and role each.
constexpr char kConfigurationVersion = 1;
constexpr size_t kConfigurationHeadBytes = 1 + sizeof(uint64_t);
constexpr uint64_t kServersMax = 4096;

// More than an entry takes beside its data.
constexpr size_t kEntryOverheadBytes = 64;

absl::Status NoMemory() { return absl::ResourceExhaustedError("no memory for libraft's message"); }

absl::string_view BytesOf(const raft_buffer& buffer) {
  // Present, also when empty: absent data would be an exception to the codec.
  return buffer.len == 0 ? absl::string_view("", 0)
                         : absl::string_view(static_cast<const char*>(buffer.base), buffer.len);
}

// Memory of libraft's with a copy of `bytes`; never nullptr for lack of bytes.
void* CopyOf(absl::string_view bytes) {
  void* copy = raft_malloc(std::max<size_t>(bytes.size(), 1));
  if (copy != nullptr && !bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  return copy;
}

absl::Status ViewAppend(const raft_append_entries& in, unsigned entry_count, ViewParts* parts,
                        MessageView* out) {
  out->type = MessageType::kApp;
  out->term = in.term;
  out->index = in.prev_log_index;
  out->log_term = in.prev_log_term;
  out->commit = in.leader_commit;
  parts->entries.resize(std::min(entry_count, in.n_entries));
  for (unsigned i = 0; i < parts->entries.size(); ++i) {
    const raft_entry& entry = in.entries[i];
    if (entry.type < RAFT_COMMAND || entry.type > RAFT_CHANGE) {
      return absl::InvalidArgumentError(absl::StrCat("an entry of type ", entry.type));
    }
    EntryView& view = parts->entries[i];
    view = EntryView();
    view.term = entry.term;
    view.index = in.prev_log_index + 1 + i;
    view.type = static_cast<EntryType>(entry.type - RAFT_COMMAND);
    view.data = BytesOf(entry.buf);
  }
  out->entries = parts->entries;
  return absl::OkStatus();
}

absl::Status ViewSnapshot(const raft_install_snapshot& in, ViewParts* parts, MessageView* out) {
  if (in.conf.n == 0) return absl::InvalidArgumentError("a snapshot without a configuration");
  raft_buffer configuration;
  if (raft_configuration_encode(&in.conf, &configuration) != 0) return NoMemory();
  // It is filled up to a multiple of 8 with what was in the memory before: that stays here.
  size_t length = kConfigurationHeadBytes;
  for (unsigned i = 0; i < in.conf.n; ++i) {
    length += sizeof(uint64_t) + std::strlen(in.conf.servers[i].address) + 2;
  }
  parts->configuration.assign(static_cast<const char*>(configuration.base), length);
  raft_free(configuration.base);
  parts->snapshot = SnapshotView();
  parts->snapshot.metadata = parts->configuration;
  parts->snapshot.data = BytesOf(in.data);
  out->type = MessageType::kSnap;
  out->term = in.term;
  out->index = in.last_index;
  out->log_term = in.last_term;
  out->commit = in.conf_index;
  out->snapshot = &parts->snapshot;
  return absl::OkStatus();
}

void ViewVote(const raft_request_vote& in, MessageView* out) {
  out->type = in.pre_vote ? MessageType::kPreVote : MessageType::kVote;
  out->term = in.term;
  out->vote = in.candidate_id;
  out->index = in.last_log_index;
  out->log_term = in.last_log_term;
  if (in.disrupt_leader) out->context = kDisruptLeader;
}

void ViewVoteResult(const raft_request_vote_result& in, MessageView* out) {
  out->type = in.pre_vote == raft_tribool_true ? MessageType::kPreVoteResp : MessageType::kVoteResp;
  out->term = in.term;
  out->reject = !in.vote_granted;
  if (in.pre_vote == raft_tribool_unknown) out->context = kPreVoteUnknown;
}

void ViewAppendResult(const raft_append_entries_result& in, MessageView* out) {
  out->type = MessageType::kAppResp;
  out->term = in.term;
  out->reject = in.rejected != 0;
  out->index = out->reject ? in.rejected : in.last_log_index;
  if (out->reject) out->reject_hint = in.last_log_index;
}

// libraft frees the array and, of a rejected append, the first entry's batch alone: all data is in
// one batch, which every entry names.
absl::Status CopyEntries(const MessageView& in, raft_append_entries* out) {
  if (in.entries.empty()) return absl::OkStatus();
  size_t bytes = 0;
  uint64_t index = in.index;
  for (const EntryView& entry : in.entries) {
    if (entry.index != ++index || entry.type > EntryType::kConfChangeV2) {
      return absl::InvalidArgumentError("entries that libraft does not know");
    }
    bytes += entry.data.size();
  }
  auto* entries = static_cast<raft_entry*>(raft_malloc(in.entries.size() * sizeof(raft_entry)));
  auto* batch = static_cast<char*>(raft_malloc(std::max<size_t>(bytes, 1)));
  if (entries == nullptr || batch == nullptr) {
    raft_free(entries);
    raft_free(batch);
    return NoMemory();
  }
  char* at = batch;
  for (size_t i = 0; i < in.entries.size(); ++i) {
    const EntryView& view = in.entries[i];
    raft_entry& entry = entries[i];
    entry.term = view.term;
    entry.type = static_cast<decltype(entry.type)>(static_cast<int>(view.type) + RAFT_COMMAND);
    entry.buf.len = view.data.size();
    entry.buf.base = view.data.empty() ? nullptr : at;
    entry.batch = batch;
    if (!view.data.empty()) std::memcpy(at, view.data.data(), view.data.size());
    at += view.data.size();
  }
  out->entries = entries;
  out->n_entries = static_cast<unsigned>(in.entries.size());
  return absl::OkStatus();
}

// Reads a server at the front of `bytes`, and takes it off.
bool ReadServer(absl::string_view* bytes, raft_configuration* out) {
  if (bytes->size() < 8) return false;
  const raft_id id = LoadLittle<uint64_t>(bytes->data());
  if (id == 0) return false;
  bytes->remove_prefix(8);
  const size_t length = bytes->find('\0');
  if (length == absl::string_view::npos || bytes->size() < length + 2) return false;
  const int role = static_cast<unsigned char>((*bytes)[length + 1]);
  // It refuses roles that there are not, and ids and addresses that were there before.
  if (raft_configuration_add(out, id, bytes->data(), role) != 0) return false;
  bytes->remove_prefix(length + 2);
  return true;
}

absl::Status ReadConfiguration(absl::string_view bytes, raft_configuration* out) {
  raft_configuration_init(out);
  bool good = bytes.size() >= kConfigurationHeadBytes && bytes[0] == kConfigurationVersion;
  if (good) {
    uint64_t count = LoadLittle<uint64_t>(bytes.data() + 1);
    bytes.remove_prefix(kConfigurationHeadBytes);
    good = count > 0 && count <= kServersMax;
    for (; good && count > 0; --count) good = ReadServer(&bytes, out);
    good = good && bytes.empty();
  }
  if (good) return absl::OkStatus();
  raft_configuration_close(out);
  return absl::InvalidArgumentError("a configuration that libraft does not know");
}

absl::Status CopySnapshot(const MessageView& in, raft_install_snapshot* out) {
  if (in.snapshot == nullptr) return absl::InvalidArgumentError("MsgSnap without a snapshot");
  *out = {};
  if (absl::Status status = ReadConfiguration(in.snapshot->metadata, &out->conf); !status.ok()) {
    return status;
  }
  out->term = in.term;
  out->last_index = in.index;
  out->last_term = in.log_term;
  out->conf_index = in.commit;
  out->data.len = in.snapshot->data.size();
  out->data.base = CopyOf(in.snapshot->data);
  if (out->data.base != nullptr) return absl::OkStatus();
  raft_configuration_close(&out->conf);
  return NoMemory();
}

raft_tribool PreVoteOf(const MessageView& in) {
  if (in.type == MessageType::kPreVoteResp) return raft_tribool_true;
  return in.context == kPreVoteUnknown ? raft_tribool_unknown : raft_tribool_false;
}

}  // namespace

unsigned EntriesWithin(const raft_append_entries& append, size_t bytes_max, unsigned entries_max) {
  size_t bytes = 0;
  unsigned count = 0;
  while (count < append.n_entries && count < entries_max) {
    bytes += append.entries[count].buf.len + kEntryOverheadBytes;
    if (bytes > bytes_max && count > 0) break;
    ++count;
  }
  return count;
}

absl::Status ViewOfRaftMessage(raft_id from, const raft_message& message, unsigned entry_count,
                               ViewParts* parts, MessageView* view) {
  *view = MessageView();
  view->from = from;
  view->to = message.server_id;
  switch (message.type) {
    case RAFT_IO_APPEND_ENTRIES:
      return ViewAppend(message.append_entries, entry_count, parts, view);
    case RAFT_IO_APPEND_ENTRIES_RESULT:
      ViewAppendResult(message.append_entries_result, view);
      return absl::OkStatus();
    case RAFT_IO_REQUEST_VOTE:
      ViewVote(message.request_vote, view);
      return absl::OkStatus();
    case RAFT_IO_REQUEST_VOTE_RESULT:
      ViewVoteResult(message.request_vote_result, view);
      return absl::OkStatus();
    case RAFT_IO_INSTALL_SNAPSHOT:
      return ViewSnapshot(message.install_snapshot, parts, view);
    case RAFT_IO_TIMEOUT_NOW:
      view->type = MessageType::kTimeoutNow;
      view->term = message.timeout_now.term;
      view->index = message.timeout_now.last_log_index;
      view->log_term = message.timeout_now.last_log_term;
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError(absl::StrCat("a message of type ", message.type));
  }
}

absl::Status RaftMessageOfView(const MessageView& view, const char* address,
                               raft_message* message) {
  message->server_id = view.from;
  message->server_address = address;
  switch (view.type) {
    case MessageType::kApp:
      message->type = RAFT_IO_APPEND_ENTRIES;
      message->append_entries = {view.term, view.index, view.log_term, view.commit, nullptr, 0};
      return CopyEntries(view, &message->append_entries);
    case MessageType::kAppResp:
      message->type = RAFT_IO_APPEND_ENTRIES_RESULT;
      message->append_entries_result = {view.term, view.reject ? view.index : 0,
                                        view.reject ? view.reject_hint : view.index};
      return absl::OkStatus();
    case MessageType::kVote:
    case MessageType::kPreVote:
      message->type = RAFT_IO_REQUEST_VOTE;
      message->request_vote = {view.term,
                               view.vote,
                               view.index,
                               view.log_term,
                               view.context == kDisruptLeader,
                               view.type == MessageType::kPreVote};
      return absl::OkStatus();
    case MessageType::kVoteResp:
    case MessageType::kPreVoteResp:
      message->type = RAFT_IO_REQUEST_VOTE_RESULT;
      message->request_vote_result = {view.term, !view.reject, PreVoteOf(view)};
      return absl::OkStatus();
    case MessageType::kSnap:
      message->type = RAFT_IO_INSTALL_SNAPSHOT;
      return CopySnapshot(view, &message->install_snapshot);
    case MessageType::kTimeoutNow:
      message->type = RAFT_IO_TIMEOUT_NOW;
      message->timeout_now = {view.term, view.index, view.log_term};
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError(
          absl::StrCat(MessageTypeName(view.type), ", which libraft does not know"));
  }
}

void FreeRaftMessage(raft_message* message) {
  if (message->type == RAFT_IO_APPEND_ENTRIES && message->append_entries.n_entries > 0) {
    raft_free(message->append_entries.entries[0].batch);
    raft_free(message->append_entries.entries);
  } else if (message->type == RAFT_IO_INSTALL_SNAPSHOT) {
    raft_configuration_close(&message->install_snapshot.conf);
    raft_free(message->install_snapshot.data.base);
  }
}

}  // namespace hawser::libraft
