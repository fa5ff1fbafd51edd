#include "docs/sketches/libraft_messages.h"

#include <cstring>

namespace hawser::sketches {
namespace {

// A vote that may depose a live leader carries this as its context, as etcd-raft does it.
constexpr absl::string_view kDisruptLeader = "d";

void ViewAppend(const foreign::raft_append_entries& in, std::vector<EntryView>* entries,
                MessageView* out) {
  out->type = MessageType::kApp;
  out->term = in.term;
  out->index = in.prev_log_index;
  out->log_term = in.prev_log_term;
  out->commit = in.leader_commit;
  entries->resize(in.n_entries);
  for (unsigned i = 0; i < in.n_entries; ++i) {
    const foreign::raft_entry& entry = in.entries[i];
    EntryView& view = (*entries)[i];
    view = EntryView();
    view.term = entry.term;
    view.index = in.prev_log_index + 1 + i;  // Raft's own numbering: the codec leaves it out.
    view.type = static_cast<EntryType>(entry.type - foreign::RAFT_COMMAND);
    view.data = absl::string_view(static_cast<const char*>(entry.buf.base), entry.buf.len);
  }
  out->entries = *entries;
}

// All entries' data goes into one batch: libraft frees only the first entry's when it rejects.
bool CopyEntries(absl::Span<const EntryView> in, foreign::raft_append_entries* out) {
  out->n_entries = static_cast<unsigned>(in.size());
  out->entries = nullptr;
  if (in.empty()) return true;
  size_t bytes = 0;
  for (const EntryView& entry : in) bytes += entry.data.size();
  auto* entries =
      static_cast<foreign::raft_entry*>(foreign::raft_malloc(in.size() * sizeof *out->entries));
  auto* batch = static_cast<char*>(foreign::raft_malloc(bytes + 1));
  if (entries == nullptr || batch == nullptr) {
    foreign::raft_free(entries);
    foreign::raft_free(batch);
    return false;
  }
  char* at = batch;
  for (size_t i = 0; i < in.size(); ++i) {
    const absl::string_view data = in[i].data;
    if (!data.empty()) std::memcpy(at, data.data(), data.size());
    const auto type = static_cast<int>(in[i].type) + foreign::RAFT_COMMAND;
    entries[i] = {in[i].term,
                  static_cast<unsigned short>(type),  // NOLINT(google-runtime-int)
                  {data.empty() ? nullptr : at, data.size()},
                  batch};
    at += data.size();
  }
  out->entries = entries;
  return true;
}

}  // namespace

MessageView ViewOfRaftMessage(foreign::raft_id from, const foreign::raft_message& in,
                              std::vector<EntryView>* entries) {
  MessageView out;
  out.from = from;
  out.to = in.server_id;
  switch (in.type) {
    case foreign::RAFT_IO_APPEND_ENTRIES:
      ViewAppend(in.append_entries, entries, &out);
      break;
    case foreign::RAFT_IO_APPEND_ENTRIES_RESULT: {
      const auto& result = in.append_entries_result;
      out.type = MessageType::kAppResp;
      out.term = result.term;
      out.reject = result.rejected != 0;
      out.index = out.reject ? result.rejected : result.last_log_index;
      out.reject_hint = out.reject ? result.last_log_index : 0;
      break;
    }
    case foreign::RAFT_IO_REQUEST_VOTE: {
      const auto& vote = in.request_vote;
      out.type = vote.pre_vote ? MessageType::kPreVote : MessageType::kVote;
      out.term = vote.term;
      out.vote = vote.candidate_id;
      out.index = vote.last_log_index;
      out.log_term = vote.last_log_term;
      if (vote.disrupt_leader) out.context = kDisruptLeader;
      break;
    }
    case foreign::RAFT_IO_REQUEST_VOTE_RESULT: {
      const auto& result = in.request_vote_result;
      const bool pre_vote = result.pre_vote == foreign::raft_tribool_true;
      out.type = pre_vote ? MessageType::kPreVoteResp : MessageType::kVoteResp;
      out.term = result.term;
      out.reject = !result.vote_granted;
      break;
    }
    default:
      break;  // kHup: Send refuses it as local_only_type.
  }
  return out;
}

bool RaftMessageOfView(const MessageView& in, const char* address, foreign::raft_message* out) {
  out->server_id = in.from;
  out->server_address = address;
  switch (in.type) {
    case MessageType::kApp:
      out->type = foreign::RAFT_IO_APPEND_ENTRIES;
      out->append_entries = {in.term, in.index, in.log_term, in.commit, nullptr, 0};
      return CopyEntries(in.entries, &out->append_entries);
    case MessageType::kAppResp:
      out->type = foreign::RAFT_IO_APPEND_ENTRIES_RESULT;
      out->append_entries_result = {in.term, in.reject ? in.index : 0,
                                    in.reject ? in.reject_hint : in.index};
      return true;
    case MessageType::kVote:
    case MessageType::kPreVote:
      out->type = foreign::RAFT_IO_REQUEST_VOTE;
      out->request_vote = {in.term,
                           in.vote,
                           in.index,
                           in.log_term,
                           !in.context.empty(),
                           in.type == MessageType::kPreVote};
      return true;
    case MessageType::kVoteResp:
    case MessageType::kPreVoteResp:
      out->type = foreign::RAFT_IO_REQUEST_VOTE_RESULT;
      out->request_vote_result = {in.term, !in.reject,
                                  in.type == MessageType::kPreVoteResp
                                      ? foreign::raft_tribool_true
                                      : foreign::raft_tribool_false};
      return true;
    default:
      return false;
  }
}

}  // namespace hawser::sketches
