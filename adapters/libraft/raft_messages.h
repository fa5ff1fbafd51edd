#ifndef HAWSER_ADAPTERS_LIBRAFT_RAFT_MESSAGES_H_
#define HAWSER_ADAPTERS_LIBRAFT_RAFT_MESSAGES_H_

// libraft's messages as MessageViews, and back. Pure; docs/libraft.md has the table.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "adapters/libraft/libraft.h"
#include "codec/message_view.h"

namespace hawser::libraft {

// What a view points at beside the message that it shows. May be used for the next view again.
struct ViewParts {
  std::vector<EntryView> entries;
  SnapshotView snapshot;
  std::string configuration;
};

// How many of `append`'s entries, from the first on, take at most `bytes_max` bytes together, at
// 64 bytes an entry beside its data, and are at most `entries_max`: at least 1 if there is one.
unsigned EntriesWithin(const raft_append_entries& append, size_t bytes_max, unsigned entries_max);

// Shows `message`, which `from` sends; of an append the first `entry_count` entries. The view
// points into `message`'s entries and snapshot data and into `parts`.
// Errors: InvalidArgument (libraft makes no such message), ResourceExhausted.
absl::Status ViewOfRaftMessage(raft_id from, const raft_message& message, unsigned entry_count,
                               ViewParts* parts, MessageView* view);

// Makes `message` what `view` shows, received from a server at `address`, which must outlive it.
// Entries, snapshot and configuration are copied into memory of raft_malloc, which libraft takes
// over with the message (or FreeRaftMessage). On an error nothing is left to free.
// Errors: InvalidArgument (no message of libraft's), ResourceExhausted.
absl::Status RaftMessageOfView(const MessageView& view, const char* address, raft_message* message);

// Frees what RaftMessageOfView made and libraft did not take.
void FreeRaftMessage(raft_message* message);

}  // namespace hawser::libraft

#endif  // HAWSER_ADAPTERS_LIBRAFT_RAFT_MESSAGES_H_
