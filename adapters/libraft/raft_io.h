#ifndef HAWSER_ADAPTERS_LIBRAFT_RAFT_IO_H_
#define HAWSER_ADAPTERS_LIBRAFT_RAFT_IO_H_

// A raft_io of libraft whose disk and clock are raft_uv's and whose network is Hawser: in C++.
// hawser_raft_io.h is the same for C.

#include "adapters/libraft/libraft.h"
#include "adapters/libraft/raft_io_options.h"
#include "transport/transport.h"

namespace hawser::libraft {

// Makes `io` such a raft_io, with its log in `directory` and run by `loop`: for raft_init. Nothing
// listens before raft_init, nothing is sent before raft_start. Call CloseRaftIo when raft_close
// has called back, or at once if raft_init failed.
// Returns 0 or an error of libraft's, with words in `io->errmsg`. A bad option is told by raft_init
// (RAFT_INVALID, raft_errmsg).
int InitRaftIo(raft_io* io, uv_loop_t* loop, const char* directory, const RaftIoOptions& options);

// Frees what InitRaftIo made. May be called inside raft_close's callback.
void CloseRaftIo(raft_io* io);

// The raft_io of raft_uv inside: for raft_uv_set_segment_size and the like.
raft_io* DiskOf(raft_io* io);

// The transport: for Describe, PinLink, an admin server. Null before raft_init and after
// raft_close.
Transport* TransportOf(raft_io* io);

}  // namespace hawser::libraft

#endif  // HAWSER_ADAPTERS_LIBRAFT_RAFT_IO_H_
