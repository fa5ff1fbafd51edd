#ifndef HAWSER_DOCS_SKETCHES_LIBRAFT_MESSAGES_H_
#define HAWSER_DOCS_SKETCHES_LIBRAFT_MESSAGES_H_

// libraft's messages as MessageViews and back. InstallSnapshot and TimeoutNow, left out here, go
// as kSnap (the configuration encoded into SnapshotView::metadata) and kTimeoutNow.

#include <vector>

#include "codec/message_view.h"
#include "docs/sketches/foreign_libraft.h"

namespace hawser::sketches {

// A view of `in`, sent by `from`. `entries` is the view's array, reused from call to call.
MessageView ViewOfRaftMessage(foreign::raft_id from, const foreign::raft_message& in,
                              std::vector<EntryView>* entries);

// Makes `out` the message that `in` shows; entries and their data are copied into memory of
// raft_malloc, which libraft takes over. False: not a message of libraft's, or no memory.
bool RaftMessageOfView(const MessageView& in, const char* address, foreign::raft_message* out);

}  // namespace hawser::sketches

#endif  // HAWSER_DOCS_SKETCHES_LIBRAFT_MESSAGES_H_
